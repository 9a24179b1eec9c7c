"""The same tests on each database that the store knows: a conftest imports these to have them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from core.jobs import database as database_module
from tests import postgresql
from tests.required import skip_without

SQLITE, POSTGRESQL = "sqlite", "postgresql"  # also the marks of tests for one of them


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each test that can be run on both; the marks `sqlite` and `postgresql` choose one."""
    if "database" in metafunc.fixturenames:
        marks = {mark.name for mark in metafunc.definition.iter_markers()}
        chosen = [name for name in (SQLITE, POSTGRESQL) if name in marks]
        metafunc.parametrize("database", chosen or [SQLITE, POSTGRESQL], indirect=True)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[postgresql.Server]:
    """A machine without one skips, unless LAB_REQUIRE_POSTGRESQL=1."""
    skip_without(postgresql.why_not(), "LAB_REQUIRE_POSTGRESQL")
    with postgresql.server() as server:
        yield server


@pytest.fixture(autouse=True)
def database(
    request: pytest.FixtureRequest, isolated_runs: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """Which database the test's store lies in; what it has opened is closed behind it."""
    name = request.param
    if name == SQLITE:
        yield name
        return
    engines: list[Engine] = []
    create_engine = database_module.create_engine

    def noted(*arguments, **settings):
        engines.append(create_engine(*arguments, **settings))
        return engines[-1]

    monkeypatch.setattr(database_module, "create_engine", noted)
    with request.getfixturevalue("postgresql_server").database() as address:
        monkeypatch.setenv("LAB_DATABASE_URL", address)
        yield name
        for engine in engines:
            engine.dispose()

"""A bucket for the files of runs, and other machines: a conftest imports these fixtures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import s3
from tests.required import skip_without


@pytest.fixture(scope="session")
def s3_server() -> Iterator[s3.S3]:
    """A machine without moto skips, unless LAB_REQUIRE_S3=1."""
    skip_without(s3.why_not(), "LAB_REQUIRE_S3")
    with s3.server() as server:
        yield server


@pytest.fixture
def bucket(s3_server: s3.S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> s3.S3:
    """LAB_FILES_URL leads into a part of the bucket that is this test's own."""
    for name, value in s3_server.environment(tmp_path.name).items():
        monkeypatch.setenv(name, value)
    s3_server.requests.clear()
    return s3_server


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], None]:
    """Call it, and the lab is on another machine: what the first has on its disk is not here."""
    machines = iter(range(100))

    def move() -> None:
        machine = tmp_path / f"machine-{next(machines)}"
        monkeypatch.setenv("LAB_RUNS_DIR", str(machine / "runs"))
        monkeypatch.setenv("LAB_CACHE_DIR", str(machine / "cache"))

    return move

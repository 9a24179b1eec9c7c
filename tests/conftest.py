"""What all tests share: no test touches the user's own runs, full data sets only where they are."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

# Threads that spin long while they wait steal the core from the test beside them; see core.__main__
os.environ.setdefault("GOMP_SPINCOUNT", "3000")
# Tests run on as many processes as a small machine has cores: more threads only wait for each other
os.environ.setdefault("OMP_NUM_THREADS", "1")

pytest.register_assert_rewrite("tests.pages.opening")  # its asserts then say what they met

BROWSER_TESTS = Path(__file__).parent / "browser"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """One process for each file, which keeps what it has analyzed, and one for all browser tests.

    Two servers, their workers and two browsers at once only wait for each other on a small machine.
    """
    from xdist.scheduler import LoadFileScheduling

    class OneProcessForBrowserTests(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file: str = super()._split_scope(nodeid)
            return "browser" if "tests/browser/" in file else file

    return OneProcessForBrowserTests(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests are slow ones, and those that read whole data sets."""
    for item in items:
        reads_much = "full_data" in getattr(item, "fixturenames", ())
        if reads_much or item.path.is_relative_to(BROWSER_TESTS):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True, scope="session")
def isolated_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A LAB_CACHE_DIR of the tests' own: analyses are traced once in each process of pytest."""
    os.environ["LAB_CACHE_DIR"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(autouse=True)
def isolated_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A LAB_RUNS_DIR of the test's own, not made yet, and the default database inside it."""
    folder = tmp_path / "runs"
    monkeypatch.setenv("LAB_RUNS_DIR", str(folder))
    monkeypatch.delenv("LAB_DATABASE_URL", raising=False)
    return folder


@pytest.fixture
def networks_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Writes a file of networks, beside which the lab has no other."""
    from core.zoo import own

    monkeypatch.setattr(own, "_last_good", {})

    def write(text: str, name: str = "nets.py") -> Path:
        path = tmp_path / "mine" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        monkeypatch.setenv(own.VARIABLE, str(path))
        return path

    return write


@pytest.fixture
def one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Tiny networks on one thread, here and in new processes: threads only wait for each other."""
    import torch

    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def full_data() -> Path:
    """The folder with the whole MNIST and Fashion-MNIST, where this machine has them."""
    folder = os.environ.get("LAB_DATA_DIR")
    if not folder:
        pytest.skip("LAB_DATA_DIR is not set: the full data sets are not on this machine")
    return Path(folder)

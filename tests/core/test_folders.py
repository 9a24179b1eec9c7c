"""Where the user's files lie: the system's folders, or where the user or an older lab says."""

from __future__ import annotations

from pathlib import Path

import platformdirs
import pytest
from platformdirs.macos import MacOS
from platformdirs.unix import Unix
from platformdirs.windows import Windows

import core.data
from core import folders
from core.folders import NAME, data_folder, runs_folder

SYSTEMS = {"linux": Unix, "darwin": MacOS, "win32": Windows}
VARIABLES = ("LAB_DATA_DIR", "LAB_RUNS_DIR", "XDG_CACHE_HOME", "XDG_DATA_HOME", "LOCALAPPDATA")


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """An empty home folder of a user who has set nothing."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    use(monkeypatch, "linux")
    return tmp_path


def use(monkeypatch: pytest.MonkeyPatch, system: str) -> None:
    """As on another system: platformdirs chooses when it is imported, the lab when it looks."""
    monkeypatch.setattr(folders.sys, "platform", system)
    monkeypatch.setattr(folders, "PlatformDirs", SYSTEMS[system])


def test_what_the_user_says_comes_first(home, monkeypatch):
    monkeypatch.setenv("LAB_DATA_DIR", "~/images")
    monkeypatch.setenv("LAB_RUNS_DIR", str(home / "training"))
    assert data_folder() == core.data.data_dir() == home / "images"
    assert runs_folder() == home / "training"


def test_on_linux_they_are_where_xdg_says(home, monkeypatch):
    assert data_folder() == home / ".cache" / NAME
    assert runs_folder() == home / ".local" / "share" / NAME / "runs"
    for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(home / name))
    assert data_folder() == home / "XDG_CACHE_HOME" / NAME
    assert runs_folder() == home / "XDG_DATA_HOME" / NAME / "runs"


def test_a_relative_path_is_ignored_by_both(home, monkeypatch):
    for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, "relative/is/invalid")
    assert data_folder() == home / ".cache" / NAME
    assert runs_folder() == home / ".local" / "share" / NAME / "runs"


def test_runs_that_a_relative_path_has_held_are_still_found(home, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    old = Path("relative", NAME, "runs")
    old.mkdir(parents=True)
    assert runs_folder() == old
    (home / ".local" / "share" / NAME / "runs").mkdir(parents=True)  # used since
    assert runs_folder() == home / ".local" / "share" / NAME / "runs"


def test_on_a_mac(home, monkeypatch):
    use(monkeypatch, "darwin")
    assert data_folder() == home / "Library" / "Caches" / NAME
    assert runs_folder() == home / "Library" / "Application Support" / NAME / "runs"
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "xdg"))  # platformdirs follows it, we did not
    assert runs_folder() == home / "xdg" / NAME / "runs"
    old = home / "Library" / "Application Support" / NAME / "runs"
    old.mkdir(parents=True)
    assert runs_folder() == old


def test_on_windows_data_sets_of_an_earlier_version_are_found(home, monkeypatch):
    use(monkeypatch, "win32")
    local = home / "AppData" / "Local"
    monkeypatch.setattr(platformdirs.windows, "get_win_folder", lambda name: str(local))
    monkeypatch.setenv("LOCALAPPDATA", str(local))
    assert data_folder() == local / NAME / "Cache"
    assert runs_folder() == local / NAME / "runs"
    (local / NAME).mkdir(parents=True)
    assert data_folder() == local / NAME
    (local / NAME / "Cache").mkdir()
    assert data_folder() == local / NAME / "Cache"


def test_nothing_is_made_by_asking(home):
    data_folder(), runs_folder()
    assert not list(home.iterdir())

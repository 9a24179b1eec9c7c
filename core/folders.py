"""Where the lab keeps files of its user: data sets that can be fetched again, and runs.

LAB_DATA_DIR, LAB_RUNS_DIR and LAB_CACHE_DIR come first, then the folders that the system has for
such things (platformdirs; a relative XDG_* path is ignored, as the XDG base directory
specification says).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

from platformdirs import PlatformDirs

NAME = "cnn-architecture-lab"


def data_folder() -> Path:
    """The folder of the downloaded data sets; it need not exist yet."""
    if folder := os.environ.get("LAB_DATA_DIR"):
        return Path(folder).expanduser()
    return _in_use(PlatformDirs(NAME, appauthor=False).user_cache_path, _old_cache() / NAME)


def analyses_folder() -> Path:
    """The folder of analyses that are kept; it need not exist yet, and may be deleted."""
    if folder := os.environ.get("LAB_CACHE_DIR"):
        return Path(folder).expanduser() / "analyses"
    return PlatformDirs(NAME, appauthor=False).user_cache_path / "analyses"


def runs_folder() -> Path:
    """The folder of the run store and of checkpoints; it need not exist yet."""
    if folder := os.environ.get("LAB_RUNS_DIR"):
        return Path(folder).expanduser()
    folder_of_user = PlatformDirs(NAME, appauthor=False).user_data_path
    return _in_use(folder_of_user / "runs", _old_data() / NAME / "runs")


def files_url() -> str:
    """LAB_FILES_URL, where several machines share the files of runs; "" where it is not set.

    A folder comes as an absolute path, any other address as it is.
    """
    url = os.environ.get("LAB_FILES_URL", "")
    if not url or ("://" in url and not url.startswith("file://")):
        return url
    path = Path(unquote(urlsplit(url).path)) if url.startswith("file://") else Path(url)
    return str(path.expanduser().absolute())


def shared_files_cache() -> Path:
    """The folder of copies of shared files; it need not exist yet, and may be deleted."""
    return analyses_folder().with_name("files")


def absolute_folders() -> dict[str, str]:
    """The places of files that are set, for a process that starts in another folder."""
    names = ("LAB_RUNS_DIR", "LAB_DATA_DIR", "LAB_CACHE_DIR")
    folders = {
        name: str(Path(folder).expanduser().absolute())
        for name in names
        if (folder := os.environ.get(name))
    }
    return folders | ({"LAB_FILES_URL": url} if (url := files_url()) else {})


def _in_use(folder: Path, old: Path) -> Path:
    """`folder`, or the one of an earlier version of the lab where only that is there."""
    return old if old.is_dir() and not folder.exists() else folder


# Where the lab looked before it used platformdirs.


def _old_cache() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    folder = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return folder if folder.is_absolute() else Path.home() / ".cache"


def _old_data() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", str(Path.home())))
    # A relative path was taken as it is: a store that was made there is still found there.
    return Path(os.environ.get("XDG_DATA_HOME", str(Path.home() / ".local" / "share")))

"""The place of this process's files: LAB_FILES_URL, default the folder LAB_RUNS_DIR."""

from __future__ import annotations

from pathlib import Path

from core.folders import files_url, runs_folder
from core.storage.folder import Folder
from core.storage.place import Place


def files_place() -> Place:
    """Where the files of runs lie.

    Raises LabError where LAB_FILES_URL is no address, or needs a package that is not installed.
    """
    url = files_url()
    if not url:
        return Folder(runs_folder())
    if "://" not in url:
        return Folder(Path(url), "LAB_FILES_URL")
    from core.storage.remote import Remote

    return Remote.at(url)

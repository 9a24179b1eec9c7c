"""Where the files of runs lie in tests."""

from __future__ import annotations

import re
from pathlib import Path

from core.folders import runs_folder
from core.jobs.files import run_folder
from core.jobs.store import Run, open_store


def folder_of(run: Run | int) -> Path:
    """The folder of a run, or of the run with this number."""
    record = open_store().get(run) if isinstance(run, int) else run
    return runs_folder() / run_folder(record)


def names_of(run: Run) -> list[str]:
    """Its files, without the digits of a SHA-256 that some names end with."""
    return sorted(re.sub(r"-[0-9a-f]{12}(?=\.npz)", "", path.name) for path in files_of(run))


def files_of(run: Run, pattern: str = "*") -> list[Path]:
    """Its files whose names are like the pattern."""
    return sorted(path for path in folder_of(run).glob("*") if path.match(pattern))

"""Where the files of runs lie in tests."""

from __future__ import annotations

from pathlib import Path

from core.folders import runs_folder
from core.jobs.files import run_folder
from core.jobs.store import Run, open_store


def folder_of(run: Run | int) -> Path:
    """The folder of a run, or of the run with this number."""
    record = open_store().get(run) if isinstance(run, int) else run
    return runs_folder() / run_folder(record)

"""python -m core backup | restore"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from core.cli.exit_codes import FAILED
from core.cli.flags import command
from core.cli.writing import say

if TYPE_CHECKING:
    from core.jobs.backup import Copied

_folder = click.argument("folder", type=click.Path(path_type=Path), metavar="FOLDER")


@command("backup", "copy the whole store into a folder, also while workers train")
@_folder
def backup(folder: Path) -> int:
    """Copy all runs and measurements, with the files that belong to them, into a new folder.

    Whatever the database: in the folder it is an SQLite file. Each file is held against its
    SHA-256. Runs under way are queued in the copy.
    """
    from core.jobs.backup import back_up
    from core.jobs.store import open_store

    return _told(f"{folder} holds", back_up(open_store(), folder))


@command("restore", "fill an empty store from a backup")
@_folder
def restore(folder: Path) -> int:
    """Fill the store that LAB_DATABASE_URL and LAB_FILES_URL name from a backup.

    It must have no runs yet. Run numbers stay; what was queued is queued.
    """
    from core.jobs import backup
    from core.jobs.store import open_store

    return _told("The store holds", backup.restore(folder, open_store()))


def _told(start: str, copied: Copied) -> int:
    """What there is now, and what could not be had; the exit code."""
    say(f"{start} {copied.jobs:,} runs and measurements with {copied.files:,} files.")
    for name in copied.missing:
        say(f"{name} is gone or damaged; the run that it belongs to is kept without it.")
    return FAILED if copied.missing else 0

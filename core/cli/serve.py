"""python -m core serve: the pages, also of networks in files of one's own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from core.cli.flags import command
from core.zoo.own import name_files

_DASHBOARD = Path(__file__).parents[2] / "dashboard.py"


@command("serve", "the pages, with the networks of your own files")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE.py ...]")
@click.option("--port", type=click.IntRange(1, 65_535), help="default: 8501, or the next free one")
def serve(files: tuple[Path, ...], port: int | None) -> int:
    """Open the pages on this machine; every class or function of the files that gives an
    nn.Module stands in the picker under Yours, and is followed as its file is saved.
    """
    name_files(list(files))
    arguments = [sys.executable, "-m", "streamlit", "run", str(_DASHBOARD)]
    if port is not None:
        arguments += ["--server.port", str(port)]
    os.execv(sys.executable, arguments)

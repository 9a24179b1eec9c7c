"""One command in this process, and what it wrote."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from core.__main__ import main


class Written(NamedTuple):
    """What a command left."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, str]]:
        """Its output as CSV."""
        return rows_of(self.out)

    @property
    def json(self) -> Any:
        """Its output as JSON."""
        return json.loads(self.out)


def rows_of(text: str) -> list[dict[str, str]]:
    """The lines of a CSV by column."""
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture(name="rows_of")
def reader_of_rows() -> Callable[[str], list[dict[str, str]]]:
    """Reads a CSV that a command wrote into a file."""
    return rows_of


@pytest.fixture
def command(capsys) -> Callable[..., Written]:
    """Runs one command: its exit code, standard output and standard error."""

    def run(*arguments: str) -> Written:
        code = main(arguments)
        written = capsys.readouterr()
        return Written(code, written.out, written.err)

    return run

"""Measurements that a page starts as a process: the flags --keep and --exit-with-parent.

TO BE CUT OUT in one move when pages put measurements into the queue: this file, and every line of
core/cli/measurements.py that says `kept`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from core.specs import LabError

if TYPE_CHECKING:
    from core.jobs.store import Store


class Kept:
    """Where a measurement goes besides the output: into the store, or nowhere."""

    def __init__(self, store: Store | None) -> None:
        self.store = store

    def put(self, name: str, **values: Any) -> None:
        """Keep the values under the name of the measurement."""
        if self.store:
            self.store.keep_measured(name, values)

    @contextmanager
    def errors(self, name: str, **known: Any) -> Iterator[None]:
        """What goes wrong inside is kept as one sentence, and goes on."""
        from core.cli.measurements import in_words

        try:
            yield
        except (LabError, RuntimeError, MemoryError) as error:
            self.put(name, **known, error=in_words(error))
            raise


def kept_for_pages(function: Callable[..., int]) -> Callable[..., int]:
    """Gives a measurement its hidden flags and `kept`; one that is kept writes nothing."""

    @click.option("--keep", is_flag=True, hidden=True)
    @click.option("--exit-with-parent", is_flag=True, hidden=True)
    @wraps(function)
    def measure(keep: bool, exit_with_parent: bool, **values: Any) -> int:
        if not keep:
            return function(**values, kept=Kept(None))
        from core.jobs.store import open_store
        from core.jobs.worker import leave_with_parent

        store = open_store()
        if exit_with_parent:
            leave_with_parent(store)
        with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
            return function(**values, kept=Kept(store))

    return measure

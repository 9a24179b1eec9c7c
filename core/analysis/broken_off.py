"""A forward pass that fails, as far as it ran. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.analysis.records import Analysis, Shape
from core.language import Message
from core.specs import LabError


@dataclass(frozen=True)
class Failure:
    """The operation that failed, and what met there."""

    path: str  # of its layer, or its own; the last row of the analysis
    operation: str  # conv2d, add
    shapes: tuple[Shape, ...]  # what a layer reads and its weight; all that an operation reads
    makers: tuple[str, ...]  # the path of the row that made each, IMAGE; "" for a weight or a table
    images: int  # that the pass was run with, of which the error's own text speaks


class ForwardError(LabError):
    """What a forward pass has raised; `partial` has the layers that ran before.

    `failure` is None where no operation of torch was under way, but the network's own code.
    """

    def __init__(self, said: Message, partial: Analysis, failure: Failure | None) -> None:
        super().__init__(said)
        self.partial = partial
        self.failure = failure

    def __reduce__(self) -> Any:
        """It is sent from one process to another."""
        return ForwardError, (self.message, self.partial, self.failure)

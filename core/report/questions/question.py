"""A reader's question: its answer in one line, and the view that proves it. Imports no torch."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.analysis.records import Analysis
from core.language import _
from core.specs import ModelSpec

if TYPE_CHECKING:
    from core.studies.reproduction import Reproduction
    from core.studies.shipped_studies import TrainedStudy
    from core.training.devices import DeviceReport


_WORD = re.compile(r"[\u3400-\u9fff]+|[^\s\u3400-\u9fff]+")  # Chinese has no spaces between its own


@dataclass(frozen=True)
class Evidence:
    """What answers are computed from, besides what comes with the lab as measured."""

    analysis_of: Callable[[ModelSpec], Analysis]
    reproductions: Callable[[], Sequence[Reproduction]]  # the published runs, trained again
    study: Callable[[str], TrainedStudy]  # of the studies that come with the lab
    devices: Callable[[], DeviceReport | None]  # of this machine; None while PyTorch is loading


@dataclass(frozen=True)
class Question:
    """One of them, and the view that proves its answer; `text` and `words` are in English."""

    name: str  # in addresses
    text: str
    answer: Callable[[Evidence], str]
    page: str  # architecture, compare, …
    address: Mapping[str, str | list[str]] = field(default_factory=dict)  # parameters of that page
    needs_runs: bool = False  # answered from runs or measurements that come with the lab
    is_of_this_machine: bool = False  # its answer may be another a moment later
    words: str = ""  # further words that find it
    decisive: Callable[[Analysis], Sequence[str]] | None = (
        None  # paths of the layers that answer it
    )

    def marks(self, analysis: Analysis, row: str) -> bool:
        """Whether a row, a layer or a block of them, has one of the layers that answer it."""
        paths = self.decisive(analysis) if self.decisive else ()
        return any(path == row or path.startswith(f"{row}.") for path in paths)

    def has(self, words: str, answer: str = "") -> bool:
        """Whether every one of these words stands in the question or its answer.

        In English they find it in every language.
        """
        text = f"{self.text} {_(self.text)} {self.words} {_(self.words)} {answer}".lower()
        return all(word in text for word in _WORD.findall(words.lower()))

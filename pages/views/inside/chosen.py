"""What a visitor of *Inside* has chosen: a network with its parameters, and an image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.analysis.records import Analysis
from core.data.catalogue import DatasetInfo
from core.inside.number_records import Explanation
from core.inside.weights import Weights
from core.jobs.store import Run
from core.language import ENGLISH, Message, in_language
from core.report.names import inside_file_name, safe_name


@dataclass(frozen=True, eq=False)
class Subject:
    """A network with its parameters."""

    weights: Weights
    analysis: Analysis
    run: Run | None  # None: at initialization
    which: str  # best, last or initial: which of the run's parameters
    words: Callable[[], str]  # of network and parameters, in the reader's language

    @property
    def title(self) -> str:
        """Network and parameters in words: on a page in its language, in a CSV in English."""
        return self.words()

    def file_name(self, *more: str) -> str:
        """`run-12-…-best-…`: what files about these parameters are called."""
        return safe_name(inside_file_name(self.weights, self.run, self.which), *more)


@dataclass(frozen=True, eq=False)
class Chosen:
    """Everything that the views of the page are about."""

    subject: Subject
    data: DatasetInfo  # the data set whose classes the network tells apart
    pixels: NDArray[np.uint8]  # (H, W) gray or (3, H, W), as the image is kept
    image_name: Message  # "test image 17", "drawn"
    index: int | None  # in the test set; None: not one of it
    label: int | None  # true class, where it is known

    @property
    def image_slug(self) -> str:
        """The image in the name of a file."""
        with in_language(ENGLISH):
            return str(self.image_name).replace(" ", "-")

    @property
    def weights(self) -> Weights:
        """Those of its network."""
        return self.subject.weights

    @property
    def analysis(self) -> Analysis:
        """Of its network."""
        return self.subject.analysis


@dataclass
class Shown:
    """What the page shows at this moment: its parts change it without the rest being drawn."""

    chosen: Chosen | None = None
    explanation: Explanation | None = None  # of the number that is looked at

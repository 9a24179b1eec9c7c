"""What stands in place of a prediction that a network does not give. Imports no torch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.language import _


def no_scores_sentence(network: str, scores: NDArray[np.float32] | None) -> str:
    """Of a network without `scores`, or with such that are no finite numbers."""
    if scores is None:
        return _("{network} gives no scores for classes.", network=network)
    return _(
        "The scores of {network} are no finite numbers: its weights have diverged.",
        network=network,
    )

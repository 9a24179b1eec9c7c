"""What a network says to the test images, as many as are quickly computed."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from core.analysis import analyze
from core.data.arrays import read_arrays
from core.inside.one_image import check_size, network_of, read_batch, scores_in
from core.inside.weights import Weights
from core.specs import LabError

_QUICK_MACS = 2e10  # multiply-adds that take about a second on one core
_FEWEST, _BATCH = 50, 100  # images


def predicted(weights: Weights, dataset: str, every: bool = False) -> NDArray[np.float32]:
    """(N, classes): probabilities of the first N test images; of all where that is quick, and
    of `every` one where somebody can wait.

    Raises LabError for a data set that is not here, or a network that is too large or gives no
    scores.
    """
    check_size(weights)
    macs = max(1, analyze(weights.spec).totals.macs)
    count = max(_FEWEST, int(_QUICK_MACS // macs))
    images = read_arrays(dataset, "test")[0]
    images = images if every else images[:count]
    network = network_of(weights)
    parts = []
    with torch.no_grad():
        for start in range(0, len(images), _BATCH):
            scores = scores_in(network(read_batch(weights, images[start : start + _BATCH])))
            if scores is None:
                raise LabError("This network gives no scores of classes, so it makes no mistakes.")
            parts.append(scores.float().softmax(1))
    found: NDArray[np.float32] = torch.cat(parts).numpy()
    return found

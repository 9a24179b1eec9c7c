"""What a network says to the test images, as many as are quickly computed."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from core.analysis import analyze
from core.data.arrays import read_arrays
from core.data.batches import prepare
from core.data.load import with_channels
from core.inside.one_image import check_size, network_of
from core.inside.weights import Weights

_QUICK_MACS = 2e10  # multiply-adds that take about a second on one core
_FEWEST, _BATCH = 50, 100  # images


def predicted(weights: Weights, dataset: str, every: bool = False) -> NDArray[np.float32]:
    """(N, classes): probabilities of the first N test images; of all where that is quick, and
    of `every` one where somebody can wait.

    Raises LabError for a data set that is not here, or a network that is too large.
    """
    check_size(weights)
    macs = max(1, analyze(weights.spec).totals.macs)
    count = max(_FEWEST, int(_QUICK_MACS // macs))
    images = with_channels(torch.from_numpy(read_arrays(dataset, "test")[0]))
    images = images if every else images[:count]
    network, spec = network_of(weights), weights.spec
    parts = []
    with torch.no_grad():
        for batch in images.split(_BATCH):
            read = prepare(batch, spec.sides, spec.in_channels, weights.mean, weights.std)
            parts.append(network(read).float().softmax(1))
    found: NDArray[np.float32] = torch.cat(parts).numpy()
    return found

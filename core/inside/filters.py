"""The filters of a convolution, before and after training, and what excites them most."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.analysis import analyze
from core.data.arrays import read_arrays
from core.inside.filters_records import Kernels, Patches, WeightSpread
from core.inside.one_image import check_size, network_of, read_batch
from core.inside.row_watcher import result_of
from core.inside.weights import Weights
from core.specs import LabError
from core.training.trail_records import BINS

SEARCHED, TOP = 1_000, 9  # test images that are searched, and patches a filter
_QUICK_MACS, _FEWEST = 1e10, 50  # of a search that takes about a second; images at least
_BATCH_BYTES = 64 * 2**20  # of the largest map of a batch
_MOST_INPUTS = 16  # channels of a filter that are drawn


def kernels(weights: Weights, path: str, most: int, by_change: bool = False) -> Kernels:
    """Up to `most` filters of the convolution `path`: the first, or those that moved most.

    Raises LabError for a layer that is no convolution, and as `network_of`.
    """
    after = _filters(weights, path)
    before = _filters(weights.as_initialized, path)
    lengths = before.flatten(1).norm(dim=1)
    moved = (after - before).flatten(1).norm(dim=1) / lengths.clamp_min(1e-12)
    order = moved.argsort(descending=True, stable=True) if by_change else torch.arange(len(moved))
    order = order[:most]
    return Kernels(
        path=path,
        filters=order.numpy(),
        before=before[order, :_MOST_INPUTS].numpy(),
        after=after[order, :_MOST_INPUTS].numpy(),
        moved=moved.numpy(),
        inputs=after.shape[1],
    )


def _filters(weights: Weights, path: str) -> Tensor:
    """float32 (filters, inputs, H, W)"""
    check_size(weights)
    module = dict(network_of(weights).named_modules()).get(path)
    weight = getattr(module, "weight", None)
    if not isinstance(weight, Tensor) or weight.dim() != 4:
        raise LabError(
            "{path} is no convolution over images; choose one of this network's.", path=path
        )
    return weight.float()


def spread(weights: Weights, paths: tuple[str, ...]) -> WeightSpread:
    """Histograms of the weights of these layers, before and after on the same bins."""
    check_size(weights)
    networks = [network_of(one) for one in (weights.as_initialized, weights)]
    edges, shares = np.zeros((len(paths), 2), np.float32), np.zeros((2, len(paths), BINS))
    for row, path in enumerate(paths):
        both = [_weights_of(network, path) for network in networks]
        edges[row] = min(one.min() for one in both), max(one.max() for one in both)
        low, high = float(edges[row, 0]), float(edges[row, 1])
        for state, values in enumerate(both):
            shares[state, row] = np.histogram(values, BINS, (low, high))[0] / len(values)
    before, after = shares.astype(np.float32)
    return WeightSpread(paths, before, after, edges)


def _weights_of(network: torch.nn.Module, path: str) -> NDArray[np.float32]:
    values: NDArray[np.float32] = network.get_submodule(path).weight.float().flatten().numpy()  # type: ignore[operator]
    return values


def patches(weights: Weights, path: str, dataset: str) -> Patches:
    """Where in the first test images each filter of the convolution `path` gives the most.

    Each image counts once, with its highest place. Fewer images are searched where a network is
    large, so that it takes seconds. Raises LabError as `kernels`, and for a data set that is not
    here.
    """
    _filters(weights, path)
    layers = analyze(weights.spec).layers
    reached = next(index for index, layer in enumerate(layers) if layer.path == path)
    macs = max(1, sum(layer.macs for layer in layers[: reached + 1]))
    count = min(SEARCHED, max(_FEWEST, int(_QUICK_MACS // macs)))
    largest = max(layer.output_bytes for layer in layers[: reached + 1])
    images = read_arrays(dataset, "test")[0][:count]
    found = [
        _highest(weights, path, images[start : start + batch])
        for batch in [max(1, _BATCH_BYTES // max(1, largest))]
        for start in range(0, len(images), batch)
    ]
    values, places = (torch.cat(parts) for parts in zip(*found, strict=True))  # (images, filters)
    best, which = values.topk(min(TOP, len(values)), dim=0)
    best_places = places.gather(0, which)
    width = layers[reached].output_shape[3]
    return Patches(
        path=path,
        searched=len(images),
        images=which.T.numpy(),
        rows=(best_places // width).T.numpy(),
        columns=(best_places % width).T.numpy(),
        values=best.T.numpy(),
    )


def _highest(weights: Weights, path: str, pixels: NDArray[np.uint8]) -> tuple[Tensor, Tensor]:
    """(images, filters): the highest number of each map, and its place in the flattened map."""
    with torch.no_grad():
        maps = result_of(network_of(weights), read_batch(weights, pixels), path)
    values, places = maps.flatten(2).max(dim=2)
    return values, places

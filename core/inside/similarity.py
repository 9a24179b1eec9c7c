"""How alike the layers of two networks are, over the same test images."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import isfinite, prod, sqrt

import torch
from torch import Tensor
from torch.nn import functional

from core.inside.one_image import check_size, network_of, scores_in
from core.inside.row_watcher import RowWatcher
from core.inside.similarity_records import MOST_NUMBERS, LayerSimilarity, Similarity
from core.inside.tested import TestImages
from core.inside.weights import Weights

_NOTHING = 1e-6  # of the numbers' size: what rounding leaves where every image gives the same


def similarity(
    first: Weights,
    second: Weights,
    dataset: str,
    pairs: tuple[tuple[str, str], ...],
    images: int,
) -> Similarity:
    """Linear CKA of these pairs of layers over the first `images` test images.

    None for a layer that does nothing in evaluation. Raises LabError for a data set that is not
    here, or a network that is too large.
    """
    one, said = _grams(first, dataset, [path for path, _ in pairs], images)
    two, also_said = _grams(second, dataset, [path for _, path in pairs], images)
    layers = tuple(
        LayerSimilarity(path, other, _alignment(one.get(path), two.get(other)))
        for path, other in pairs
    )
    agreed = None
    if said is not None and also_said is not None:
        agreed = float((said == also_said).double().mean())
    tested = TestImages.of(first, dataset, images)
    return Similarity(layers, len(tested.labels), tested.available, agreed)


def linear_cka(x: Tensor, y: Tensor) -> float | None:
    """Of results (N, …) and (N, …) for the same N images.

    None where one of them gives every image the same, or has numbers that are not finite.
    """
    return _alignment(_gram(x.flatten(1).float()), _gram(y.flatten(1).float()))


def _alignment(x: Tensor | None, y: Tensor | None) -> float | None:
    """Of two Gram matrices (N, N) of centered rows; None without one: a layer that did not run."""
    if x is None or y is None:
        return None
    lengths = float(x.norm() * y.norm())
    if not isfinite(lengths) or lengths == 0:
        return None
    return min(1.0, max(0.0, float((x * y).sum()) / lengths))


def _gram(rows: Tensor) -> Tensor:
    """(N, N) float64 of (N, numbers), every column centered; zeros where all rows are the same."""
    centered = rows - rows.mean(0)
    largest = rows.abs().max()
    if float(centered.abs().max()) <= _NOTHING * float(largest):
        return torch.zeros(len(rows), len(rows), dtype=torch.float64)
    centered = centered / largest
    return (centered @ centered.T).double()


def _grams(
    weights: Weights, dataset: str, paths: Sequence[str], images: int
) -> tuple[dict[str, Tensor], Tensor | None]:
    """The Gram matrix of each layer, and the class (N,) of each image; None without classes."""
    check_size(weights)
    network = network_of(weights)
    kept: dict[str, list[Tensor]] = {path: [] for path in paths}
    said: list[Tensor] = []
    for batch, _ in TestImages.of(weights, dataset, images).batches():
        looks = {path: partial(_keep, rows) for path, rows in kept.items()}
        with torch.no_grad():
            result = RowWatcher(network, looks).run(batch, needs_all=False)
        if (scores := scores_in(result)) is not None:
            said.append(scores.argmax(1))
    grams = {path: _gram(torch.cat(rows)) for path, rows in kept.items() if rows}
    return grams, torch.cat(said) if said else None


def _keep(rows: list[Tensor], output: Tensor) -> None:
    """A copy of a batch's results (N, numbers): the network may write over its own."""
    values = output.float()
    if values.dim() == 4 and prod(values.shape[1:]) > MOST_NUMBERS:
        values = functional.adaptive_avg_pool2d(values, _sides(values.shape))
    rows.append(values.flatten(1).clone())


def _sides(shape: Sequence[int]) -> tuple[int, int]:
    """(N, C, H, W) with its maps made smaller, so that few enough numbers are left."""
    _, channels, height, width = shape
    shrink = sqrt(channels * height * width / MOST_NUMBERS)
    return max(1, int(height / shrink)), max(1, int(width / shrink))

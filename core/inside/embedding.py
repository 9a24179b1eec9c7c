"""Test images in two dimensions, by what a network's last linear layer reads.

Principal components at once; t-SNE (van der Maaten & Hinton, Journal of Machine Learning Research
9, 2008) step by step. For some thousand images the exact form, a matrix of all pairs, takes seconds
with torch alone, so no further library is needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from math import log

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.analysis import analyze
from core.data.arrays import read_arrays
from core.inside.embedding_records import NEIGHBORS, Embedding, drawn
from core.inside.one_image import check_size, network_of, read_batch, scores_in
from core.inside.weights import Weights
from core.specs import LabError

STEPS = 600  # of t-SNE
_BATCH_BYTES, _LARGEST_BATCH = 128 * 2**20, 500  # of the largest map of a batch; images in it
_REDUCED = 50  # principal components that t-SNE starts from, as its authors do
_PERPLEXITY = 30.0  # about how many neighbors an image has
_EXAGGERATED = 200  # steps in which neighbors attract more, so that groups can form
_EXAGGERATION = 12.0
_BEFORE = 0.25  # share of the time before the first step, as measured: loading, images, affinities
_SEARCH = 36  # halvings of the interval that a bandwidth lies in: to nine digits
_TINY = 1e-12


@dataclass(frozen=True, eq=False)
class _Features:
    """What the network makes of N test images."""

    values: Tensor  # (N, F)
    layer: str
    scores: Tensor  # (N, classes)
    images: NDArray[np.int64]
    labels: NDArray[np.int64]


def principal_components(weights: Weights, dataset: str, images: int) -> Embedding:
    """The images in the plane of the two largest principal components of their features.

    Raises LabError where the data set is not here, or the network gives no scores of classes.
    """
    found = _features(weights, dataset, images)
    positions, variance = reduced(found.values, 2)
    probabilities = found.scores.softmax(1)
    confidence, predicted = probabilities.max(1)
    shares = [*variance.tolist(), 0.0, 0.0]
    return Embedding(
        positions=positions.float().numpy(),
        variance=(shares[0], shares[1]),
        layer=found.layer,
        features=found.values.shape[1],
        images=found.images,
        labels=found.labels,
        predicted=predicted.numpy(),
        confidence=confidence.numpy(),
        around=classes_around(found.values, torch.from_numpy(found.labels)).numpy(),
    )


def neighbor_map(
    weights: Weights, dataset: str, images: int
) -> Iterator[tuple[float, NDArray[np.float32]]]:
    """Share of the time and (N, 2) positions by t-SNE, now and then. Raises LabError as above."""
    features = _features(weights, dataset, images).values
    for step, positions in tsne(reduced(features, _REDUCED)[0]):
        yield _BEFORE + (1 - _BEFORE) * step / STEPS, positions.numpy()


# What the network reads ---------------------------------------------------------------------------


def _features(weights: Weights, dataset: str, count: int) -> _Features:
    check_size(weights)
    pixels, labels = read_arrays(dataset, "test")
    index = drawn(min(count, len(labels)), len(labels))
    network = deepcopy(network_of(weights))  # hooks change it
    largest = max(layer.output_bytes for layer in analyze(weights.spec).layers)
    size = max(1, min(_LARGEST_BATCH, _BATCH_BYTES // max(1, largest)))
    parts = [
        last_features(network, read_batch(weights, pixels[index[start : start + size]]))
        for start in range(0, len(index), size)
    ]
    values = torch.cat([features for _, features, _ in parts])
    scores = torch.cat([scores for _, _, scores in parts])
    if not torch.isfinite(values).all() or not torch.isfinite(scores).all():
        raise LabError("These parameters give no numbers; train again with a smaller rate.")
    return _Features(values, parts[0][0], scores, index, labels[index].astype(np.int64))


def last_features(network: nn.Module, images: Tensor) -> tuple[str, Tensor, Tensor]:
    """The path of the linear layer that runs last, its input (N, F), and the scores (N, classes).

    Without such a layer that reads a row an image, the scores are the features. Raises LabError
    where the network gives no scores.
    """
    read: list[tuple[str, Tensor]] = []

    def note(name: str) -> torch.utils.hooks.RemovableHandle:
        layer = network.get_submodule(name)
        return layer.register_forward_pre_hook(lambda _, inputs: read.append((name, inputs[0])))

    linear = [name for name, part in network.named_modules() if isinstance(part, nn.Linear)]
    handles = [note(name) for name in linear]
    try:
        with torch.no_grad():
            scores = scores_in(network(images))
    finally:
        for handle in handles:
            handle.remove()
    if scores is None:
        raise LabError("This network gives no scores of classes; choose one that classifies.")
    name, features = read[-1] if read else ("", scores)
    if features.dim() != 2 or len(features) != len(images):
        name, features = "", scores
    return name, features.float(), scores.float()


def classes_around(features: Tensor, labels: Tensor, neighbors: int = NEIGHBORS) -> Tensor:
    """(N,): the class that most of each image's nearest others have; the nearest decide a tie."""
    distances = torch.cdist(features, features)
    distances.fill_diagonal_(torch.inf)
    count = min(neighbors, len(labels) - 1)
    nearest = labels[distances.topk(count, largest=False).indices]  # (N, count), nearest first
    votes = torch.zeros(len(labels), int(labels.max()) + 1)
    weight = 1 + torch.linspace(0.5, 0, count) / count  # together less than one vote more
    return votes.scatter_add_(1, nearest, weight.expand(len(labels), -1)).argmax(1)


# Two dimensions -----------------------------------------------------------------------------------


def reduced(values: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """(N, F) along their largest principal components, (N, ≤ most), and each one's share.

    The sign of a component is that which makes its largest weight positive.
    """
    centered = values.double() - values.double().mean(0)
    _, sizes, components = torch.linalg.svd(centered, full_matrices=False)
    shares = sizes**2 / (sizes**2).sum().clamp_min(_TINY)
    components = components[:most]
    largest = components.abs().argmax(1, keepdim=True)
    components = components * components.gather(1, largest).sign()
    return centered @ components.T, shares[:most]


def tsne(
    values: Tensor, perplexity: float = _PERPLEXITY, news: int = 25
) -> Iterator[tuple[int, Tensor]]:
    """(N, F) as (N, 2): yields step and positions every `news` steps, the last after STEPS.

    Starts from the principal components, so nothing is drawn at random.
    """
    wanted = affinities(values, perplexity).float()
    spare = torch.empty_like(wanted), torch.empty_like(wanted)
    positions = reduced(values, 2)[0].float()
    if positions.shape[1] < 2:
        positions = torch.cat([positions, torch.zeros(len(positions), 1)], 1)
    positions = 1e-4 * positions / positions[:, 0].std().clamp_min(_TINY)
    rate = max(50.0, len(values) / _EXAGGERATION / 4)
    speed, gains = torch.zeros_like(positions), torch.ones_like(positions)
    for step in range(1, STEPS + 1):
        is_early = step <= _EXAGGERATED
        slope = _slope(wanted, positions, _EXAGGERATION if is_early else 1.0, spare)
        gains = torch.where(slope.sign() == speed.sign(), 0.8 * gains, gains + 0.2).clamp_min(0.01)
        speed = (0.5 if is_early else 0.8) * speed - rate * gains * slope
        positions = positions + speed
        positions = positions - positions.mean(0)
        if step % news == 0 or step == STEPS:
            yield step, positions.clone()


def affinities(values: Tensor, perplexity: float) -> Tensor:
    """(N, N): how likely two are neighbors, in sum 1; each has about `perplexity` of them.

    Equation 1, its bandwidths found by halving an interval, made symmetric.
    """
    distances = torch.cdist(values.double(), values.double()) ** 2
    distances = distances / distances.mean().clamp_min(_TINY)
    distances.fill_diagonal_(torch.inf)
    nearest = distances.min(1, keepdim=True).values  # so that no row is all zeros
    low = torch.full((len(values), 1), -30.0, dtype=torch.float64)  # logarithms of the precision
    high = torch.full_like(low, 30.0)
    goal = log(min(perplexity, (len(values) - 1) / 3))
    for _ in range(_SEARCH):
        middle = (low + high) / 2
        rows = torch.softmax(-(distances - nearest) * middle.exp(), 1)
        entropy = torch.special.entr(rows).sum(1, keepdim=True)
        low, high = (
            torch.where(entropy > goal, middle, low),
            torch.where(entropy > goal, high, middle),
        )
    return (rows + rows.T) / (2 * len(values))


def _slope(
    wanted: Tensor, positions: Tensor, exaggeration: float, spare: tuple[Tensor, Tensor]
) -> Tensor:
    """(N, 2): the gradient of the Kullback-Leibler divergence, equation 5.

    The matrices of all pairs are written into `spare`: new memory for each would take as long
    again.
    """
    kernel, pull = spare
    squares, ones = positions.square().sum(1, keepdim=True), torch.ones(len(positions), 1)
    first = torch.cat([-2 * positions, squares + 1, ones], 1)  # (N, 4)
    second = torch.cat([positions, ones, squares], 1)
    torch.mm(first, second.T, out=kernel)  # 1 + the squared distance of each pair
    kernel.clamp_min_(1).reciprocal_().fill_diagonal_(0)
    share = -1 / (exaggeration * kernel.sum().item())
    torch.add(wanted, kernel, alpha=share, out=pull).mul_(kernel)
    forces = pull @ torch.cat([positions, ones], 1)  # (N, 3), the last of which is a row's sum
    return 4 * exaggeration * (forces[:, 2:] * positions - forces[:, :2])

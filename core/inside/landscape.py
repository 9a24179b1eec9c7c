"""The loss around trained networks, in a plane of two random directions or along their training.

After Li et al., Visualizing the Loss Landscape of Neural Nets (arXiv 1712.09913). Random directions
(section 4): each filter is as long as the network's own, so that networks whose weights differ in
scale can be compared; biases and the parameters of BatchNorm stay where they are. Along the
training (section 7.2): the two principal components of the path, in which every parameter moves.
Computed on the CPU over training images, with BatchNorm in evaluation.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from core.data.batches import epoch_order
from core.data.load import load
from core.inside.landscape_records import (
    PATH,
    RANDOM,
    Landscape,
    NetworkLandscape,
    PathPoint,
    check_plane,
    no_plane_error,
)
from core.specs import LabError, RunSpec
from core.training.compute_plan import memory_format, threads_restored
from core.training.devices import describe
from core.training.fit import evaluation_batch_size, fit, image_sets, start
from core.training.parameters import load_parameters
from core.training.records import EpochMetrics
from core.zoo.building import build

Direction = Mapping[str, Tensor]  # for each parameter that moves
Parameters = Mapping[str, NDArray[np.float32]]
TrainingPath = Sequence[tuple[int, Parameters]]  # after an epoch; 0: as initialized
Evaluate = Callable[[nn.Module], tuple[float, float]]  # mean loss, accuracy

_DIGITS = 6  # that are kept
_BATCH = 250  # images: more at once do not stay in a CPU's cache
_MARGIN = 0.25  # around a path, of half its extent
_LINE = 1e-5  # times the length of a path: what it goes aside less than that is rounding
_NEWS = 0.02  # share of a training after which it says how far it is


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained network, and where its parameters were before training and after each epoch."""

    spec: RunSpec
    network: nn.Module
    epoch: int
    run: int | None = None
    path: TrainingPath = ()  # none: not known


def trained_network(
    run: int, epoch: int, spec: RunSpec, parameters: Path, path: TrainingPath = ()
) -> Trained:
    """A run with the parameters in a file. Raises LabError where they do not fit."""
    network = build(spec.model)
    load_parameters(network, parameters)
    return Trained(spec, network, epoch, run, path)


# The plane ----------------------------------------------------------------------------------------


def random_directions(network: nn.Module, seed: int) -> tuple[Direction, Direction]:
    """Two directions drawn by `seed`, each filter as long as the network's own."""
    generator = torch.Generator().manual_seed(seed)
    first, second = (_direction(network, generator) for _ in range(2))
    return first, second


def _direction(network: nn.Module, generator: torch.Generator) -> Direction:
    return {
        name: _filter_normalized(torch.randn(parameter.shape, generator=generator), parameter)
        for name, parameter in network.named_parameters()
        if parameter.dim() > 1  # neither biases nor BatchNorm
    }


def _filter_normalized(drawn: Tensor, weight: Tensor) -> Tensor:
    """A filter is what makes one output channel, or one output of a linear layer."""
    across = tuple(range(1, weight.dim()))
    own = torch.linalg.vector_norm(weight.detach(), dim=across, keepdim=True)
    return drawn * (own / torch.linalg.vector_norm(drawn, dim=across, keepdim=True))


def path_directions(
    path: NDArray[np.floating], center: NDArray[np.floating]
) -> NDArray[np.float64]:
    """The two principal components of the steps from the center to the path, orthonormal, (2, P).

    `path` (T, P), `center` (P,). They are taken about the center, so that no other plane through it
    holds more of the steps' squared length. The path begins at the left, and goes up more than
    down. Raises LabError for a path that is a line, or a point.
    """
    ways = path.astype(np.float64) - center
    _, lengths, found = np.linalg.svd(ways, full_matrices=False)
    if len(lengths) < 2 or lengths[1] <= _LINE * lengths[0]:
        raise no_plane_error()
    x, y = (ways @ found[:2].T).T
    signs = (1 if x[0] <= 0 else -1, 1 if y.max() >= -y.min() else -1)
    return found[:2] * np.array(signs)[:, None]


def walk(
    network: nn.Module,
    directions: tuple[Direction, Direction],
    xs: NDArray[np.float64],
    ys: NDArray[np.float64],
    evaluate: Evaluate,
) -> Generator[tuple[tuple[float, float], ...], None, None]:
    """Loss and accuracy at each point, row by row along the second direction.

    `xs`, `ys`: steps along each direction. The network is moved, and put back at the end.
    """
    with _put_back(network) as center:
        for y in ys:
            yield tuple(
                _found_at(network, _in_plane(center, directions, x, y), evaluate) for x in xs
            )


@contextmanager
def _put_back(network: nn.Module) -> Iterator[Mapping[str, Tensor]]:
    """Inside, the network may be moved away from these parameters."""
    center = {name: p.detach().clone() for name, p in network.named_parameters()}
    try:
        yield center
    finally:
        _move(network, center)


def _move(network: nn.Module, to: Mapping[str, Tensor]) -> None:
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name in to:
                parameter.copy_(to[name])


def _in_plane(
    center: Mapping[str, Tensor], directions: tuple[Direction, Direction], x: float, y: float
) -> Mapping[str, Tensor]:
    first, second = directions
    return {name: center[name] + float(x) * first[name] + float(y) * second[name] for name in first}


def _found_at(
    network: nn.Module, parameters: Mapping[str, Tensor], evaluate: Evaluate
) -> tuple[float, float]:
    _move(network, parameters)
    with torch.no_grad():
        return evaluate(network)


def project(
    path: NDArray[np.floating], center: NDArray[np.floating], directions: NDArray[np.floating]
) -> tuple[NDArray[np.float64], float]:
    """The points of the plane nearest to the path, (T, 2), and how much of the path they hold.

    `path` (T, P), `center` (P,), `directions` (2, P). The second is the share of the sum of squared
    distances from the center that lies in the plane, 0 to 1.
    """
    ways = path.astype(np.float64) - center
    plane = directions.astype(np.float64)
    points = np.linalg.lstsq(plane.T, ways.T, rcond=None)[0].T.astype(np.float64)
    length = float((ways**2).sum())
    return points, float(((points @ plane) ** 2).sum()) / length if length else 1.0


# Several networks ---------------------------------------------------------------------------------


def measure_landscapes(
    runs: Sequence[Trained],
    trainings: Sequence[RunSpec],
    points: int,
    span: float,
    images: int,
    seed: int,
    plane: str = RANDOM,
) -> Iterator[Landscape]:
    """Each network over its plane: yields what is known after each row of points.

    `trainings` are trained here first, on the CPU. A plane along the training is as large as the
    path, not as `span`, and draws nothing by `seed`. Raises LabError for a plane, a data set or a
    network that cannot be measured.
    """
    check_plane(points, span, images)
    if not runs and not trainings:
        raise LabError("Choose at least one network to measure.")
    total = len(runs) + 2 * len(trainings)  # training one takes about as long as looking around
    known = Landscape(0.0, points, span, images, seed, describe("cpu"), (), plane)
    done = 0.0
    with threads_restored():
        for subject in (*runs, *trainings):
            trained = subject if isinstance(subject, Trained) else None
            if isinstance(subject, RunSpec):
                for part in _trained_here(subject):
                    if isinstance(part, Trained):
                        trained = part
                    else:
                        yield replace(known, share=(done + part) / total)
                done += 1
            assert trained is not None  # as `_trained_here` ends with it
            before = known.networks
            for network in _around(trained, known):
                share = (done + len(network.loss) / points) / total
                known = replace(known, share=share, networks=(*before, network))
                yield known
            done += 1


def _trained_here(spec: RunSpec) -> Iterator[float | Trained]:
    """How far the training is, now and then, and at its end the network."""
    spec = replace(spec, device="cpu")
    training = start(spec)
    path, told = [(0, _parameters(training.network))], 0.0
    for event in fit(spec, training=training):
        if isinstance(event, EpochMetrics):
            path.append((event.epoch, _parameters(training.network)))
        elif event.fraction >= told + _NEWS:
            told = event.fraction
            yield told
    yield Trained(spec, training.network, training.epoch, path=path)


def _parameters(network: nn.Module) -> Parameters:
    return {name: p.detach().numpy().copy() for name, p in network.named_parameters()}


def _around(trained: Trained, plane: Landscape) -> Iterator[NetworkLandscape]:
    """The network's landscape, a row more each time."""
    layout = memory_format(trained.network)
    network = trained.network.to(memory_format=layout).eval()
    evaluate = _evaluation(trained.spec, plane.images)
    known = NetworkLandscape(trained.spec.to_json(), trained.epoch, trained.run)
    if plane.plane == PATH:
        directions, known = _along_path(known, trained, network, evaluate)
    else:
        directions = random_directions(network, plane.seed)
        points, share = _projected(trained, network, directions)
        known = replace(known, path=points, path_share=share)
    for row in walk(network, directions, *plane.where(known), evaluate):
        loss = tuple(_rounded(loss) for loss, _ in row)
        accuracy = tuple(_rounded(accuracy) for _, accuracy in row)
        known = replace(known, loss=(*known.loss, loss), accuracy=(*known.accuracy, accuracy))
        yield known


def _along_path(
    known: NetworkLandscape, trained: Trained, network: nn.Module, evaluate: Evaluate
) -> tuple[tuple[Direction, Direction], NetworkLandscape]:
    """The plane along the training, its extent, and the path with its losses in and beside it."""
    if not trained.path:
        raise no_plane_error(trained.run, epochs=0)
    shapes = {name: parameter.shape for name, parameter in network.named_parameters()}
    before = [one for one in trained.path if one[0] != trained.epoch]  # the last as it is: exactly
    trained = replace(trained, path=[*before, (trained.epoch, _parameters(network))])
    path, center = _flat_path(trained, shapes), _flat(_parameters(network), shapes)
    try:
        rows = path_directions(path, center)
    except LabError:
        raise no_plane_error(trained.run, len(path) - 1) from None
    directions = (_named(rows[0], shapes), _named(rows[1], shapes))
    where, share = project(path, center, rows)
    low, high = where.min(axis=0), where.max(axis=0)
    middle = ((low + high) / 2).tolist()
    points = []
    with _put_back(network) as at_center:
        for (epoch, own), (x, y) in zip(trained.path, where.tolist(), strict=True):
            beside = {name: torch.as_tensor(values) for name, values in own.items()}
            losses = (
                _found_at(network, parameters, evaluate)[0]
                for parameters in (beside, _in_plane(at_center, directions, x, y))
            )
            points.append(PathPoint(epoch, x, y, *map(_rounded, losses)))
    return directions, replace(
        known,
        path=tuple(points),
        path_share=share,
        middle=(middle[0], middle[1]),
        span=float((1 + _MARGIN) * (high - low).max() / 2),
    )


def _projected(
    trained: Trained, network: nn.Module, directions: tuple[Direction, Direction]
) -> tuple[tuple[PathPoint, ...], float | None]:
    """The path of the training in the plane; none where it is not known."""
    if not trained.path:
        return (), None
    shapes = {name: parameter.shape for name, parameter in network.named_parameters()}
    path = _flat_path(trained, shapes)
    plane = np.stack([_flat(direction, shapes) for direction in directions])
    points, share = project(path, _flat(_parameters(network), shapes), plane)
    epochs = [epoch for epoch, _ in trained.path]
    where = zip(epochs, points.tolist(), strict=True)
    return tuple(PathPoint(epoch, x, y) for epoch, (x, y) in where), share


def _flat_path(trained: Trained, shapes: Mapping[str, torch.Size]) -> NDArray:
    """(T, P). Raises LabError where it is another network's."""
    if any({name: p.shape for name, p in at.items()} != shapes for _, at in trained.path):
        raise LabError("The path of this training is another network's; train the run again.")
    return np.stack([_flat(at, shapes) for _, at in trained.path])


def _named(row: NDArray[np.float64], shapes: Mapping[str, torch.Size]) -> Direction:
    """The inverse of `_flat`."""
    parts = torch.from_numpy(row.astype(np.float32)).split([s.numel() for s in shapes.values()])
    return {
        name: part.reshape(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)
    }


def _flat(values: Mapping[str, Tensor] | Parameters, shapes: Mapping[str, torch.Size]) -> NDArray:
    """All parameters in one row; 0 for those that a direction does not have."""
    parts = [
        np.asarray(values.get(name, np.zeros(shape))).ravel() for name, shape in shapes.items()
    ]
    return np.concatenate(parts)


def _evaluation(spec: RunSpec, images: int) -> Evaluate:
    """The mean loss and the accuracy over some of the run's own training images."""
    data = load(spec.dataset).first(spec.train_images)
    train, _ = image_sets(spec, data, torch.device("cpu"))
    order = epoch_order(len(train.labels), seed=0, epoch=1)[:images]  # the same for every network
    size = min(_BATCH, evaluation_batch_size(spec))
    batches = [train.batch(index) for index in order.split(size)]

    def evaluate(network: nn.Module) -> tuple[float, float]:
        loss = correct = 0.0
        for inputs, labels in batches:
            logits = network(inputs)
            loss += F.cross_entropy(logits, labels, reduction="sum").item()
            correct += (logits.argmax(1) == labels).sum().item()
        return loss / len(order), correct / len(order)

    return evaluate


def _rounded(value: float) -> float | None:
    return float(f"{value:.{_DIGITS}g}") if isfinite(value) else None

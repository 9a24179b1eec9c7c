"""What the loss around trained networks is found to be. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.language import lazy
from core.specs import LabError, RunSpec, check_number, check_whole

_LEAST_IMAGES = 50
_MOST_POINTS, _MOST_SPAN, _MOST_IMAGES = 51, 10.0, 10_000
_MOST_MACS = 30e12  # of all points together: some minutes on a CPU

PLANES = RANDOM, PATH = "random", "path"  # drawn directions, or those of the training's way

Grid = tuple[tuple[float | None, ...], ...]  # [along the second direction][along the first]


class PathPoint(NamedTuple):
    """Where training was after an epoch, in the plane; epoch 0: before it began."""

    epoch: int
    x: float  # along the first direction
    y: float  # along the second one
    loss: float | None = None  # where training was, which is beside the plane; None: not computed
    plane_loss: float | None = None  # in the plane, at x, y


@dataclass(frozen=True)
class NetworkLandscape:
    """Loss and accuracy in a plane through one trained network; rows come as they are computed."""

    spec: str  # RunSpec as JSON
    epoch: int  # whose parameters are the center
    run: int | None  # None: trained for this measurement
    loss: Grid = ()  # mean cross-entropy; None where it is no number in float32
    accuracy: Grid = ()  # fractions
    path: tuple[PathPoint, ...] = ()
    path_share: float | None = None  # of the path's squared length that lies in the plane
    middle: tuple[float, float] = (0.0, 0.0)  # of the plane; the trained network is at 0, 0
    span: float | None = None  # from the middle to an edge; None: as the landscape says

    @property
    def run_spec(self) -> RunSpec:
        """How it was trained."""
        return RunSpec.from_json(self.spec)

    @property
    def direction_shares(self) -> tuple[float, float]:
        """How `path_share` is made up of both directions, where these are at right angles."""
        first = sum(point.x**2 for point in self.path)
        second = sum(point.y**2 for point in self.path)
        whole = (self.path_share or 0.0) / (first + second or 1.0)
        return first * whole, second * whole

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> NetworkLandscape:
        """From what the store keeps."""
        grids = {name: tuple(map(tuple, values[name])) for name in ("loss", "accuracy")}
        path = tuple(PathPoint(*point) for point in values["path"])
        middle = tuple(values.get("middle", (0.0, 0.0)))  # which older results do not have
        return cls(**(dict(values) | grids | {"path": path, "middle": middle}))


@dataclass(frozen=True)
class Landscape:
    """Several networks over planes of one size, with equally many images."""

    share: float  # of the measurement that is done, 0 to 1
    points: int  # a side of each plane
    span: float
    images: int
    seed: int  # of the directions
    machine: str
    networks: tuple[NetworkLandscape, ...]
    plane: str = RANDOM

    @property
    def steps(self) -> NDArray[np.float64]:
        """(points,): where the points are along each direction, from −span to span."""
        return steps(self.points, self.span)

    def where(self, network: NetworkLandscape) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Twice (points,): where the points of its plane are along the first and the second."""
        around = self.steps if network.span is None else steps(self.points, network.span)
        return network.middle[0] + around, network.middle[1] + around

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Landscape:
        """The inverse of `to_dict`."""
        networks = tuple(map(NetworkLandscape.from_dict, values["networks"]))
        return cls(**(dict(values) | {"networks": networks}))


class Rise(NamedTuple):
    """How the loss grows within a distance of `span` from the trained network."""

    center: float
    highest: float | None  # None: no number in float32 any more
    near: float  # share of these points whose loss is at most twice the center's


def steps(points: int, span: float) -> NDArray[np.float64]:
    """(points,): from −span to span, the middle one exactly 0."""
    half = points // 2
    return span * np.arange(-half, half + 1) / half


def rise(network: NetworkLandscape, landscape: Landscape) -> Rise | None:
    """Of a network whose random plane is complete; None before, or where its center has no loss."""
    half = landscape.points // 2
    if len(network.loss) < landscape.points or network.loss[half][half] is None:
        return None
    x, y = np.meshgrid(landscape.steps, landscape.steps)
    within = np.hypot(x, y) <= landscape.span * (1 + 1e-9)
    losses = np.array(network.loss, dtype=float)[within]  # None as not-a-number
    center = float(network.loss[half][half] or 0.0)
    highest = None if np.isnan(losses).any() else float(losses.max())
    return Rise(center, highest, float((losses <= 2 * center).mean()))


def image_count(macs: int, points: int, wanted: int) -> int:
    """At most `wanted` images, fewer for a network of many multiply-adds: it takes minutes."""
    affordable = int(_MOST_MACS / (max(1, macs) * points**2))
    return min(wanted, max(_LEAST_IMAGES, affordable))


def check_plane(points: int, span: float, images: int) -> None:
    """Raise LabError unless it is a plane that can be measured."""
    check_whole("points", points, 3, _MOST_POINTS)
    check_whole("points // 2 * 2", points, points // 2 * 2 + 1, points // 2 * 2 + 1)
    check_number("span", span, 1e-6, _MOST_SPAN)
    check_whole("images", images, 1, _MOST_IMAGES)


def no_plane_along(run: int | None = None, epochs: int = 1) -> str:
    """Why there is no plane along a training of so many kept epochs besides the first moment."""
    return str(no_plane_error(run, epochs))


def no_plane_error(run: int | None = None, epochs: int = 1) -> LabError:
    """The same to be raised."""
    whose = lazy("this training") if run is None else lazy("run {run}", run=run)
    if epochs < 1:
        return LabError(
            "The parameters of {whose} after each epoch were not kept: they are too many for what"
            " the lab keeps of a training, or the lab was an older one; train a smaller network.",
            whose=whose,
        )
    return LabError(
        "The path of {whose} is a line, which has no second direction; train for at least two"
        " epochs.",
        whose=whose,
    )

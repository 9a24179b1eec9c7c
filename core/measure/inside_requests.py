"""What a measurement of a look inside is asked for. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from core.inside.landscape_records import PATH, PLANES, RANDOM
from core.language import N_, either
from core.measure.request import Request
from core.specs import LabError, ModelSpec, RunSpec

LANDSCAPE_POINTS = 15  # a side of the plane; odd, so that the trained network is one of them
LANDSCAPE_SPAN = 1.0  # from the center to an edge; 1: as long as the network's own filters
LANDSCAPE_IMAGES = 1_000  # whose loss is computed at each point


@dataclass(frozen=True)
class WeightsRequest(Request):
    """Something about a network with its parameters: a run's, or those that a seed draws."""

    model: ModelSpec  # every option filled in
    dataset: str  # whose test images it is shown
    run: int | None  # None: as initialized
    parameters_sha256: str  # of the run's file that holds them; "": as initialized
    initialization: str
    seed: int
    mean: float | None  # of the pixels, 0 to 1, that the network reads as 0; None: 0
    std: float | None  # pixels are divided by this; None: 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "model", ModelSpec.read(self.model))

    def what(self) -> tuple[object, ...]:
        """Network, parameters, images."""
        parameters = (self.run, self.parameters_sha256, self.initialization, self.seed)
        return self.model.to_json(), *parameters, self.dataset, self.mean, self.std

    def runs_needed(self) -> tuple[int, ...]:
        """The one whose parameters they are."""
        return () if self.run is None else (self.run,)


@dataclass(frozen=True)
class MissingPartsRequest(WeightsRequest):
    """What the network reaches over the test set without each of its parts."""

    kind: ClassVar[str] = "missing-parts"
    title: ClassVar[str] = N_("parts left out")
    in_key: ClassVar[str] = "missing parts"
    level: str  # blocks, branches, shortcuts, channels
    layer: str = ""  # whose channels

    def what(self) -> tuple[object, ...]:
        """And which parts."""
        return *super().what(), self.level, self.layer


@dataclass(frozen=True)
class ActivityRequest(WeightsRequest):
    """How active every channel of every convolution is over the test set."""

    kind: ClassVar[str] = "activity"
    title: ClassVar[str] = N_("dead channels")
    in_key: ClassVar[str] = "activity"


@dataclass(frozen=True)
class EffectiveFieldRequest(WeightsRequest):
    """Which pixels a unit of a layer listens to, before and after training."""

    kind: ClassVar[str] = "effective-field"
    title: ClassVar[str] = N_("effective receptive field")
    in_key: ClassVar[str] = "effective field"
    layer: str

    def what(self) -> tuple[object, ...]:
        """And of which layer."""
        return *super().what(), self.layer


@dataclass(frozen=True)
class EmbeddingRequest(WeightsRequest):
    """Test images in two dimensions, by what a network's last linear layer reads (t-SNE)."""

    kind: ClassVar[str] = "embedding"
    title: ClassVar[str] = N_("map of the test images")
    in_key: ClassVar[str] = "embedding"
    images: int

    def what(self) -> tuple[object, ...]:
        """And how many images."""
        return *super().what(), self.images


@dataclass(frozen=True)
class LandscapeRequest(Request):
    """The loss around trained networks: of finished runs, or trained by the measurement itself."""

    kind: ClassVar[str] = "landscape"
    title: ClassVar[str] = N_("loss around trained networks")
    in_key: ClassVar[str] = "landscape"
    runs: tuple[tuple[int, str], ...]  # number, and hash of the file with its best parameters
    trainings: tuple[RunSpec, ...]
    points: int = LANDSCAPE_POINTS
    span: float = LANDSCAPE_SPAN
    images: int = LANDSCAPE_IMAGES
    seed: int = 0  # of the directions
    plane: str = RANDOM  # PATH: along the training; the hashes are of the runs' last checkpoints

    def __post_init__(self) -> None:
        if self.plane not in PLANES:
            raise LabError(
                "A plane is {planes}, not {plane}.", planes=either(PLANES), plane=repr(self.plane)
            )
        object.__setattr__(self, "trainings", tuple(map(RunSpec.read, self.trainings)))
        object.__setattr__(self, "runs", tuple((run, digest) for run, digest in self.runs))

    def what(self) -> tuple[object, ...]:
        """Runs and their parameters, trainings, plane."""
        trainings = sorted(run.to_json() for run in self.trainings)
        plane: tuple[object, ...] = (self.points, self.span, self.images, self.seed)
        if self.plane == PATH:  # whose extent is the path's, and nothing is drawn
            plane = (self.points, self.images, self.plane)
        return *sorted(self.runs), *trainings, *plane

    def runs_needed(self) -> tuple[int, ...]:
        """Those around whose parameters the loss is measured."""
        return tuple(run for run, _digest in self.runs)

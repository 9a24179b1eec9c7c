"""Studies that the lab ships to answer a reader's question: equal seeds, data and recipe.

They are small enough to be trained again on a CPU: `python -m core reproduce --rows NAME`.
Imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from core.language import N_, _
from core.specs import ModelSpec, RunSpec
from core.studies.reproduction import ReproducedRun, read_runs
from core.studies.statistics import Comparison, Mean, compare, mean_interval
from core.training.recipes import recipe
from core.zoo.catalogue import complete

SHIPPED = Path(__file__).parent / "shipped" / "studies.csv"


@dataclass(frozen=True)
class ShippedStudy:
    """Networks that differ in one thing, trained alike over the same seeds."""

    name: str  # of `reproduce --rows`
    title: str
    networks: tuple[tuple[str, ModelSpec], ...]  # what each is called, and its spec
    dataset: str
    train_images: int
    recipe: str
    epochs: int

    def run_specs(self, seeds: int) -> Iterator[RunSpec]:
        """Every network with each of the seeds."""
        trained_with = recipe(self.recipe, self.train_images, self.epochs)
        for seed in range(seeds):
            for _title, model in self.networks:
                yield RunSpec(model, self.dataset, trained_with, self.train_images, seed=seed)

    def conditions(self) -> str:
        """What all of its runs have in common."""
        return _(
            "{images:,} images of {dataset}, {epochs} epochs, recipe {recipe}",
            images=self.train_images,
            dataset=self.dataset,
            epochs=self.epochs,
            recipe=self.recipe,
        )


_COURSE = ModelSpec("course-inception", image_size=28)
_SMALL_HEAD = (("conv_arch", "1x64 1x128 2x256 2x512 2x512"), ("head_width", 512))
_VGG = ModelSpec("custom-vgg", ratio=8, image_size=32, options=_SMALL_HEAD)

STUDIES = {
    study.name: study
    for study in (
        ShippedStudy(
            "heads",
            N_("The course Inception net with one, two and three linear layers in its head"),
            tuple(
                (title, replace(_COURSE, options=(("head_layers", count),)))
                for title, count in (
                    (N_("1 linear layer"), 1),
                    (N_("2 linear layers"), 2),
                    (N_("3 linear layers"), 3),
                )
            ),
            "mnist",
            60_000,
            "one-cycle",
            2,
        ),
        ShippedStudy(
            "last-activation",
            N_("VGG-11's convolutions with logits and with a sigmoid before cross-entropy"),
            tuple(
                (title, replace(_VGG, options=(*_SMALL_HEAD, ("last_activation", value))))
                for title, value in ((N_("logits"), "none"), (N_("sigmoid"), "sigmoid"))
            ),
            "fashion-mini",
            5_000,
            "one-cycle",
            5,
        ),
        ShippedStudy(
            "sizes",
            N_("The same small VGG-11 with images of 32, 64 and 96 pixels"),
            tuple((f"{size} px", replace(_VGG, image_size=size)) for size in (32, 64, 96)),
            "fashion-mini",
            5_000,
            "one-cycle",
            5,
        ),
    )
}


@dataclass(frozen=True)
class TrainedStudy:
    """A study with what its runs have reached."""

    study: ShippedStudy
    runs: dict[str, tuple[ReproducedRun, ...]]  # what a network is called → its complete runs

    @property
    def finals(self) -> dict[str, Mean]:
        """Mean test accuracy after the last epoch, of the networks that were trained."""
        means = {
            title: mean_interval([run.final for run in runs]) for title, runs in self.runs.items()
        }
        return {title: mean for title, mean in means.items() if mean is not None}

    def pairs(self) -> list[Comparison]:
        """Every pair of networks, paired over the seeds that both have."""
        return compare(
            {title: {run.seed: run.final for run in runs} for title, runs in self.runs.items()}
        )


def trained_study(study: ShippedStudy, runs: Sequence[ReproducedRun]) -> TrainedStudy:
    """The runs of this study among those of the file; others are left out."""
    return TrainedStudy(
        study,
        {
            title: tuple(run for run in runs if _belongs(run, study, model) and run.is_complete)
            for title, model in study.networks
        },
    )


def _belongs(run: ReproducedRun, study: ShippedStudy, model: ModelSpec) -> bool:
    """Whether a run is one of the study's for this network."""
    return (run.dataset, run.recipe, run.epochs) == (
        study.dataset,
        study.recipe,
        study.epochs,
    ) and complete(run.model) == complete(model)


@cache
def shipped_study(name: str) -> TrainedStudy:
    """The study of this name, with the runs that come with the lab."""
    return trained_study(STUDIES[name], _shipped_runs())


@cache
def _shipped_runs() -> list[ReproducedRun]:
    return read_runs(SHIPPED)

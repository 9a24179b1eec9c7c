"""Figures that other people published, as reference values beside ours; never our results.

One run each on 10,000 test images: the 95 % interval of one accuracy is about ±0.2 points on
MNIST and ±0.55 on Fashion-MNIST, and the spread between seeds comes on top.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.language import N_
from core.specs import ModelSpec


@dataclass(frozen=True)
class PublishedRun:
    """One published run: its curve, or where only that is told, its last epoch."""

    title: str
    source: str
    model: ModelSpec
    dataset: str
    recipe: str
    test_accuracy: tuple[float, ...]  # fraction, by epoch from 1, or of the last epoch alone
    interval: float  # half the binomial 95 % interval of one accuracy, as a fraction
    epochs: int
    remark: str = ""  # what the source does not tell, in one sentence

    @property
    def final(self) -> float:
        """The test accuracy after the last epoch."""
        return self.test_accuracy[-1]


COURSE_NOTE = N_("course note on GoogLeNet and ResNet, one run")


def course(title: str, model: ModelSpec, *percents: float) -> PublishedRun:
    """A row of the course note: MNIST, 10 epochs."""
    accuracies = tuple(round(value / 100, 4) for value in percents)
    return PublishedRun(
        title, COURSE_NOTE, model, "mnist", "published-course", accuracies, 0.002, 10
    )


def residual(shortcut: str, as_published: bool) -> ModelSpec:
    """The course residual net with this shortcut."""
    options = (("as_published", as_published), ("shortcut", shortcut))
    return ModelSpec("course-residual", image_size=28, options=options)


SMALL_VGG = ModelSpec("vgg11", ratio=4, image_size=64)  # what a CPU can train of the first row

PUBLISHED: tuple[PublishedRun, ...] = (
    PublishedRun(
        N_("VGG-11, ratio 4"),
        N_("Dive into Deep Learning 8.2, one run on one GPU"),
        ModelSpec("vgg11", ratio=4),
        "fashion-mnist",
        "published-vgg",
        (0.857, 0.888, 0.900, 0.903, 0.909),
        0.0055,
        5,
    ),
    PublishedRun(
        N_("VGG-11, ratio 4, on a laptop"),
        N_("reader forum under Dive into Deep Learning 8.2, one run on mps"),
        ModelSpec("vgg11", ratio=4),
        "fashion-mnist",
        "published-vgg",
        (0.913,),
        0.0055,
        10,
        N_("Network and setting are not stated; taken to be VGG-11, ratio 4, 10 epochs."),
    ),
    PublishedRun(
        N_("VGG-16 from the forum, ratio 4"),
        N_("reader forum under Dive into Deep Learning 8.2, one run"),
        ModelSpec("vgg16-forum", ratio=4),
        "fashion-mnist",
        "published-vgg",
        (0.929,),
        0.0055,
        10,
        N_("Epochs and rate are not stated; the book's are 10 and 0.05."),
    ),
    course(
        N_("Course Inception net"),
        ModelSpec("course-inception", image_size=28),
        *(96.51, 97.37, 97.94, 98.45, 98.31, 98.58, 98.59, 98.8, 98.73, 98.9),
    ),
    course(
        N_("plain residual"),
        residual("identity", False),
        *(97.03, 98.21, 98.47, 98.8, 98.52, 98.88, 98.88, 98.98, 98.95, 98.98),
    ),
    course(
        N_("constant scaling, as published"),
        residual("constant-scaling", True),
        *(96.09, 97.78, 98.07, 98.29, 98.41, 98.67, 98.03, 98.86, 98.75, 98.81),
    ),
    course(
        N_("conv shortcut, as published"),
        residual("conv", True),
        *(96.42, 98.2, 98.48, 98.7, 98.9, 98.89, 98.92, 98.99, 98.68, 98.97),
    ),
)

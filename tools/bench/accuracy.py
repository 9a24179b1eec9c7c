"""What a run reaches and how long it takes: seconds to an accuracy, runs over several seeds."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from tools.bench.figures import SEEDS, Row, ratios, row, run_spec

if TYPE_CHECKING:
    from core.specs import RunSpec
    from core.training.records import EpochMetrics


def training() -> list[Row]:
    """The course residual net on fashion-mini, fast recipe, 5 epochs, several seeds."""
    from core.specs import ModelSpec, RunSpec
    from core.training.fit import fit
    from core.training.recipes import recipe
    from core.training.records import EpochMetrics

    name = "course-residual on fashion-mini, 5 epochs"
    model = ModelSpec("course-residual", image_size=28)
    accuracies, durations, rates = [], [], []
    for seed in range(SEEDS):
        spec = RunSpec(model, "fashion-mini", recipe("fast", 5000), seed=seed)
        began = time.perf_counter()
        last = [event for event in fit(spec) if isinstance(event, EpochMetrics)][-1]
        durations.append(time.perf_counter() - began)
        accuracies.append(100 * last.test_accuracy)
        rates.append(last.images_per_second)
    return [
        row(f"{name}: the whole run", durations, "s", "under 60 by all"),
        row(f"{name}: final test accuracy", accuracies, "%", "over 80 by all"),
        row(f"{name}: training images a second", rates, "images/s", ""),
    ]


ENOUGH = 0.989  # test accuracy on MNIST


def accuracy() -> list[Row]:
    """Training seconds until the first epoch with 98.9 % on MNIST: `fast` and as published.

    `fast` needs less than an epoch, so it gets as many images as do, each once.
    """
    return [
        *accuracy_by("course-residual/1/28/1/10", 30_000, 12),
        *accuracy_by("course-inception/1/28/1/10", 50_000, 7),
    ]


def accuracy_by(network: str, images: int, wanted: int) -> list[Row]:
    """Of this network, with so many images for `fast`, and how many times as fast it should be."""
    seconds: dict[str, list[float]] = {"fast": [], "published-course": []}
    reached: dict[str, list[float]] = {name: [] for name in seconds}
    for seed in range(SEEDS):
        for name, taken in seconds.items():
            spec = replace(run_spec(network, "mnist", name), seed=seed)
            if name == "fast":
                once = replace(spec.recipe, epochs=1)
                spec = replace(spec, recipe=once, train_images=images)
            spent, accuracy = seconds_to_reach(spec)
            taken.append(spent)
            reached[name].append(100 * accuracy)
            print(f"{network} {name} seed {seed}: {spent:.1f} s, {accuracy:.4f}", flush=True)
    fast, published = seconds.values()
    factors = ratios(published, fast)
    return [
        row(f"{network}: seconds to 98.9 % on MNIST, fast, {images} images", fast, "s", ""),
        row(f"{network}: seconds to 98.9 % on MNIST, as published", published, "s", ""),
        row(f"{network}: as published ÷ fast", factors, "×", f"at least {wanted}"),
        row(f"{network}: accuracy on MNIST then, fast", reached["fast"], "%", "98.9 by all"),
        row(f"{network}: accuracy on MNIST then, published", reached["published-course"], "%", ""),
    ]


def fashion() -> list[Row]:
    """Fashion-MNIST at 28 px: the best epoch of ten as published, and two epochs of `fast`."""
    networks = ("course-residual/1/28/1/10", "course-inception/1/28/1/10")
    return [figure for network in networks for figure in _fashion_by(network)]


def _fashion_by(network: str) -> list[Row]:
    best: dict[str, list[float]] = {"fast": [], "published-course": []}
    seconds: dict[str, list[float]] = {name: [] for name in best}
    for seed in range(SEEDS):
        for name, accuracies in best.items():
            spent, accuracy = best_on_fashion(network, name, seed)
            seconds[name].append(spent)
            accuracies.append(100 * accuracy)
            print(f"{network} {name} seed {seed}: {spent:.1f} s, {accuracy:.4f}", flush=True)
    fast, published = best.values()
    times = ratios(seconds["published-course"], seconds["fast"])
    return [
        row(f"{network}: best epoch on Fashion-MNIST, as published", published, "%", ""),
        row(f"{network}: the better of two epochs of fast", fast, "%", "no less"),
        row(f"{network}: ten epochs as published ÷ fast", times, "×", "at least 5"),
    ]


def best_on_fashion(network: str, recipe_name: str, seed: int) -> tuple[float, float]:
    """Training seconds of all epochs, and the test accuracy of the best."""
    spec = replace(run_spec(network, "fashion-mnist", recipe_name), seed=seed)
    if recipe_name == "fast":
        spec = replace(spec, recipe=replace(spec.recipe, epochs=2))
    epochs = list(_epochs(spec))
    seconds = sum(epoch.train_seconds for epoch in epochs)
    return seconds, max(epoch.test_accuracy for epoch in epochs)


def seconds_to_reach(spec: RunSpec) -> tuple[float, float]:
    """Training seconds until an epoch is good enough, or of all epochs; that epoch's accuracy."""
    spent = accuracy = 0.0
    for epoch in _epochs(spec):
        spent, accuracy = spent + epoch.train_seconds, epoch.test_accuracy
        if accuracy >= ENOUGH:
            break
    return spent, accuracy


def _epochs(spec: RunSpec) -> Iterator[EpochMetrics]:
    """The run as a worker computes it, epoch by epoch."""
    from core.data.load import load
    from core.training.compute_plan import choose_compute_plan
    from core.training.fit import fit, start
    from core.training.records import EpochMetrics

    training = start(spec, choose_compute_plan(spec, steps=1_000))
    for event in fit(spec, load(spec.dataset), training):
        if isinstance(event, EpochMetrics):
            yield event


def published_vgg() -> list[Row]:
    """VGG-11/4 at 224 on Fashion-MNIST, five epochs as published, on a CUDA device."""
    import torch

    from core.data.load import load
    from core.training.compute_plan import choose_compute_plan
    from core.training.fit import fit, start
    from core.training.records import EpochMetrics

    if not torch.cuda.is_available():
        print("published-vgg: no CUDA device here, nothing measured", file=sys.stderr)
        return []
    spec = run_spec("vgg11/4/224/1/10", "fashion-mnist", "published-vgg", "cuda")
    training = start(spec, choose_compute_plan(spec, steps=1_000))
    began = time.perf_counter()
    epochs = [e for e in fit(spec, load(spec.dataset), training) if isinstance(e, EpochMetrics)]
    seconds, name = time.perf_counter() - began, "VGG-11/4 at 224 on Fashion-MNIST"
    return [
        row(f"{name}, 5 epochs", seconds, "s", "15"),
        row(f"{name}: an epoch's training", [one.train_seconds for one in epochs], "s", ""),
        row(
            f"{name}: test accuracy", 100 * epochs[-1].test_accuracy, "%", "at least 90, 90.9 ± 0.5"
        ),
    ]

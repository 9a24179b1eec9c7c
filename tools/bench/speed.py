"""Training images a second, against the published loop and without data; estimates checked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import ceil
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

from tools.bench.figures import ROUNDS, Row, row, run_spec

if TYPE_CHECKING:
    from torch import Tensor

    from core.data.load import Dataset
    from core.specs import RunSpec
    from core.training.state import Training

AGAINST_CONVENTIONAL = (  # network, data set, recipe, the factor asked for
    ("course-residual/1/28/1/10", "mnist", "published-course", 1.8),
    ("course-inception/1/28/1/10", "mnist", "published-course", 1.6),
    ("vgg11/4/64/1/10", "fashion-mnist", "published-vgg", 1.3),
    ("vgg11/4/96/1/10", "fashion-mnist", "published-vgg", 1.5),
)


def throughput() -> list[Row]:
    """Training images a second against the published loop, in turns in one process."""
    from core.measure.throughput import measure_throughput

    rows = []
    for network, dataset, recipe_name, wanted in AGAINST_CONVENTIONAL:
        spec = run_spec(network, dataset, recipe_name)
        *_, result = measure_throughput(spec, [spec.recipe.batch_size], ["cpu"], ROUNDS)
        lab, other = result.points
        named = f"{network}, {dataset}, batch {spec.recipe.batch_size}"
        way = f"{lab.threads} threads, channels {'last' if lab.channels_last else 'first'}"
        rows += [
            row(f"{named}: the lab, {way}", lab.images_per_second, "images/s", ""),
            row(
                f"{named}: the published loop, {other.loader_workers} loader workers",
                other.images_per_second,
                "images/s",
                "",
            ),
            row(
                f"{named}: the lab ÷ the published loop",
                lab.images_per_second / other.images_per_second,
                "×",
                f"at least {wanted}",
            ),
        ]
    return rows


def pipeline() -> list[Row]:
    """The wall-clock rate by that on batches which are ready on the device, in turns."""
    from core.data.load import load
    from core.measure.throughput import TimedLoop, lab_steps
    from core.training.compute_plan import choose_compute_plan
    from core.training.fit import start

    rows = []
    for network, dataset, recipe_name, _ in AGAINST_CONVENTIONAL:
        spec, data = run_spec(network, dataset, recipe_name), load(dataset)
        compute_plan = choose_compute_plan(spec, steps=1_000)
        ours, theirs = start(spec, compute_plan), start(spec, compute_plan)
        loops = (
            TimedLoop(spec, "lab", lab_steps(spec, data, ours), compute_plan, ours),
            TimedLoop(spec, "ready", ready_steps(spec, data, theirs), compute_plan, theirs),
        )
        for loop in loops:
            loop.warm_up()
        for _ in range(2 * ROUNDS):
            for loop in loops:
                loop.take_turn()
        lab, ready = (median(loop.rates) for loop in loops)
        named = f"{network}, {dataset}, batch {spec.recipe.batch_size}"
        rows.append(row(f"pipeline efficiency, {named}", lab / ready, "×", "at least 0.95"))
    return rows


def ready_steps(spec: RunSpec, data: Dataset, training: Training) -> Iterator[int]:
    """Steps over 50 batches that were made before."""
    from core.data.batches import batch_of
    from core.training.fit import image_sets
    from core.training.step import PhaseClock, train_step

    train, _ = image_sets(spec, data, training.device)
    order = torch_order(len(train.labels))
    size = spec.recipe.batch_size
    steps = range(min(50, -(-len(order) // size)))
    batches = [train.batch(batch_of(order, step, size)) for step in steps]
    batches = [(images.contiguous(), labels) for images, labels in batches]
    training.network.train()
    while True:
        for images, labels in batches:
            train_step(spec, training, images, labels, PhaseClock(training.sums, 1))
            yield len(labels)


def torch_order(count: int) -> Tensor:
    """Any order of the images."""
    from core.data.batches import epoch_order

    return epoch_order(count, seed=0, epoch=1)


ESTIMATED = (
    ("course-residual/1/28/1/10", "published-course"),
    ("course-inception/1/28/1/10", "published-course"),
    ("lenet/1/28/1/10", "fast"),
    ("vgg11/4/64/1/10", "published-vgg"),
    ("resnet18/4/32/1/10", "fast"),
    ("densenet/2/64/1/10", "fast"),
)


def estimate() -> list[Row]:
    """What the page says before a run against what it takes: 2,000 images for an epoch.

    By the speed of the machine, and by the run's own steps.
    """
    from core.analysis import analyze
    from core.data.load import load
    from core.measure.step_cost import measure_step_cost
    from core.training.compute_plan import choose_compute_plan
    from core.training.estimate import measure_speed, predict_seconds
    from core.training.fit import fit, start

    speed = measure_speed("cpu").best_of(measure_speed("cpu"))
    rows = []
    for network, recipe_name in ESTIMATED:
        spec = run_spec(network, "fashion-mini", recipe_name)
        short = replace(spec.recipe, epochs=1, batch_size=min(64, spec.recipe.batch_size))
        spec = replace(spec, recipe=short, train_images=2_000)
        said = predict_seconds(spec, analyze(spec.model), speed, 2_000, 2_000)
        *_before, own = measure_step_cost(spec)
        by_steps = own.seconds(1, ceil(2_000 / spec.recipe.batch_size), 2_000, 2_000)
        plan, data = choose_compute_plan(spec, steps=1_000), load("fashion-mini")
        began = perf_counter()
        list(fit(spec, data, start(spec, plan)))
        whole = perf_counter() - began
        rows += [
            row(f"estimated time ÷ time, {network}", said / whole, "×", "0.5 to 2"),
            row(f"time by its own steps ÷ time, {network}", by_steps / whole, "×", "0.8 to 1.25"),
        ]
    return rows

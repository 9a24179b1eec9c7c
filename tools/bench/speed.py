"""Training images a second, against the published loop and without data; estimates checked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import ceil
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

from tools.bench.figures import ROUNDS, Row, lanes, ratios, row, run_spec

if TYPE_CHECKING:
    from torch import Tensor

    from core.data.load import Dataset
    from core.measure.throughput import TimedLoop
    from core.specs import RunSpec
    from core.training.state import Training

AGAINST_CONVENTIONAL = (  # network, data set, recipe, the factor asked for: AVX2, AVX-512
    ("course-residual/1/28/1/10", "mnist", "published-course", (2.5, 1.9)),
    ("course-inception/1/28/1/10", "mnist", "published-course", (2.0, 1.6)),
    ("vgg11/4/64/1/10", "fashion-mnist", "published-vgg", (1.3, 1.3)),
    ("vgg11/4/96/1/10", "fashion-mnist", "published-vgg", (1.5, 1.5)),
)


def throughput() -> list[Row]:
    """Training images a second against the published loop, all in turns in one process.

    Where the lab computes a batch in parts at once, also as it did before, whole.
    """
    from core.data.load import load
    from core.measure.throughput import lab_loop, timed_loops

    rows = []
    for network, dataset, recipe_name, wanted in AGAINST_CONVENTIONAL:
        spec, data = run_spec(network, dataset, recipe_name), load(dataset)
        lab, *published = timed_loops(spec, data, [spec.recipe.batch_size])
        ours, plan = {"the lab": lab}, lab.compute_plan
        if plan and plan.replicas > 1:
            ours["the lab, whole batches"] = lab_loop(spec, data, replace(plan, replicas=1))
        _take_turns([*ours.values(), *published])
        fastest = max(published, key=lambda loop: median(loop.rates))
        named = f"{network}, {dataset}, batch {spec.recipe.batch_size}"
        print(
            f"{named}: published, fastest with {fastest.loader_workers} loader workers", flush=True
        )
        rows.append(row(f"{named}: the published loop", fastest.rates, "images/s", ""))
        for name, loop in ours.items():
            factors = ratios(loop.rates, fastest.rates)
            asked = f"at least {wanted[lanes() == 16]}" if loop is lab else ""
            rows += [
                row(f"{named}: {name}", loop.rates, "images/s", ""),
                row(f"{named}: {name} ÷ the published loop", factors, "×", asked),
            ]
    return rows


def _take_turns(loops: Sequence[TimedLoop]) -> None:
    for loop in loops:
        loop.warm_up()
    for _ in range(2 * ROUNDS):
        for loop in loops:
            loop.take_turn()


def pipeline() -> list[Row]:
    """The wall-clock rate by that on batches which are ready on the device, in turns."""
    from core.data.load import load
    from core.measure.throughput import TimedLoop, lab_loop
    from core.training.compute_plan import choose_compute_plan
    from core.training.fit import start

    rows = []
    for network, dataset, recipe_name, _ in AGAINST_CONVENTIONAL:
        spec, data = run_spec(network, dataset, recipe_name), load(dataset)
        compute_plan = choose_compute_plan(spec, steps=1_000)
        theirs = start(spec, compute_plan)
        loops = (
            lab_loop(spec, data, compute_plan),
            TimedLoop(spec, "ready", ready_steps(spec, data, theirs), compute_plan, theirs),
        )
        _take_turns(loops)
        shares = ratios(*(loop.rates for loop in loops))
        named = f"{network}, {dataset}, batch {spec.recipe.batch_size}"
        rows.append(row(f"pipeline efficiency, {named}", shares, "×", "at least 0.95"))
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


def find_rate() -> list[Row]:
    """How long Train's *Find a rate* takes for the course nets, once a worker begins with it."""
    from core.measure.learning_rates import measure_learning_rates

    rows = []
    for network, dataset, recipe_name, _ in AGAINST_CONVENTIONAL[:2]:
        spec, taken = run_spec(network, dataset, recipe_name), []
        for _round in range(3):
            began = perf_counter()
            list(measure_learning_rates(spec))
            taken.append(perf_counter() - began)
        named = f"learning rate range test, {network}"
        rows.append(row(named, taken, "s", "some 10"))
    return rows


ESTIMATED = (
    ("course-residual/1/28/1/10", "published-course"),
    ("course-inception/1/28/1/10", "published-course"),
    ("lenet/1/28/1/10", "fast"),
    ("vgg11/4/64/1/10", "published-vgg"),
    ("resnet18/4/32/1/10", "fast"),
    ("densenet/2/64/1/10", "fast"),
)


def estimate() -> list[Row]:
    """What the page says before a run against what it takes: three epochs of 2,000 images.

    By the speed of the machine, and by the run's own steps; medians over rounds.
    """
    from core.analysis import analyze
    from core.measure.step_cost import measure_step_cost
    from core.training.estimate import measure_speed, predict_seconds

    speed = measure_speed("cpu").best_of(measure_speed("cpu"))
    rows = []
    for network, recipe_name in ESTIMATED:
        spec = run_spec(network, "fashion-mini", recipe_name)
        short = replace(spec.recipe, epochs=3, batch_size=min(64, spec.recipe.batch_size))
        spec = replace(spec, recipe=short, train_images=2_000)
        steps = ceil(2_000 / short.batch_size)
        told, taken, by_steps = [], [], []
        for _round in range(ROUNDS):
            *_before, own = measure_step_cost(spec)
            by_steps.append(own.seconds(short.epochs, steps, 2_000, 2_000))
            taken.append(_seconds_of(spec))
            told.append(predict_seconds(spec, analyze(spec.model), speed, 2_000, 2_000))
        rows += [
            row(f"estimated time ÷ time, {network}", ratios(told, taken), "×", "0.5 to 2"),
            row(
                f"time by its own steps ÷ time, {network}",
                ratios(by_steps, taken),
                "×",
                "0.8 to 1.25",
            ),
        ]
    return rows


def _seconds_of(spec: RunSpec) -> float:
    """The whole run, as a worker trains it."""
    from core.data.load import load
    from core.training.allocator import memory_kept
    from core.training.compute_plan import choose_compute_plan
    from core.training.fit import fit, start

    plan, data = choose_compute_plan(spec, steps=1_000), load(spec.dataset)
    with memory_kept():
        began = perf_counter()
        list(fit(spec, data, start(spec, plan)))
        return perf_counter() - began

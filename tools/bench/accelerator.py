"""What a CUDA device does with the lab's loop: rates, its share of work, equal bits, estimates.

Every part prints nothing and returns no figure where there is no such device.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import islice
from statistics import median
from typing import TYPE_CHECKING

from tools.bench.figures import ROUNDS, Row, ratios, row, run_spec

if TYPE_CHECKING:
    from core.data.load import Dataset
    from core.specs import RunSpec
    from core.training.estimate import Estimate
    from core.training.state import Training

NETWORKS = (  # network, data set, recipe
    ("course-residual/1/28/1/10", "mnist", "published-course"),
    ("course-inception/1/28/1/10", "mnist", "published-course"),
    ("vgg11/4/224/1/10", "fashion-mnist", "published-vgg"),
)
PROFILED = 60  # steps
SHORT = 6_400  # images of the runs whose bits are compared
_ESTIMATES = 3  # rounds, in the little time that such a machine is lent for


def on_cuda(part: Callable[[], list[Row]]) -> Callable[[], list[Row]]:
    """`part`, or a sentence and no figures without a CUDA device."""

    def measured() -> list[Row]:
        import torch

        if torch.cuda.is_available():
            return part()
        print(f"{part.__name__}: no CUDA device here, nothing measured", file=sys.stderr)
        return []

    return measured


def _specs() -> Iterator[tuple[str, RunSpec]]:
    for network, dataset, recipe_name in NETWORKS:
        spec = run_spec(network, dataset, recipe_name, "cuda")
        yield network, replace(spec, recipe=replace(spec.recipe, schedule="constant"))


@on_cuda
def device_share() -> list[Row]:
    """Images a second through `fit`, and how much of that time the device computes."""
    from core.data.load import load
    from core.measure.kernels import kernels_of
    from core.measure.throughput import lab_steps
    from core.training.compute_plan import choose_compute_plan, precision
    from core.training.fit import start

    rows = []
    for network, spec in _specs():
        data = load(spec.dataset)
        plan = choose_compute_plan(spec, steps=1_000)
        loops = {}
        for kind in ("plain", "captured"):
            training = start(spec, replace(plan, captured=kind == "captured"))
            loops[kind] = lab_steps(spec, data, training)
            list(islice(loops[kind], 50))
        rates: dict[str, list[float]] = {kind: [] for kind in loops}
        for _ in range(ROUNDS):
            for kind, steps in loops.items():
                rates[kind].append(_rate(steps, PROFILED))
        for kind, steps in loops.items():
            kernels, launches = kernels_of(partial(list, islice(steps, PROFILED)))
            step = spec.recipe.batch_size / median(rates[kind])
            name = f"{network}, {precision(spec, plan)}, {kind} steps"
            rows += [
                row(f"{name}: images/s", rates[kind], "images/s", ""),
                row(f"{name}: kernels ÷ wall time", kernels / (PROFILED * step), "×", ""),
                row(f"{name}: launches a step", launches / PROFILED, "", ""),
            ]
    return rows


def _rate(steps: Iterator[int], count: int) -> float:
    """Images a second over `count` steps."""
    import torch

    torch.cuda.synchronize()
    began = time.perf_counter()
    images = sum(islice(steps, count))
    torch.cuda.synchronize()
    return images / (time.perf_counter() - began)


@contextmanager
def _tf32(is_allowed: bool) -> Iterator[None]:
    """How float32 is multiplied."""
    import torch

    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    before = cudnn.allow_tf32, matmul.allow_tf32
    cudnn.allow_tf32 = matmul.allow_tf32 = is_allowed
    try:
        yield
    finally:
        cudnn.allow_tf32, matmul.allow_tf32 = before


@on_cuda
def device_bits() -> list[Row]:
    """Whether two equal runs end with equal parameters, in each precision, and what it costs."""
    from core.data.load import load

    rows = []
    for network, spec in _specs():
        data = load(spec.dataset).first(SHORT)
        for name, bfloat16, tf32, deterministic in (
            ("bfloat16", True, True, False),
            ("float32", False, False, False),
            ("TF32", False, True, False),
            ("float32, deterministic", False, False, True),
            ("TF32, deterministic", False, True, True),
        ):
            recipe = replace(spec.recipe, epochs=1, bfloat16=bfloat16)
            run = replace(spec, recipe=recipe, train_images=SHORT, deterministic=deterministic)
            with _tf32(tf32):
                pairs = [_trained(run, data) for _ in range(3)]
            distance = max(_distance(pairs[0][0], other) for other, _ in pairs[1:])
            rates = [rate for _, rate in pairs]
            rows += [
                row(f"{network}, {name}: largest difference of equal runs", distance, "", ""),
                row(f"{network}, {name}: images/s of a short run", rates, "images/s", ""),
            ]
    return rows


def _trained(spec: RunSpec, data: Dataset) -> tuple[Training, float]:
    """The run once trained, and its images a second."""
    from core.training.fit import fit, start
    from core.training.records import EpochMetrics

    training = start(spec)
    [metrics] = [e for e in fit(spec, data, training) if isinstance(e, EpochMetrics)]
    return training, metrics.images_per_second


def _distance(first: Training, second: Training) -> float:
    """The largest difference between two parameters."""
    pairs = zip(first.network.parameters(), second.network.parameters(), strict=True)
    return max((one - other).abs().max().item() for one, other in pairs)


@on_cuda
def device_estimate() -> list[Row]:
    """The estimate of time and memory before a run, by its own steps, against what it takes."""
    import torch

    from core.data.load import load

    rows = []
    for network, spec in _specs():
        spec = replace(spec, recipe=replace(spec.recipe, epochs=1))
        data = load(spec.dataset)
        told, taken, bytes_told, peaks = [], [], [], []
        for _round in range(_ESTIMATES):
            before = _estimate(spec, data)
            assert before.seconds is not None
            told.append(before.seconds)
            bytes_told.append(before.memory_bytes)
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
            held, began = torch.cuda.memory_allocated(), time.perf_counter()
            _trained(spec, data)
            taken.append(time.perf_counter() - began)
            peaks.append(torch.cuda.max_memory_allocated() - held)
        memory = ratios(bytes_told, peaks)
        rows += [
            row(f"{network}: estimated time ÷ time", ratios(told, taken), "×", "0.8 to 1.25"),
            row(f"{network}: estimated memory ÷ peak", memory, "×", "0.9 to 1.1"),
        ]
    return rows


def _estimate(spec: RunSpec, data: Dataset) -> Estimate:
    """As Train tells it, once the run's own steps have been timed."""
    import torch

    from core.analysis import analyze
    from core.measure.step_cost import measure_step_cost
    from core.training.estimate import estimate

    free = torch.cuda.mem_get_info()[0]
    *_before, own = measure_step_cost(spec)
    images = len(data.train_labels), len(data.test_labels)
    return estimate(spec, analyze(spec.model), None, *images, free_bytes=free, own_steps=own)

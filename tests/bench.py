"""`make bench`: the figures that the lab promises, measured on this machine and kept as CSV.

`python -m tests.bench [NAME ...]` runs these only: first-page, slider, analysis, memory, training.
"""

from __future__ import annotations

import platform
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from statistics import median

import pandas as pd

ROUNDS = 5
SEEDS = 5
RESULTS = Path("bench-results")
Row = dict[str, object]


def machine() -> str:
    """What the figures were measured on."""
    import torch

    model = platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((x.partition(": ")[2] for x in lines if x.startswith("model name")), model)
    return f"{model}, {torch.get_num_threads()} threads, torch {torch.__version__}"


def row(figure: str, value: float, unit: str, wanted: str) -> Row:
    """One figure beside what was asked for."""
    return {"figure": figure, "value": round(value, 4), "unit": unit, "wanted": wanted}


def analysis() -> list[Row]:
    """Analyses of VGG-19 and DenseNet-121, interleaved with torchinfo on the real VGG-19.

    torchinfo is given the network as it is (with its 0.6 GB of weights) and, as a reader without
    this lab would do it, with the network still to be built.
    """
    import torchinfo

    from core.analysis import analyze
    from core.analysis.sweep import RATIOS, SIZES
    from core.specs import ModelSpec
    from core.zoo import build

    vgg, shape = ModelSpec("vgg19"), (1, 1, 224, 224)
    dense = ModelSpec("densenet121", in_channels=3, num_classes=1000)
    real = build(vgg)
    work: dict[str, Callable[[], object]] = {
        "ours": lambda: analyze(vgg),
        "torchinfo": lambda: torchinfo.summary(real, shape, verbose=0),
        "building and torchinfo": lambda: torchinfo.summary(build(vgg), shape, verbose=0),
        "dense": lambda: analyze(dense),
    }
    times = interleaved(work, 2 * ROUNDS)
    ours, other, whole = times["ours"], times["torchinfo"], times["building and torchinfo"]
    grid = [
        replace(ModelSpec("vgg16"), ratio=ratio, image_size=size)
        for ratio in RATIOS
        for size in SIZES[-8:]
    ]
    sweeps = interleaved({"grid": lambda: [analyze(spec) for spec in grid]}, 3)["grid"]
    return [
        row("analyze VGG-19 at 224", 1000 * ours, "ms", "under 60"),
        row("analyze DenseNet-121 at 224", 1000 * times["dense"], "ms", "under 500"),
        row("torchinfo on the real VGG-19 ÷ analyze", other / ours, "×", "at least 40"),
        row("building VGG-19 and torchinfo ÷ analyze", whole / ours, "×", ""),
        row("VGG-16 at 8 ratios × 8 sizes", sweeps, "s", "under 3"),
    ]


def interleaved(work: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each piece of work, taken in turns, after one turn to warm up."""
    times: dict[str, list[float]] = {name: [] for name in work}
    for turn in range(rounds + 1):
        for name, one in work.items():
            taken = seconds(one)
            if turn:
                times[name].append(taken)
    return {name: median(values) for name, values in times.items()}


MEMORY_NETWORKS = (  # ratio and size so that a step with 128 images takes seconds, not minutes
    "vgg11/4/96/1/10",
    "vgg11/1/64/1/10",
    "alexnet/4/96/1/10",
    "alexnet/1/96/1/10",
    "resnet18/4/64/3/10",
    "resnet18/1/64/3/10",
    "densenet/2/64/1/10",
    "densenet/1/64/1/10",
    "course-inception/1/28/1/10",
    "course-residual/1/28/1/10",
)


def memory() -> list[Row]:
    """The memory estimates against the allocator's peak in a real step, and in inference."""
    import torch

    from core.analysis import analyze
    from core.specs import ModelSpec
    from tests.peak_memory import inference_peak, training_peak

    rows = []
    for text in MEMORY_NETWORKS:
        spec = ModelSpec.from_text(text)
        found = analyze(spec)
        for batch in (32, 128):
            measured = training_peak(spec, batch)
            estimated = found.training_bytes(batch, threads=torch.get_num_threads())
            named = f"{text}, batch {batch}"
            rows.append(row(f"peak of a training step, {named}", measured / 2**20, "MiB", ""))
            rows.append(row(f"estimate ÷ peak, {named}", estimated / measured, "×", "0.9 to 1.1"))
        measured = inference_peak(spec, 128)
        ratio = found.inference_bytes(128) / measured
        rows.append(row(f"inference: estimate ÷ peak, {text}, batch 128", ratio, "×", "0.9 to 1.1"))
    return rows


def seconds(work: Callable[[], object]) -> float:
    """How long `work` takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def first_page() -> list[Row]:
    """From the server's start until the first page has been drawn in a browser."""
    times = []
    for _ in range(3):
        with Server() as server:
            page = server.open_page("/")
            page.get_by_text("Take VGG-11 apart").wait_for()
            times.append(time.perf_counter() - server.began)
    return [row("server start to first page", median(times), "s", "within 3")]


def slider() -> list[Row]:
    """One step of the ratio slider until the number on the page has changed."""
    rows = []
    with Server() as server:
        for title, wanted in (
            ("VGG: VGG-11", "under 300"),
            ("VGG: VGG-19", "under 300"),
            ("DenseNet: DenseNet-121", "under 700"),
        ):
            page = server.open_page(f"/architecture?net_network={title.replace(' ', '+')}")
            control = page.get_by_role("slider", name="Ratio")
            value = page.get_by_test_id("stMetricValue").first
            value.wait_for(timeout=60_000)
            page.wait_for_timeout(2000)
            times = []
            for turn in range(ROUNDS + 1):
                control.focus()
                before = value.inner_text()
                began = time.perf_counter()
                control.press("ArrowRight")  # a ratio that was never analysed before
                while value.inner_text() == before:
                    time.sleep(0.005)
                if turn:  # the first move warms up
                    times.append(time.perf_counter() - began)
                page.wait_for_timeout(500)  # the rest of the page
            rows.append(row(f"slider move, {title}", 1000 * median(times), "ms", wanted))
    return rows


class Server:
    """A lab of its own with a browser on it."""

    def __enter__(self) -> Server:
        from playwright.sync_api import sync_playwright

        from tests.browser.conftest import launch, start_server

        self.rim = ExitStack()
        browser = launch(self.rim.enter_context(sync_playwright()))
        self.browser = self.rim.enter_context(browser)
        folder = self.rim.enter_context(tempfile.TemporaryDirectory())
        self.began = time.perf_counter()
        self.url, _ = self.rim.enter_context(start_server(LAB_RUNS_DIR=folder))
        return self

    def open_page(self, path: str):  # type: ignore[no-untyped-def]
        """A tab at `path`."""
        page = self.browser.new_page()
        page.goto(self.url + path)
        return page

    def __exit__(self, *_: object) -> None:
        self.rim.close()


def training() -> list[Row]:
    """The course residual net on fashion-mini, fast recipe, 5 epochs, several seeds."""
    from core.specs import ModelSpec, RunSpec
    from core.training.fit import fit
    from core.training.recipes import recipe
    from core.training.records import EpochMetrics

    model = ModelSpec("course-residual", image_size=28)
    accuracies, durations, rates = [], [], []
    for seed in range(SEEDS):
        spec = RunSpec(model, "fashion-mini", recipe("fast", 5000), seed=seed)
        began = time.perf_counter()
        last = [event for event in fit(spec) if isinstance(event, EpochMetrics)][-1]
        durations.append(time.perf_counter() - began)
        accuracies.append(last.test_accuracy)
        rates.append(last.images_per_second)
    return [
        row(
            "course-residual on fashion-mini, 5 epochs: slowest of 5 seeds",
            max(durations),
            "s",
            "under 60",
        ),
        row(
            "the same: lowest final test accuracy of 5 seeds", 100 * min(accuracies), "%", "over 80"
        ),
        row("the same: mean final test accuracy", 100 * sum(accuracies) / SEEDS, "%", ""),
        row("the same: training images a second", median(rates), "images/s", ""),
    ]


PARTS: dict[str, Callable[[], list[Row]]] = {
    "first-page": first_page,
    "slider": slider,
    "analysis": analysis,
    "memory": memory,
    "training": training,
}


def main(names: list[str]) -> None:
    """Measure, print, keep."""
    rows = [found for name in names or PARTS for found in PARTS[name]()]
    frame = pd.DataFrame(rows)
    frame["machine"] = machine()
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{time.strftime('%Y%m%d-%H%M%S')}.csv"
    frame.to_csv(path, index=False)
    print(frame.drop(columns="machine").to_string(index=False))
    print(f"{machine()}\nkept in {path}")


if __name__ == "__main__":
    main(sys.argv[1:])

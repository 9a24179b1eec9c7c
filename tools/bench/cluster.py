"""What a Ray cluster costs and gains: `python -m tools.bench cluster`.

Nodes of one core each, simulated on this machine; two of them need two cores that nothing else
uses.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from itertools import pairwise
from typing import Any
from unittest.mock import patch

from core.jobs.store import JobState, Run, open_store
from core.specs import ModelSpec, RunSpec
from core.training.recipes import recipe
from core.zoo.variants import VARIANTS
from tests import ray_cluster
from tools.bench.figures import Row, row
from tools.bench.stores import empty_store, seconds_between

COMPARED, SEEDS = ("identity", "constant-scaling", "conv", "none"), 6
TINY_RUNS = 24
_LONGEST = 300.0  # seconds, for one way
STUDY = [
    RunSpec(
        ModelSpec("course-residual", image_size=28, options=VARIANTS[name].options),
        "fashion-mini",
        recipe("fast", 2_000, epochs=2),
        train_images=2_000,
        seed=seed,
    )
    for name in COMPARED
    for seed in range(SEEDS)
]
TINY = RunSpec(
    ModelSpec("lenet", image_size=28),
    "fashion-mini",
    recipe("fast", 64, epochs=1, batch_size=32),
    train_images=64,
)

_Executing = Callable[[], AbstractContextManager[Any]]


def cluster() -> list[Row]:
    """The gap between two tiny runs, and a study of 24 runs on one node and on two."""
    if reason := ray_cluster.why_not():
        print(f"No figures of a cluster: {reason}.")
        return []
    tiny = [replace(TINY, seed=seed) for seed in range(TINY_RUNS)]
    plain = _gaps(_executed(tiny, _plain_worker))
    with ray_cluster.cluster(nodes=1) as one_node:
        ray = _gaps(_executed(tiny, one_node.dispatching))
        alone = seconds_between(_executed(STUDY, one_node.dispatching))
    with ray_cluster.cluster(nodes=2) as two_nodes:
        together = seconds_between(_executed(STUDY, two_nodes.dispatching))
    return [
        row("gap between two tiny runs, a plain worker", plain, "ms", ""),
        row("gap between two tiny runs, a Ray cluster", ray, "ms", "< 500"),
        row(f"study of {len(STUDY)} runs, one node of one core", alone, "s", ""),
        row(f"study of {len(STUDY)} runs, two nodes of one core", together, "s", ""),
        row("two nodes: speed ÷ one node", alone / together, "×", "at least 1.7"),
    ]


def _plain_worker() -> AbstractContextManager[Any]:
    stack = ExitStack()
    process = subprocess.Popen([sys.executable, "-m", "core", "worker"])
    stack.callback(process.wait)
    stack.callback(process.terminate)
    return stack


def _executed(specs: list[RunSpec], executing: _Executing) -> list[Run]:
    """The runs of these specs, a thread each, in a store of their own."""
    with empty_store(), patch.dict(os.environ, {"OMP_NUM_THREADS": "1"}), executing():
        store = open_store()
        study = store.create_study("bench", {}, specs).id
        ends = time.monotonic() + _LONGEST
        while store.unfinished():
            assert time.monotonic() < ends, "the study does not end"
            time.sleep(0.5)
        runs = store.runs(study=study)
        store.close()
    assert all(run.state is JobState.FINISHED for run in runs)
    return sorted(runs, key=lambda run: run.started_at or 0.0)


def _gaps(runs: list[Run]) -> list[float]:
    """Milliseconds between the end of each run and the beginning of the next."""
    return [
        1000 * ((later.started_at or 0.0) - (before.finished_at or 0.0))
        for before, later in pairwise(runs)
    ]

"""What a visitor waits for besides drawing: a run after the click, pages over very many runs."""

from __future__ import annotations

import os
import random
import time
from contextlib import closing
from dataclasses import fields
from typing import TYPE_CHECKING
from unittest.mock import patch

from tools.bench.figures import ROUNDS, Row, row
from tools.bench.stores import empty_store

if TYPE_CHECKING:
    from core.jobs.store import Store

RUNS, EPOCHS = 10_000, 100
PAGES = ("dashboard.py", "pages/runs.py", "pages/residual.py", "pages/compare.py", "pages/train.py")


def click() -> list[Row]:
    """From the click to the worker's first step and to the end of a short run; a warm worker."""
    from core.jobs.engines.local import WorkerProcess
    from core.jobs.store import QueueFilter
    from core.measure.requests import DeviceSpeedRequest
    from core.specs import ModelSpec, RunSpec
    from core.training.devices import describe
    from core.training.recipes import recipe

    model, fast = ModelSpec("course-residual", image_size=28), recipe("fast", 5_000, 5)
    times: dict[str, list[float]] = {"first sign": [], "end": [], "besides training": []}
    with empty_store() as store:
        worker = WorkerProcess(QueueFilter.SINGLE)
        speed = DeviceSpeedRequest("cpu", describe("cpu"))
        while not store.result_of(speed):  # until then it is not idle
            time.sleep(0.1)
        for seed in range(ROUNDS + 1):  # the first chooses the compute plan
            clicked = time.time()
            run_id = store.enqueue(RunSpec(model, "fashion-mini", fast, seed=seed))
            while not store.get(run_id).progress:
                time.sleep(0.02)
            first_sign = time.time() - clicked
            while not (run := store.get(run_id)).state.is_over:
                time.sleep(0.1)
            end = (run.finished_at or 0.0) - clicked
            epochs = store.epochs([run_id])[run_id]
            trained = sum(epoch.train_seconds + epoch.evaluation_seconds for epoch in epochs)
            for name, seconds in zip(times, (first_sign, end, end - trained), strict=True):
                times[name].append(seconds)
        worker.close()
    later = {name: values[1:] for name, values in times.items()}
    name = "residual fast, 5 epochs of fashion-mini, from the click"
    return [
        row(f"{name}: first progress, a network's first run", times["first sign"][0], "s", "< 2"),
        row(f"{name}: first progress, later", later["first sign"], "s", "< 2"),
        row(f"{name}: the end", later["end"], "s", "< 8 on AVX-512"),
        row(f"{name}: of which not training", later["besides training"], "s", "< 1"),
    ]


def many_runs() -> list[Row]:
    """Server time of pages over 10,000 runs and a million epochs: on SQLite, then on PostgreSQL."""
    from core.jobs.store import open_store
    from tests import postgresql

    with empty_store() as store:
        rows = _drawn_again(store, "SQLite")
    if reason := postgresql.why_not():
        print(f"No figures of PostgreSQL: {reason}.")
        return rows
    with (
        postgresql.server() as server,
        server.database() as address,
        patch.dict(os.environ, {"LAB_DATABASE_URL": address}),
        closing(open_store()) as store,
    ):
        return rows + _drawn_again(store, "PostgreSQL")


def _drawn_again(store: Store, database: str) -> list[Row]:
    from tests.pages.opening import open_page

    rows = []
    with patch.dict(os.environ, {"LAB_START_WORKER": "0"}):
        _fill(store)
        for name in PAGES:
            page, times = open_page(name), []
            for _ in range(ROUNDS):
                began = time.perf_counter()
                page.run()
                times.append(1000 * (time.perf_counter() - began))
            figure = f"{name}, {RUNS:,} runs on {database}: drawn again"
            rows.append(row(figure, times, "ms", "< 300"))
    return rows


def _fill(store: Store) -> None:
    """Finished runs of four networks, the first twenty of them a study."""
    from sqlalchemy import insert, update

    from core.jobs.schema import epochs_table, jobs_table
    from core.specs import ModelSpec, RunSpec
    from core.training.recipes import recipe
    from core.training.records import EpochMetrics

    names = ("course-residual", "course-inception", "lenet", "resnet18")
    fast = recipe("fast", 5_000, EPOCHS)
    specs = [
        RunSpec(ModelSpec(names[k % 4], image_size=32), "mnist", fast, seed=k) for k in range(RUNS)
    ]
    store.create_study("many", {}, specs[:20])
    store.enqueue_all(specs[20:])
    same = {field.name: 0.5 for field in fields(EpochMetrics)}
    draw, now = random.Random(0), time.time()
    ended = {"state": "finished", "started_at": now, "finished_at": now, "attempt": 1}
    with store.writing() as connection:
        connection.execute(update(jobs_table).values(ended | {"best_accuracy": 0.9}))
        for run_id in range(1, RUNS + 1):
            rows = [
                same | {"run_id": run_id, "epoch": epoch, "test_accuracy": draw.random()}
                for epoch in range(1, EPOCHS + 1)
            ]
            connection.execute(insert(epochs_table), rows)

"""The workers of a store as a table. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from core.jobs.store import Worker
from core.report.tables.runs import as_time

WORKER_COLUMNS = [
    "machine",
    "devices",
    "cores",
    "free_cores",
    "memory_bytes",
    "takes",
    "jobs",
    "since",
]


def worker_frame(workers: Iterable[Worker]) -> pd.DataFrame:
    """One row a worker; `jobs` are the numbers of those that it executes now.

    `free_cores` are those of a node of a cluster; a worker of its own takes one job at a time.
    """
    return pd.DataFrame(
        [
            {
                "machine": worker.machine,
                "devices": devices_in_words(worker),
                "cores": worker.cores,
                "free_cores": worker.free_cores if worker.is_node else None,
                "memory_bytes": worker.memory_bytes,
                "takes": str(worker.queue_filter),
                "jobs": " ".join(map(str, worker.jobs)),
                "since": as_time(worker.since),
            }
            for worker in workers
        ],
        columns=WORKER_COLUMNS,
    )


def devices_in_words(worker: Worker) -> str:
    """`cuda (NVIDIA H100); cpu (AMD EPYC CPU, 2 threads)`."""
    return "; ".join(f"{device.name} ({device.hardware})" for device in worker.devices)

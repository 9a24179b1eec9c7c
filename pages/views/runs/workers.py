"""The workers that live: what they have and what they do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd
import streamlit as st

from core.jobs.store import Run, Worker
from core.jobs.workers import QueueFilter
from core.language import N_, _, comma, ngettext, semicolon
from core.report import formats
from core.report.sentences.workers import told_together
from core.report.tables.workers import worker_frame
from pages.views.app.downloads import download_csv
from pages.views.app.messages import escaped
from pages.views.app.offers import cluster_caption, living, waits_for
from pages.views.app.services import store
from pages.views.app.tables import table

_TAKES = {
    QueueFilter.ANY: N_("everything"),
    QueueFilter.SINGLE: N_("single runs"),
    QueueFilter.STUDIES: N_("runs of studies"),
    QueueFilter.MEASUREMENTS: N_("measurements"),
}


def workers_view() -> None:
    """A row a worker, folded away; nothing where none lives."""
    workers = living()
    if not workers:
        return
    cluster_caption()
    with st.expander(_("Workers ({number})", number=len(workers)), key="runs_workers"):
        table(
            _frame(workers),
            height="content",
            key="runs_workers_table",
            column_config={"since": st.column_config.DatetimeColumn(format="distance")},
            placeholder=formats.NOTHING,
        )
        download_csv(
            _("Workers as CSV"),
            lambda: worker_frame(store().workers()),
            "workers.csv",
            "runs_workers_csv",
        )


def _frame(workers: Sequence[Worker]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            N_("machine"): [worker.machine for worker in workers],
            N_("devices"): [_devices(worker) for worker in workers],
            N_("cores"): [worker.cores for worker in workers],
            N_("free cores"): [worker.free_cores if worker.is_node else None for worker in workers],
            N_("memory"): [
                None if worker.memory_bytes is None else formats.mebibytes(worker.memory_bytes)
                for worker in workers
            ],
            N_("takes"): [_(_TAKES[worker.queue_filter]) for worker in workers],
            N_("does"): [_does(worker) for worker in workers],
            N_("since"): pd.to_datetime([worker.since for worker in workers], unit="s", utc=True),
        }
    )


def _devices(worker: Worker) -> str:
    return semicolon().join(
        _("{name} ({words})", name=device.name, words=formats.machine(device.hardware))
        for device in worker.devices
    )


def _does(worker: Worker) -> str:
    """The numbers of its jobs."""
    if not worker.jobs:
        return _("waits for a job")
    return ngettext(
        "job {jobs}", "jobs {jobs}", len(worker.jobs), jobs=comma().join(map(str, worker.jobs))
    )


def waiting_view(runs: Iterable[Run]) -> None:
    """Which of these runs nobody takes, and what they wait for; nothing where somebody will."""
    for sentence in told_together((run.id, waits_for(run)) for run in runs):
        st.warning(escaped(sentence), icon=":material/hourglass_top:")

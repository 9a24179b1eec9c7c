"""What a training step and an inference hold."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.analysis.cpu import threads
from core.analysis.records import Analysis, TrainingMemory
from core.explain.glossary import explained
from core.language import N_, _
from core.report.cost_rows import CostRow, saving_rows
from core.report.figures.memory import MEMORY_PARTS, memory_bars, saved_bars
from core.report.glance import BATCH_SIZE
from core.report.names import file_name, network_title
from core.report.tables.layers import layer_frame
from core.report.tables.networks import memory_frame
from pages.views.app.charts import chart
from pages.views.app.downloads import download_csv
from pages.views.app.numbers import numbers
from pages.views.app.prose import caption
from pages.views.app.tables import table
from pages.views.forms import limits


def memory_view(analysis: Analysis, level: str) -> None:
    """Batch size and momentum, the parts of the peak, then what each layer keeps."""
    batch_size, momentum = _choose_step()
    memory = analysis.training_memory(batch_size, momentum)
    chart(
        memory_bars(memory, analysis.inference_bytes(batch_size)),
        "net_memory_chart",
        about=network_title(analysis.spec),
        name=f"{file_name(analysis.spec)}-memory",
    )
    caption(
        _(
            "Every tensor that autograd keeps is counted once, as it is: an in-place ReLU keeps"
            " nothing of its own, a max-pool keeps its indices, dropout its mask. Held against the"
            " allocator's own events of a real step on a CPU it is within 10 %; a CUDA card's"
            " libraries take more work space."
        )
    )
    rows = saving_rows(analysis.rows(level))
    chart(
        saved_bars(rows, batch_size),
        "net_saved_chart",
        about=network_title(analysis.spec),
        name=f"{file_name(analysis.spec)}-saved",
    )
    numbers("net_memory_numbers", lambda: _numbers(memory, rows, batch_size))
    _downloads(analysis, level, batch_size, momentum)


def _numbers(memory: TrainingMemory, rows: Sequence[CostRow], batch_size: int) -> None:
    """What both charts are drawn from."""
    mebibytes = st.column_config.NumberColumn(format="%.2f")
    parts = {_(name): getattr(memory, field) / 2**20 for field, name in MEMORY_PARTS}
    tables = {
        "net_memory_parts": {N_("part"): [*parts], "MiB": [*parts.values()]},
        "net_memory_rows": {
            N_("layer"): [row.path for row in rows],
            N_("kept MiB"): [row.saved_bytes(batch_size) / 2**20 for row in rows],
        },
    }
    for key, columns in tables.items():
        table(
            pd.DataFrame(columns),
            height="content",
            width="content",
            key=key,
            column_config=dict.fromkeys(("MiB", "kept MiB"), mebibytes),
        )


def _choose_step() -> tuple[int, bool]:
    """The training step: its batch size, and whether SGD has momentum."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        batch_size = st.slider(
            _("Batch size"),
            *limits.BATCH_IN_MEMORY,
            BATCH_SIZE,
            key="net_memory_batch",
            bind="query-params",
            width=320,
            help=explained("batch"),
        )
        momentum = st.toggle(
            _("Momentum"),
            True,
            key="net_momentum",
            bind="query-params",
            help=explained("momentum"),
        )
    return int(batch_size), momentum


def _downloads(analysis: Analysis, level: str, batch_size: int, momentum: bool) -> None:
    """The parts of the peak, and the bytes of each row, as CSV."""
    name = f"{file_name(analysis.spec)}-memory-batch{batch_size}"
    with st.container(horizontal=True):
        download_csv(
            _("Memory as CSV"),
            lambda: memory_frame(analysis, batch_size, momentum, threads()),
            f"{name}.csv",
            "net_memory_csv",
        )
        download_csv(
            _("Saved bytes by layer as CSV"),
            lambda: layer_frame(analysis, level, batch_size),
            f"{name}-layers.csv",
            "net_saved_csv",
        )

"""The Architecture page's Memory view: what a training step and an inference hold."""

from __future__ import annotations

import streamlit as st

from core.analysis import cpu
from core.analysis.records import Analysis
from core.report.figures import layers as layer_figures
from core.report.tables.tables import layer_frame, memory_frame
from pages.views.app.downloads import download_csv, file_name

MAX_BATCH = 1024  # images


def memory_view(analysis: Analysis, level: str, batch_size: int) -> None:
    """Batch and momentum, the parts of the peak, then what each layer keeps."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        batch = st.slider(
            "Batch size",
            1,
            MAX_BATCH,
            batch_size,
            key="net_memory_batch",
            bind="query-params",
            width=320,
            help="Images that go through the network together.",
        )
        momentum = st.toggle(
            "Momentum",
            True,
            key="net_momentum",
            bind="query-params",
            help="SGD with momentum keeps one more number for each parameter.",
        )
    memory = analysis.training_memory(batch, momentum)
    inference = analysis.inference_bytes(batch)
    st.plotly_chart(layer_figures.memory_bars(memory, inference), key="net_memory_chart")
    st.caption(
        "Every tensor that autograd keeps is counted once, as it is: an in-place ReLU keeps nothing"
        " of its own, a max-pool keeps its indices, dropout its mask. Held against the allocator's"
        " own events of a real step on a CPU it is within 10 %; a CUDA card's libraries take more."
    )
    rows = analysis.rows(level)
    st.plotly_chart(layer_figures.saved_bars(rows, batch), key="net_saved_chart")
    name = f"{file_name(analysis.spec)}-memory-batch{batch}"
    with st.container(horizontal=True):
        download_csv(
            "Memory as CSV",
            lambda: memory_frame(analysis, batch, momentum, cpu.threads()),
            f"{name}.csv",
            "net_memory_csv",
        )
        download_csv(
            "Saved bytes by layer as CSV",
            lambda: layer_frame(analysis, level, batch),
            f"{name}-layers.csv",
            "net_saved_csv",
        )

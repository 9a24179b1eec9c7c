"""The Architecture page's Time view: how long each layer takes here, measured on demand."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.analysis.records import Analysis
from core.jobs.engines.local import layer_times_flags, layer_times_name
from core.measure.layer_shares import timed_rows
from core.report import formats
from core.report.figures.layer_times import layer_time_bars
from core.report.tables.measurements import layer_time_frame
from core.training.records import LayerTimes
from pages.views.app.columns import share_column
from pages.views.app.downloads import download_csv, file_name
from pages.views.app.messages import errors_in_one_sentence, show_error
from pages.views.app.services import measurer, store

MAX_BATCH = 256  # images in the batch that is timed
POLL_SECONDS = 1.0


def layer_times_view(analysis: Analysis, level: str) -> None:
    """The controls of a measurement, the measurement under way, and what was found."""
    from core.training.devices import available_devices

    st.caption(
        "Multiply-adds say how much work there is, not how long it takes: a layer may wait for"
        " memory instead. This runs the real network on random images, forward and backward."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        device = st.selectbox(
            "Device",
            available_devices(),
            key="net_time_device",
            width=140,
            help="Where the network runs: what this machine has.",
        )
        batch_size = st.slider(
            "Batch size",
            1,
            MAX_BATCH,
            16,
            key="net_time_batch",
            bind="query-params",
            width=260,
            help="Images that go through the network together.",
        )
    show_measurement(analysis, str(device), int(batch_size), level)


def show_measurement(analysis: Analysis, device: str, batch_size: int, level: str) -> None:
    """Progress while the process measures, the result before and after."""
    name = layer_times_name(analysis.spec, device, batch_size)
    measuring = measurer().is_measuring(name)

    @st.fragment(run_every=POLL_SECONDS if measuring else None)
    def live() -> None:
        with errors_in_one_sentence():
            kept = store().measured(name) or {}
            times = LayerTimes.from_dict(kept["times"]) if kept.get("times") else None
            if measuring and not measurer().is_measuring(name):
                st.rerun()  # done: the whole page, without the clock
            if measuring:
                show_progress(times, int(kept.get("of", 0)))
                return
            if kept.get("error"):
                show_error(str(kept["error"]))
            offer(analysis, device, batch_size, times)
            if times:
                show_times(analysis, times, level)

    live()


def show_progress(times: LayerTimes | None, passes: int) -> None:
    """How many passes are done, how long the rest takes, and the stop button."""
    done = times.passes if times and passes else 0
    text = "Starting a process, building the network and warming up…"
    if times and done < passes:
        left = 2.2 * (passes - done) * times.step_seconds  # a watched and an unwatched step
        text = f"Pass {done} of {passes}; about {formats.duration(left)} left"
    st.progress(done / passes if passes else 0.0, text)
    if st.button("Stop", key="net_time_stop", icon=":material/stop:"):
        measurer().stop()
        st.rerun()


def offer(analysis: Analysis, device: str, batch_size: int, times: LayerTimes | None) -> None:
    """The button that starts a measurement."""
    if st.button(
        "Measure again" if times else "Measure every layer",
        type="secondary" if times else "primary",
        key="net_time_start",
        icon=":material/timer:",
        help="Takes nine passes in a process of its own; the page stays usable.",
    ):
        name = layer_times_name(analysis.spec, device, batch_size)
        measurer().start(name, layer_times_flags(analysis.spec, device, batch_size))
        store().keep_measured(name, {})
        st.rerun()


def show_times(analysis: Analysis, times: LayerTimes, level: str) -> None:
    """Where the time goes beside where the work is."""
    rows = timed_rows(analysis, times, level)
    st.plotly_chart(layer_time_bars(rows), key="net_time_chart")
    config = st.column_config
    st.dataframe(
        pd.DataFrame(
            {
                "layer": [row.path for row in rows],
                "forward ms": [1000 * row.forward_seconds for row in rows],
                "backward ms": [1000 * row.backward_seconds for row in rows],
                "of the time": [100 * row.time_share for row in rows],
                "of the MACs": [100 * row.macs_share for row in rows],
                "GFLOP/s": [row.flops_per_second and row.flops_per_second / 1e9 for row in rows],
            }
        ),
        hide_index=True,
        height="content",
        key="net_time_table",
        column_config={
            "layer": config.TextColumn(pinned=True),
            "forward ms": config.NumberColumn(format="%.2f", help="Median over the passes."),
            "backward ms": config.NumberColumn(format="%.2f", help="Median over the passes."),
            "of the time": share_column("Share of forward and backward together."),
            "of the MACs": share_column("Share of the multiply-adds, forward and backward."),
            "GFLOP/s": config.NumberColumn(
                format="%.1f", help="2 × MACs ÷ time, forward: what the device achieves here."
            ),
        },
    )
    st.caption(
        f"Medians of {times.passes} passes with a batch of {times.batch_size} on {times.machine}; a"
        f" whole step, unwatched, took {formats.duration(times.step_seconds)}. Whatever else runs"
        " on the machine, a training run for example, makes the figures larger."
    )
    spec = analysis.spec
    download_csv(
        "Times as CSV",
        lambda: layer_time_frame(analysis, times),
        f"{file_name(spec)}-times-batch{times.batch_size}.csv",
        "net_time_csv",
    )

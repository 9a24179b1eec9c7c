"""How long each layer takes here, measured on demand."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.analysis.records import Analysis
from core.explain.glossary import explained
from core.jobs.offers import device_names
from core.jobs.store import Measurement
from core.language import N_, _, paragraph
from core.measure.layer_shares import timed_rows
from core.measure.requests import LayerTimesRequest
from core.measure.roofline import roofline_points
from core.report import formats
from core.report.figures.layer_times import layer_time_bars
from core.report.figures.roofline import roofline_chart
from core.report.names import file_name, network_title
from core.report.tables.measurements import layer_time_frame
from core.training.records import LayerTimes
from pages.views.app.charts import chart
from pages.views.app.columns import share_column
from pages.views.app.downloads import download_csv
from pages.views.app.measurement import measurement, share_measured
from pages.views.app.offers import hardware_of, offers
from pages.views.app.prose import caption
from pages.views.app.tables import table
from pages.views.forms import limits

_MOST_LINES, _SCROLLED = 18, 640  # rows of the table that are all seen; pixels where they are more


def layer_times_view(analysis: Analysis, level: str) -> None:
    """The controls of a measurement, the measurement under way, and what was found."""
    caption(
        _(
            "Multiply-adds say how much work there is, not how long it takes: a layer may wait for"
            " memory instead. This runs the real network on random images, forward and backward,"
            " and draws each layer below its roofline."
        )
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        device = st.selectbox(
            _("Device"),
            device_names(offers()),
            key="net_time_device",
            width=140,
            help=_("Where the network runs: what the workers have."),
        )
        batch_size = st.slider(
            _("Batch size"),
            *limits.BATCH_TIMED,
            16,
            key="net_time_batch",
            bind="query-params",
            width=260,
            help=explained("batch"),
        )
    measurement(
        LayerTimesRequest(
            analysis.spec, str(device), int(batch_size), hardware=hardware_of(str(device))
        ),
        "net_time",
        _("Measure every layer"),
        _("Takes nine passes in a process of its own; the page stays usable."),
        lambda result: _show_times(analysis, LayerTimes.from_dict(result), level),
        progress_text=_passes_done,
        shows_partial_result=False,
    )


def _passes_done(job: Measurement) -> str:
    """How many passes are done, and how long the rest takes."""
    if not job.result or not isinstance(job.request, LayerTimesRequest):
        return share_measured(job)
    times, passes = LayerTimes.from_dict(job.result), job.request.passes
    left = 2.2 * (passes - times.passes) * times.step_seconds  # a watched and an unwatched step
    return _(
        "Pass {done} of {passes}; about {left} left",
        done=times.passes,
        passes=passes,
        left=formats.duration(left),
    )


def _show_times(analysis: Analysis, times: LayerTimes, level: str) -> None:
    """Where the time goes beside where the work is."""
    rows = timed_rows(analysis, times, level)
    chart(
        layer_time_bars(rows),
        "net_time_chart",
        about=network_title(analysis.spec),
        name=f"{file_name(analysis.spec)}-times",
    )
    config, median = st.column_config, _("Median over the passes.")
    table(
        pd.DataFrame(
            {
                N_("layer"): [row.path for row in rows],
                N_("forward ms"): [1000 * row.forward_seconds for row in rows],
                N_("backward ms"): [1000 * row.backward_seconds for row in rows],
                N_("of the time"): [100 * row.time_share for row in rows],
                N_("of the MACs"): [100 * row.macs_share for row in rows],
                "GFLOP/s": [row.flops_per_second and row.flops_per_second / 1e9 for row in rows],
                N_("of attainable"): [
                    None if row.attainable_share is None else 100 * row.attainable_share
                    for row in rows
                ],
            }
        ),
        height="content" if len(rows) <= _MOST_LINES else _SCROLLED,
        key="net_time_table",
        column_config={
            "layer": config.TextColumn(pinned=True),
            "forward ms": config.NumberColumn(format="%.2f", help=median),
            "backward ms": config.NumberColumn(format="%.2f", help=median),
            "of the time": share_column(_("Share of forward and backward together.")),
            "of the MACs": share_column(_("Share of the multiply-adds, forward and backward.")),
            "GFLOP/s": config.NumberColumn(format="%.1f", help=explained("GFLOP/s")),
            "of attainable": config.NumberColumn(format="%.1f %%", help=explained("roofline")),
        },
    )
    _show_roofline(analysis, times)
    caption(
        _(
            "Medians of {passes} passes with a batch of {batch_size} on {machine}; a whole step,"
            " unwatched, took {step}. Whatever else runs on the machine, a training run for"
            " example, makes the figures larger.",
            passes=times.passes,
            batch_size=times.batch_size,
            machine=formats.machine(times.machine),
            step=formats.duration(times.step_seconds),
        )
    )
    spec = analysis.spec
    download_csv(
        _("Times as CSV"),
        lambda: layer_time_frame(analysis, times),
        f"{file_name(spec)}-times-batch{times.batch_size}.csv",
        "net_time_csv",
    )


def _show_roofline(analysis: Analysis, times: LayerTimes) -> None:
    """Each layer under the roofs of the device; nothing where an older lab has measured."""
    points = roofline_points(analysis, times)
    if not points:
        return
    chart(
        roofline_chart(points, times),
        "net_time_roofline",
        about=network_title(analysis.spec),
        name=f"{file_name(analysis.spec)}-roofline",
    )
    about = _(
        "Roofline: on the slope memory is the limit ({bandwidth}, measured by adding two"
        " large arrays), on the level arithmetic is ({peak}, by a large matrix product or a"
        " wide convolution). Larger marks take more time. What lies far below both is slow for"
        " another reason: few channels leave the processor's lanes empty, small layers mostly"
        " wait for their start. Small maps stay in a cache, so a layer may lie above the"
        " slope.",
        bandwidth=formats.joined(f"{times.bytes_per_second / 1e9:.3g}", "GB/s"),
        peak=formats.joined(f"{times.peak_flops_per_second / 1e9:.3g}", "GFLOP/s"),
    )
    caption(paragraph(about, _fastest_passes(times)))


def _fastest_passes(times: LayerTimes) -> str:
    """What the marks are; of an older lab they are medians, as in the table."""
    if not any(layer.least_forward_seconds for layer in times.layers):
        return ""
    return _(
        "Marks and roofs show the fastest pass of each, which other work on the machine disturbs"
        " least; while such work goes on, layers that take long still lie too low, and short ones"
        " may lie above a roof that it has lowered."
    )

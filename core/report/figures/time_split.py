"""Where the seconds of a run went, a bar for each part. Imports no torch."""

from __future__ import annotations

import plotly.graph_objects as go

from core.language import N_, _
from core.report import formats
from core.report.figures.axes import with_share
from core.report.figures.palette import BLUE
from core.report.sentences.findings import time_finding
from core.training.time_split import TimeSplit

_TIME_PARTS = (  # field of TimeSplit, how it is called
    ("data", N_("data: cut, resize, scale")),
    ("transfer", N_("transfer to the device")),
    ("forward", N_("forward")),
    ("backward", N_("backward")),
    ("optimiser", N_("optimizer")),
    ("captured", N_("captured steps")),
    ("overhead", N_("Python in between")),
    ("evaluation", N_("evaluation")),
)
_ROW = 26  # pixels
_ROOM = 1.2  # of the longest bar, so that what stands at its end is not cut


def time_bar(split: TimeSplit) -> go.Figure:
    """The seconds of a run by what they were spent on, in the order of a step; no empty parts."""
    seconds = {_(name): getattr(split, field) for field, name in _TIME_PARTS}
    seconds = {name: value for name, value in seconds.items() if value}
    total = split.training + split.evaluation
    shares = [100 * value / total for value in seconds.values()]
    figure = go.Figure()
    figure.add_bar(
        y=list(seconds),
        x=list(seconds.values()),
        orientation="h",
        marker_color=BLUE,
        text=[f"{share:.0f} %" if share >= 1 else "< 1 %" for share in shares],
        textposition="outside",
        cliponaxis=False,
        customdata=[formats.duration(value) for value in seconds.values()],
        hovertemplate="<b>%{y}</b><br>"
        + with_share("%{customdata}", "%{text}")
        + "<extra></extra>",
        showlegend=False,
    )
    figure.update_layout(
        title=time_finding(seconds, total),
        height=112 + _ROW * len(seconds),
        margin=dict(t=48, b=8, l=8, r=8),
        xaxis=dict(
            title=_("seconds"), nticks=6, range=[0, _ROOM * max(seconds.values(), default=1.0)]
        ),
        yaxis=dict(autorange="reversed", automargin=True),
    )
    return figure

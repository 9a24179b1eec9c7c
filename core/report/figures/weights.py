"""How the weights of a layer are spread, before and after training, and by epoch."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from core.inside.filters_records import WeightSpread
from core.language import _
from core.report import formats
from core.report.figures.axes import FOOT_LEGEND
from core.report.figures.palette import BLUE, ORANGE, SEQUENTIAL
from core.training.trail_records import BINS, Moment, Trail

# Of the axis: in a template of its own Plotly writes a hyphen for the minus sign
_POINTED_AT = ".3g"


def weights_by_epoch(trail: Trail, path: str) -> go.Figure:
    """A column an epoch: how many of the layer's weights have about which value."""
    row = trail.plan.layers.index(path)
    low = min(float(moment.weights[row, 0]) for moment in trail.moments)
    high = max(float(moment.weights[row, 1]) for moment in trail.moments)
    edges = np.linspace(low, high, BINS + 1)
    shares = np.stack([_rebinned(moment, row, edges) for moment in trail.moments], axis=1)
    first, last = (float(trail.moments[at].weights[row, 3]) for at in (0, -1))
    figure = go.Figure(
        go.Heatmap(
            z=100 * shares,
            x=[str(epoch) for epoch in trail.epochs],
            y=(edges[:-1] + edges[1:]) / 2,
            colorscale=[[at / (len(SEQUENTIAL) - 1), color] for at, color in enumerate(SEQUENTIAL)],
            colorbar=dict(title=dict(text=_("% of weights"), side="top")),
            hovertemplate=_("epoch %{x}<br>weights about %{y}: %{z:.1f} %") + "<extra></extra>",
        )
    )
    figure.update_layout(
        title=_(
            "{layer}: the deviation of its weights<br>went from {first} to {last}",
            layer=path,
            first=formats.signed_number(first),
            last=formats.signed_number(last),
        ),
        xaxis=dict(title=_("epoch"), type="category"),
        yaxis=dict(title=_("weight"), hoverformat=_POINTED_AT),
        height=430,
        margin=dict(t=108, b=48, l=8, r=8),
    )
    return figure


def _rebinned(moment: Moment, row: int, edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """The shares of an epoch, whose bins have its own range, in bins that all epochs share."""
    low, high = moment.weights[row, :2].astype(float)
    own = np.linspace(low, high, BINS + 1)
    below = np.concatenate([[0.0], moment.histograms[row].cumsum(dtype=float)])
    if high <= low:  # all weights are equal
        return np.histogram([low], edges)[0].astype(float)
    shares: NDArray[np.float64] = np.diff(np.interp(edges, own, below))
    return shares


def weights_before_and_after(spread: WeightSpread, path: str) -> go.Figure:
    """Two lines over the layer's weights: as initialized, and as they are."""
    row = spread.paths.index(path)
    low, high = (float(edge) for edge in spread.edges[row])
    edges = np.linspace(low, high, BINS + 1)
    middles = (edges[:-1] + edges[1:]) / 2
    figure = go.Figure()
    for name, shares, color, dash in (
        (_("as initialized"), spread.before[row], ORANGE, "dash"),
        (_("as they are"), spread.after[row], BLUE, "solid"),
    ):
        figure.add_scatter(
            x=middles,
            y=100 * shares,
            name=name,
            mode="lines",
            line=dict(color=color, dash=dash, shape="hvh", width=2),
            hovertemplate=f"{name}<br>" + _("about %{x}: %{y:.1f} %") + "<extra></extra>",
        )
    figure.update_layout(
        title=_("{layer}: how its weights are spread", layer=path),
        xaxis=dict(title=_("weight"), hoverformat=_POINTED_AT),
        yaxis=dict(title=_("% of weights"), rangemode="tozero"),
        height=380,
        margin=dict(t=56, b=86, l=8, r=8),
        legend=FOOT_LEGEND,
    )
    return figure

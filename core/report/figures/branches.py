"""The branches of Inception blocks after training, as a figure. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from core.language import _
from core.measure.branch_norms import BRANCHES, BranchNorm
from core.report.figures.palette import BLUE, GRAY, ORANGE


def branch_bars(norms: Sequence[BranchNorm]) -> go.Figure:
    """For each branch its weights at the start and now, and the weights that read it."""
    figure = go.Figure()
    names = [f"{norm.block}<br>{_(BRANCHES[norm.branch])}" for norm in norms]
    for field, name, color, pattern in (
        ("rms_at_start", _("its weights, as initialized"), GRAY, "/"),
        ("rms", _("its weights, best epoch"), BLUE, ""),
        ("read_with", _("the next layer's weights on its channels"), ORANGE, "x"),
    ):
        figure.add_bar(
            y=names,
            x=[getattr(norm, field) for norm in norms],
            orientation="h",
            name=name,
            marker=dict(color=color, pattern=dict(shape=pattern)),
            customdata=[(norm.channels, norm.weights, norm.norm) for norm in norms],
            hovertemplate=_(
                "<b>%{{y}}</b><br>{quantity}: %{{x:.3g}}<br>%{{customdata[0]}} channels,"
                " %{{customdata[1]:,}} weights, norm %{{customdata[2]:.3g}}",
                quantity=name,
            )
            + "<extra></extra>",
        )
    figure.update_layout(
        title=_("Weights by branch: root mean square"),
        barmode="group",
        yaxis=dict(autorange="reversed", automargin=True),
        height=120 + 62 * len(norms),
        margin=dict(t=48, b=8, l=8, r=8),
        legend=dict(orientation="h", yanchor="top", y=-0.06),
    )
    return figure

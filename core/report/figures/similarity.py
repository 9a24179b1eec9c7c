"""How alike two networks are, layer by layer. Imports no torch."""

from __future__ import annotations

import plotly.graph_objects as go

from core.inside.similarity_records import Similarity
from core.language import _
from core.report.figures.palette import BLUE, ORANGE
from core.report.sentences.similarity import cka_text, pair_name, similarity_finding
from core.report.text_width import wrapped

_MOST_NAMES = 24  # layers that are named along the axis; more have numbers
_TITLE_WIDTH = 46  # letters


def similarity_chart(result: Similarity, chosen: str = "") -> go.Figure:
    """Linear CKA by layer; `chosen` is the path of the layer that is opened."""
    places = list(range(1, len(result.layers) + 1))
    is_chosen = [one.first == chosen for one in result.layers]
    figure = go.Figure()
    figure.add_scatter(
        x=places,
        y=[one.cka for one in result.layers],
        mode="lines+markers",
        connectgaps=False,
        line=dict(color=BLUE),
        marker=dict(
            color=[ORANGE if here else BLUE for here in is_chosen],
            symbol=["diamond" if here else "circle" for here in is_chosen],
            size=[13 if here else 8 for here in is_chosen],
        ),
        customdata=[(pair_name(one.first, one.second), cka_text(one.cka)) for one in result.layers],
        hovertemplate="<b>%{customdata[0]}</b><br>CKA %{customdata[1]}<extra></extra>",
        showlegend=False,
    )
    axis: dict[str, object] = dict(title=_("layer, in the order of execution"), automargin=True)
    if len(places) <= _MOST_NAMES:
        axis |= dict(tickvals=places, ticktext=[one.first for one in result.layers], tickangle=-45)
    title = wrapped(similarity_finding(result), _TITLE_WIDTH)
    figure.update_layout(
        title="<br>".join(title),
        xaxis=axis,
        yaxis=dict(title=_("linear CKA"), range=[-0.03, 1.12], tickvals=[0, 0.2, 0.4, 0.6, 0.8, 1]),
        height=390 + 24 * len(title),
        margin=dict(t=48 + 24 * len(title), b=48, l=8, r=8),
    )
    return figure

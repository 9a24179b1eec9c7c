"""Figures of what a trained network says to the test images. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from core.language import _
from core.report.figures.palette import BLUE, ORANGE, TEXT, translucent
from core.report.sentences.findings import confusion_finding

_STRONGEST = 0.5  # opacity of a cell's color: letters on it can be read in both themes


def confusion_map(matrix: NDArray[np.int64], names: Sequence[str], as_shares: bool) -> go.Figure:
    """A row for each true class, a column for each predicted one, as counts or shares of the row.

    Colors are of shares. Mistakes have a color and a scale of their own, else the diagonal would
    drown them.
    """
    totals = matrix.sum(1, keepdims=True)
    shares = 100 * matrix / np.maximum(1, totals)
    wrong = shares.copy()
    np.fill_diagonal(wrong, np.nan)
    figure = go.Figure()
    right = np.where(np.eye(len(names), dtype=bool), shares, np.nan)
    for z, color in ((right, BLUE), (wrong, ORANGE)):
        figure.add_heatmap(
            z=z,
            x=list(names),
            y=list(names),
            customdata=_cell_hovers(matrix, names),
            hovertemplate="%{customdata}<extra></extra>",
            hoverongaps=False,
            colorscale=[[0, translucent(color, 0.0)], [1, translucent(color, _STRONGEST)]],
            zmin=0,
            zmax=100 if color == BLUE else max(1.0, float(np.nanmax(wrong, initial=0.0))),
            showscale=False,
            xgap=1,
            ygap=1,
        )
    figure.add_scatter(  # not the cells' own text: Plotly takes its color from the light page
        x=[name for __ in names for name in names],
        y=[name for name in names for __ in names],
        text=_cell_texts(matrix, shares, as_shares),
        mode="text",
        textfont=dict(color=TEXT),
        hoverinfo="skip",
        showlegend=False,
    )
    figure.update_layout(
        title=confusion_finding(matrix, names),
        xaxis=dict(
            title=_("predicted class, in % of the true one") if as_shares else _("predicted class"),
            tickangle=-45,
            showgrid=False,
            type="category",
        ),
        yaxis=dict(title=_("true class"), autorange="reversed", showgrid=False, type="category"),
        height=540,
        margin=dict(t=60, b=8, l=8, r=8),
    )
    return figure


def _cell_texts(
    matrix: NDArray[np.int64], shares: NDArray[np.float64], as_shares: bool
) -> list[str]:
    """What stands in the cells, row by row; nothing in a cell without an image."""
    return [
        (f"{share:.1f}" if as_shares else f"{count:,}") if count else ""
        for share, count in zip(shares.flat, matrix.flat, strict=True)
    ]


def _cell_hovers(matrix: NDArray[np.int64], names: Sequence[str]) -> list[list[str]]:
    """What is said of the cell under the pointer: (true class, predicted class)."""
    hovers = []
    for name, counts in zip(names, matrix, strict=True):
        total = counts.sum()
        hovers.append(
            [
                _(
                    "true: <b>{truth}</b><br>predicted: <b>{predicted}</b><br>"
                    "{count:,} of {total:,} ({percent:.1f} %)",
                    truth=name,
                    predicted=predicted,
                    count=count,
                    total=total,
                    percent=100 * count / max(1, total),
                )
                for predicted, count in zip(names, counts, strict=True)
            ]
        )
    return hovers


def probability_bars(
    names: Sequence[str],
    runs: Sequence[tuple[str, NDArray[np.float32]]],
    truth: int | None,
    most: int | None = None,
) -> go.Figure:
    """What one or two networks say to one image: a probability for each class.

    `truth`: the true class, where it is known. `most`: only the likeliest classes and the true one.
    """
    classes = _likeliest(runs, len(names), truth, most)
    shown = [f"<b>{names[index]} ✓</b>" if index == truth else names[index] for index in classes]
    title = (
        _("Probability of each class")
        if truth is None
        else _("Probability of each class; ✓ marks the true one")
    )
    around = 200 if most is None else 120 + 28 * len(runs)  # pixels, above and below the bars
    figure = go.Figure(  # in one go: update_layout takes 3 ms, and somebody leafs through images
        layout=dict(
            title=title,
            xaxis=dict(ticksuffix=" %", range=[0, 100]),
            yaxis=dict(autorange="reversed", automargin=True),
            barmode="group",
            height=around + 26 * len(classes),
            margin=dict(t=48, b=8, l=8, r=32),  # room for half of "100 %"
            legend=dict(orientation="h", yanchor="top", y=-0.22 if most else -0.1),
        )
    )
    patterns = ("", "/")
    for (label, probabilities), color, pattern in zip(runs, (BLUE, ORANGE), patterns,
                                                       strict=False):  # fmt: skip
        values = 100 * probabilities[classes]
        figure.add_bar(
            y=shown,
            x=values,
            orientation="h",
            name=label,
            marker=dict(color=color, pattern=dict(shape=pattern)),
            hovertemplate=_("{name}: {amount}", name="%{y}", amount="%{x:.2f} %")
            + f"<br>{label}<extra></extra>",
        )
    return figure


def _likeliest(
    runs: Sequence[tuple[str, NDArray[np.float32]]],
    count: int,
    truth: int | None,
    most: int | None,
) -> list[int]:
    """The classes that are drawn, in their order; a network may have fewer outputs than names."""
    count = min(count, *(len(probabilities) for _, probabilities in runs))
    if most is None or most >= count:
        return list(range(count))
    highest = np.max([probabilities[:count] for _, probabilities in runs], axis=0)
    likeliest = set(np.argsort(-highest, kind="stable")[:most].tolist())
    return sorted(likeliest | ({truth} if truth is not None and truth < count else set()))

"""Final accuracies of variants: every seed a dot, beside the dots their mean. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import plotly.graph_objects as go

from core.language import _
from core.report import formats
from core.report.figures.palette import INK, LineStyle
from core.report.figures.variants import style_of
from core.report.text_width import wrapped
from core.studies.statistics import LEAST_SEEDS, Mean, mean_interval
from core.studies.study import Group

_ROW, _TOP, _FOOT = 52, 64, 56  # pixels of a variant, above the axes and below
_SEEDS_HIGH = 0.26  # of a row, over which the dots of its seeds are spread
_MEAN_AT = 0.3  # of a row below its middle
_LABEL = 20  # letters of a line of a variant's name


@dataclass(frozen=True)
class FinalAccuracies:
    """One variant: fractions after the last epoch."""

    label: str
    style: LineStyle
    seeds: Mapping[int, float]  # seed → accuracy
    published: float | None = None  # of somebody else's run
    published_half: float = 0.0  # half its binomial 95 % interval

    @property
    def mean(self) -> Mean | None:
        """Of the seeds, with its 95 % interval, in %."""
        return mean_interval([100 * value for value in self.seeds.values()])

    @property
    def place(self) -> float:
        """By which variants are sorted."""
        return self.mean.mean if self.mean else 100 * (self.published or 0.0)


def final_accuracies(groups: Sequence[Group]) -> list[FinalAccuracies]:
    """Those of each variant of a study."""
    return [
        FinalAccuracies(
            escape(group.title), style_of(group.variant, position), group.final_accuracies
        )
        for position, group in enumerate(groups)
    ]


def final_accuracy_chart(
    variants: Sequence[FinalAccuracies], title: str, grows: bool = False
) -> go.Figure:
    """A row for each variant, the highest mean at the top.

    While it `grows` the rows stay where they are, and the dots stand alone: who looks at intervals
    while results come in sees differences that are none.
    """
    figure = go.Figure()
    rows = list(variants)
    if not grows:
        rows.sort(key=lambda variant: variant.place, reverse=True)
    for row, variant in enumerate(rows):
        _add_seeds(figure, variant, row)
        if not grows:
            _add_mean(figure, variant, row)
        _add_published(figure, variant, row)
    figure.update_layout(
        title=f"{title}<br>{_what_is_drawn(rows, grows)}",
        xaxis=dict(title=_("test accuracy after the last epoch (%)"), range=_range(rows),
                   showgrid=True, automargin=True),
        yaxis=dict(
            range=[len(rows) - 0.4, -0.5], tickvals=list(range(len(rows))), showgrid=False,
            ticktext=["<br>".join(wrapped(variant.label, _LABEL)) for variant in rows],
            automargin=True,
        ),
        height=_TOP + _FOOT + _ROW * len(rows),
        margin=dict(t=_TOP, b=8, l=8, r=16),
        showlegend=False,
        hovermode="closest",
    )  # fmt: skip
    return figure


def _what_is_drawn(rows: Sequence[FinalAccuracies], grows: bool) -> str:
    most = max((len(row.seeds) for row in rows), default=0)
    is_published = any(row.published is not None for row in rows)
    if not most:
        return _("×: published") if is_published else _("no seed is finished yet")
    if grows:
        count = sum(len(row.seeds) for row in rows)
        return _("{count} seeds so far, each a dot", count=count)
    if most < LEAST_SEEDS:
        what = _("dots: seeds; strokes: means") if most > 1 else _("one seed each")
    else:
        what = _("dots: seeds; bars: mean ± 95 %")
    return _("{drawn}; ×: published", drawn=what) if is_published else what


def _range(rows: Sequence[FinalAccuracies]) -> list[float]:
    """Room for every dot and bar."""
    values = [100 * value for row in rows for value in row.seeds.values()]
    for row in rows:
        if row.published is not None:
            values += [100 * (row.published + side) for side in
                       (-row.published_half, row.published_half)]  # fmt: skip
        if (mean := row.mean) and (half := _half_bar(mean)):
            values += [mean.mean - half, mean.mean + half]
    if not values:
        return [0.0, 100.0]
    room = max(0.1, 0.06 * (max(values) - min(values)))
    return [max(0.0, min(values) - room), min(100.2, max(values) + room)]


def _half_bar(mean: Mean) -> float:
    """0 of too few seeds to tell their spread: of two the interval is twelve times that wide."""
    return mean.half or 0.0 if mean.count >= LEAST_SEEDS else 0.0


def _add_seeds(figure: go.Figure, variant: FinalAccuracies, row: int) -> None:
    """A dot for each, those of later seeds lower."""
    seeds = sorted(variant.seeds)
    step = _SEEDS_HIGH / max(1, len(seeds) - 1)
    figure.add_scatter(
        x=[100 * variant.seeds[seed] for seed in seeds],
        y=[row - _SEEDS_HIGH + step * index for index in range(len(seeds))],
        customdata=seeds,
        mode="markers",
        marker=dict(symbol=variant.style.marker, color=variant.style.color, size=8),
        hovertemplate=_("<b>{name}</b>, seed %{{customdata}}", name=variant.label)
        + "<br>%{x:.2f} %<extra></extra>",
    )


def _add_mean(figure: go.Figure, variant: FinalAccuracies, row: int) -> None:
    """A bar from one end of the interval to the other, a stroke at the mean."""
    mean = variant.mean
    if mean is None or mean.half is None:
        return
    half = _half_bar(mean)
    text = _(
        "<b>{name}</b><br>mean of {count} seeds {accuracy}<br>(95 % interval)",
        name=variant.label,
        count=mean.count,
        accuracy=formats.percent_within(mean.mean / 100, mean.half / 100),
    )
    figure.add_scatter(
        x=[mean.mean],
        y=[row + _MEAN_AT],
        error_x=dict(
            array=[half], thickness=2.5, width=0, color=variant.style.color, visible=half > 0
        ),
        mode="markers",
        marker=dict(symbol="line-ns", size=14, line=dict(color=variant.style.color, width=3)),
        hovertemplate=f"{text}<extra></extra>",
    )


def _add_published(figure: go.Figure, variant: FinalAccuracies, row: int) -> None:
    """A cross, and how far one run of so many test images can be off."""
    if variant.published is None:
        return
    text = formats.percent_within(variant.published, variant.published_half or None)
    figure.add_scatter(
        x=[100 * variant.published],
        y=[row + 0.12],
        error_x=dict(
            array=[100 * variant.published_half], thickness=1, width=0, color=INK,
            visible=variant.published_half > 0,
        ),
        mode="markers",
        marker=dict(symbol="x-thin", size=9, line=dict(color=INK, width=2)),
        hovertemplate=_("<b>{name}</b>, published run", name=variant.label)
        + f"<br>{text}<extra></extra>",
    )  # fmt: skip

"""Stacked 3×3 convolutions as a share of one large kernel. Imports no torch."""

from __future__ import annotations

import plotly.graph_objects as go

from core.explain.calculators import Stack, StackedAgainstLarge
from core.language import _
from core.report import formats
from core.report.figures.axes import finish
from core.report.figures.palette import BLUE, GRAY, ORANGE


def stack_bars(numbers: StackedAgainstLarge) -> go.Figure:
    """The stack's counts as shares of the large kernel's, in %."""
    stacked, large = numbers.stacked, numbers.large
    quantities = [
        (_("parameters"), stacked.params, large.params),
        (_("MACs forward"), stacked.macs, large.macs),
        (_("MACs backward"), stacked.backward_macs, large.backward_macs),
        (_("receptive field"), stacked.receptive_field, large.receptive_field),
        (_("ReLU layers"), stacked.count, large.count),
        (_("saved for backward"), stacked.saved_bytes, large.saved_bytes),
    ]
    shares = [100 * ours / theirs for __, ours, theirs in quantities]
    figure = go.Figure(
        go.Bar(
            y=[name for name, *__ in quantities],
            x=shares,
            orientation="h",
            marker=dict(color=[ORANGE if share > 100 else BLUE for share in shares]),
            text=[formats.joined(f"{share:.0f}", "%") for share in shares],
            textposition="outside",
            cliponaxis=False,
            customdata=[(f"{ours:,}", f"{theirs:,}") for __, ours, theirs in quantities],
            hovertemplate="<b>%{y}</b><br>"
            + _("stacked %{customdata[0]}<br>one large %{customdata[1]}")
            + "<br>%{x:.1f} %<extra></extra>",
        )
    )
    figure.add_vline(x=100, line=dict(color=GRAY, dash="dash", width=1.5))
    finish(figure, _finding(numbers), 290)
    figure.update_xaxes(
        title=_("% of {kernel} (dashed: equal)", kernel=stack_title(large)), nticks=7
    )
    figure.update_xaxes(range=[0, 1.2 * max(shares)])
    figure.update_layout(margin_b=56)  # no legend
    figure.update_yaxes(autorange="reversed")
    return figure


def _finding(numbers: StackedAgainstLarge) -> str:
    """`2 stacked 3×3: 72 % of the MACs of one 5×5`."""
    if numbers.count == 1:
        return _("One 3×3 is the large kernel itself")
    whole = _("the MACs of {kernel}", kernel=stack_title(numbers.large))
    part = formats.part_of(numbers.stacked.macs, numbers.large.macs, whole)
    return _("{kernels}: {part}", kernels=stack_title(numbers.stacked), part=part)


def comparison_title(numbers: StackedAgainstLarge) -> str:
    """`2 stacked 3×3 against one 5×5`."""
    if numbers.count == 1:
        return _("One 3×3 convolution")
    return _(
        "{kernels} against {kernel}",
        kernels=stack_title(numbers.stacked),
        kernel=stack_title(numbers.large),
    )


def stack_title(stack: Stack) -> str:
    """`2 stacked 3×3`, `one 5×5`."""
    window = f"{stack.kernel}×{stack.kernel}"
    if stack.count == 1:
        return _("one {window}", window=window)
    return _("{count} stacked {window}", count=stack.count, window=window)

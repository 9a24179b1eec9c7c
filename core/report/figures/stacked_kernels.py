"""Stacked 3×3 convolutions as a share of one large kernel. Imports no torch."""

from __future__ import annotations

import plotly.graph_objects as go

from core.explain.calculators import Stack, StackedAgainstLarge
from core.report import formats
from core.report.figures.axes import finish
from core.report.figures.palette import BLUE, GRAY, ORANGE


def stack_bars(numbers: StackedAgainstLarge) -> go.Figure:
    """The stack's counts as shares of the large kernel's, in %."""
    stacked, large = numbers.stacked, numbers.large
    quantities = [
        ("parameters", stacked.params, large.params),
        ("MACs forward", stacked.macs, large.macs),
        ("MACs backward", stacked.backward_macs, large.backward_macs),
        ("receptive field", stacked.receptive_field, large.receptive_field),
        ("ReLU layers", stacked.count, large.count),
        ("saved for backward", stacked.saved_bytes, large.saved_bytes),
    ]
    shares = [100 * ours / theirs for _, ours, theirs in quantities]
    figure = go.Figure(
        go.Bar(
            y=[name for name, *_ in quantities],
            x=shares,
            orientation="h",
            marker=dict(color=[ORANGE if share > 100 else BLUE for share in shares]),
            text=[formats.joined(f"{share:.0f}", "%") for share in shares],
            textposition="outside",
            cliponaxis=False,
            customdata=[(f"{ours:,}", f"{theirs:,}") for _, ours, theirs in quantities],
            hovertemplate="<b>%{y}</b><br>stacked %{customdata[0]}<br>one large %{customdata[1]}"
            "<br>%{x:.1f} %<extra></extra>",
        )
    )
    figure.add_vline(x=100, line=dict(color=GRAY, dash="dash", width=1.5))
    finish(figure, _finding(numbers), 290)
    figure.update_xaxes(title=f"% of {stack_title(large)} (dashed: equal)", nticks=7)
    figure.update_xaxes(range=[0, 1.2 * max(shares)])
    figure.update_layout(margin_b=56)  # no legend
    figure.update_yaxes(autorange="reversed")
    return figure


def _finding(numbers: StackedAgainstLarge) -> str:
    """`2 stacked 3×3: 72 % of the MACs of one 5×5`."""
    if numbers.count == 1:
        return "One 3×3 is the large kernel itself"
    part = formats.part_of(
        numbers.stacked.macs, numbers.large.macs, f"the MACs of {stack_title(numbers.large)}"
    )
    return f"{stack_title(numbers.stacked)}: {part}"


def comparison_title(numbers: StackedAgainstLarge) -> str:
    """`2 stacked 3×3 against one 5×5`."""
    if numbers.count == 1:
        return "One 3×3 convolution"
    return f"{stack_title(numbers.stacked)} against {stack_title(numbers.large)}"


def stack_title(stack: Stack) -> str:
    """`2 stacked 3×3`, `one 5×5`."""
    window = f"{stack.kernel}×{stack.kernel}"
    return f"one {window}" if stack.count == 1 else f"{stack.count} stacked {window}"

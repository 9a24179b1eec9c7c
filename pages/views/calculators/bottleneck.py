"""The first calculator: a convolution, directly and through a 1×1 bottleneck."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.explain.calculators import (
    MAX_CHANNELS,
    MAX_KERNEL,
    MAX_SIDE,
    Bottleneck,
    bottleneck_rows,
)
from core.explain.glossary import explained
from core.report import formats
from core.report.figures.bottleneck import bottleneck_bars, bottleneck_curve
from pages.views.app.cards import metric_card
from pages.views.app.charts import chart
from pages.views.app.downloads import download_csv
from pages.views.app.head import Head
from pages.views.app.prose import caption, markdown
from pages.views.calculators.numbers import (
    Number,
    choose_numbers,
    count_columns,
    equal_cards,
    share,
)
from pages.views.forms.row import form_row

_BOTTLENECK_NUMBERS = (
    Number("in_channels", "Input channels", "calc_in", MAX_CHANNELS, "Channels that come in."),
    Number("out_channels", "Output channels", "calc_out", MAX_CHANNELS, "Channels that go out."),
    Number(
        "middle_channels",
        "Bottleneck channels",
        "calc_through",
        MAX_CHANNELS,
        explained("bottleneck"),
    ),
    Number(
        "kernel",
        "Kernel (pixels a side)",
        "calc_large",
        MAX_KERNEL,
        explained("kernel"),
    ),
    Number(
        "side",
        "Map (pixels a side)",
        "calc_map",
        MAX_SIDE,
        "Height and width of every map; it cancels out of the ratio.",
    ),
)


def bottleneck_calculator(head: Head) -> None:
    """A convolution, directly and through fewer channels."""
    with form_row("bottleneck"):
        numbers = Bottleneck(**choose_numbers(_BOTTLENECK_NUMBERS, Bottleneck()))
    head.title(
        f"1×1 bottleneck: {numbers.in_channels:,} → {numbers.middle_channels:,}"
        f" → {numbers.out_channels:,} channels"
    )
    markdown(_bottleneck_finding(numbers))
    _bottleneck_cards(numbers)
    name = (
        f"bottleneck-{numbers.in_channels}-{numbers.middle_channels}-{numbers.out_channels}channels"
        f"-kernel{numbers.kernel}-{numbers.side}px"
    )
    left, right = st.columns(2)
    with left:
        chart(bottleneck_bars(numbers), key="calc_bottleneck_bars", name=name)
    with right:
        chart(bottleneck_curve(numbers), key="calc_bottleneck_curve", name=f"{name}-break-even")
    _bottleneck_table(numbers)
    caption(
        f"Stride 1, “same” padding: every map has {numbers.side}×{numbers.side} pixels. Formula:"
        " side² × in × out × kernel². The block is that of Szegedy et al. 2015."
    )
    download_csv(
        "Bottleneck as CSV",
        lambda: pd.DataFrame(bottleneck_rows(numbers)).convert_dtypes(),
        f"{name}.csv",
        "calc_bottleneck_csv",
    )


def _bottleneck_finding(numbers: Bottleneck) -> str:
    """By how much the detour is cheaper, and up to where it is."""
    direct, gain = numbers.direct, numbers.gain
    middle, most = numbers.middle_channels, numbers.break_even_channels
    change = f"{share(numbers.macs, direct.macs)} of the direct way"
    if gain >= 1.5:
        change += f", 1/{gain:.1f}"
    verb = "falls to" if gain > 1 else "stays at" if gain == 1 else "grows to"
    pays = f"pays with up to {most:,} channels in the middle" if most else "never pays here"
    return (
        f"Through **{middle:,} channels** the computation {verb} **{change}**:"
        f" {formats.short(numbers.macs, 'MACs')} instead of {formats.short(direct.macs)}."
        f" The parameters come to {numbers.params:,} instead of {direct.params:,}"
        f" ({share(numbers.params, direct.params)}). The detour {pays}."
    )


def _bottleneck_cards(numbers: Bottleneck) -> None:
    """Both ways side by side."""
    direct, both_steps = numbers.direct, "both steps of the detour"
    direct_note = f"one {numbers.kernel}×{numbers.kernel}"
    with equal_cards():
        metric_card(
            "MACs, direct", formats.short(direct.macs), f"{direct.macs:,} an image.", direct_note
        )
        metric_card(
            "MACs, detour",
            formats.short(numbers.macs),
            f"{numbers.macs:,} an image, {both_steps}.",
            f"{share(numbers.macs, direct.macs)} of direct",
        )
        metric_card("Parameters, direct", f"{direct.params:,}", explained("parameter"), direct_note)
        metric_card(
            "Parameters, detour",
            f"{numbers.params:,}",
            f"Weights and biases, {both_steps}.",
            f"{share(numbers.params, direct.params)} of direct",
        )
        metric_card(
            "Break-even",
            f"{numbers.break_even_channels:,}",
            "The most channels in the middle with which the detour takes fewer MACs.",
            "bottleneck channels",
        )


def _convolution_titles(numbers: Bottleneck) -> list[str]:
    """What each row of the table convolves."""
    titles = [
        f"{step.kernel}×{step.kernel}, {step.in_channels} → {step.out_channels}"
        for step in (numbers.direct, *numbers.steps)
    ]
    return [*titles, f"{titles[1]}, then {titles[2]}"]


def _bottleneck_table(numbers: Bottleneck) -> None:
    """One row a convolution, and one for the two of the detour together."""
    rows = pd.DataFrame(bottleneck_rows(numbers))
    titles = {
        "macs": "MACs",
        "params": "parameters",
        "weights": "weights",
        "biases": "biases",
        "flops": "FLOPs",
    }
    counts = rows[list(titles)].rename(columns=titles)
    counts.insert(0, "way", rows["way"])
    counts.insert(3, "convolution", _convolution_titles(numbers))  # a phone shows three columns
    st.dataframe(
        counts,
        hide_index=True,
        height="content",
        key="calc_bottleneck_table",
        column_config=count_columns(
            {
                "MACs": explained("MACs"),
                "FLOPs": explained("FLOPs"),
                "weights": explained("weight"),
                "biases": "One an output channel; the detour has those of both steps.",
                "parameters": explained("parameter"),
            }
        ),
    )

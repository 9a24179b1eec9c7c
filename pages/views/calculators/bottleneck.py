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
from core.language import N_, _, paragraph
from core.report import formats
from core.report.figures.bottleneck import bottleneck_bars, bottleneck_curve
from pages.views.app.cards import metric_card
from pages.views.app.charts import chart, drawn
from pages.views.app.downloads import download_csv
from pages.views.app.head import Head
from pages.views.app.prose import caption, markdown
from pages.views.app.tables import table
from pages.views.calculators.numbers import (
    Number,
    choose_numbers,
    count_columns,
    equal_cards,
    share,
)
from pages.views.forms.row import form_row

_BOTTLENECK_NUMBERS = (
    Number(
        "in_channels", N_("Input channels"), "calc_in", MAX_CHANNELS, N_("Channels that come in.")
    ),
    Number(
        "out_channels", N_("Output channels"), "calc_out", MAX_CHANNELS, N_("Channels that go out.")
    ),
    Number(
        "middle_channels",
        N_("Bottleneck channels"),
        "calc_through",
        MAX_CHANNELS,
        word="bottleneck",
    ),
    Number("kernel", N_("Kernel (pixels a side)"), "calc_large", MAX_KERNEL, word="kernel"),
    Number(
        "side",
        N_("Map (pixels a side)"),
        "calc_map",
        MAX_SIDE,
        N_("Height and width of every map; it cancels out of the ratio."),
    ),
)


def bottleneck_calculator(head: Head) -> None:
    """A convolution, directly and through fewer channels."""
    with form_row("bottleneck"):
        numbers = Bottleneck(**choose_numbers(_BOTTLENECK_NUMBERS, Bottleneck()))
    head.title(
        _(
            "1×1 bottleneck: {into:,} → {middle:,} → {out:,} channels",
            into=numbers.in_channels,
            middle=numbers.middle_channels,
            out=numbers.out_channels,
        )
    )
    markdown(_bottleneck_finding(numbers))
    _bottleneck_cards(numbers)
    name = (
        f"bottleneck-{numbers.in_channels}-{numbers.middle_channels}-{numbers.out_channels}channels"
        f"-kernel{numbers.kernel}-{numbers.side}px"
    )
    left, right = st.columns(2)
    with left:
        chart(drawn(bottleneck_bars, numbers), key="calc_bottleneck_bars", name=name)
    with right:
        chart(
            drawn(bottleneck_curve, numbers), key="calc_bottleneck_curve", name=f"{name}-break-even"
        )
    _bottleneck_table(numbers)
    caption(
        _(
            "Stride 1, “same” padding: every map has {side}×{side} pixels. Formula:"
            " side² × in × out × kernel². The block is that of Szegedy et al. 2015.",
            side=numbers.side,
        )
    )
    download_csv(
        _("Bottleneck as CSV"),
        lambda: pd.DataFrame(bottleneck_rows(numbers)).convert_dtypes(),
        f"{name}.csv",
        "calc_bottleneck_csv",
    )


def _bottleneck_finding(numbers: Bottleneck) -> str:
    """By how much the detour is cheaper, and up to where it is."""
    direct, most = numbers.direct, numbers.break_even_channels
    computation = _(
        _computation(numbers.gain),
        middle=numbers.middle_channels,
        share=share(numbers.macs, direct.macs),
        gain=numbers.gain,
        macs=formats.short(numbers.macs, "MACs"),
        direct=formats.short(direct.macs),
    )
    parameters = _(
        "The parameters come to {parameters:,} instead of {direct:,} ({share}).",
        parameters=numbers.params,
        direct=direct.params,
        share=share(numbers.params, direct.params),
    )
    pays = (
        _("The detour pays with up to {most:,} channels in the middle.", most=most)
        if most
        else _("The detour never pays here.")
    )
    return paragraph(computation, parameters, pays)


def _computation(gain: float) -> str:
    """The sentence for a direct way that takes so many times the MACs of the detour."""
    if gain >= 1.5:
        return N_(
            "Through **{middle:,} channels** the computation falls to **{share} of the direct way,"
            " 1/{gain:.1f}**: {macs} instead of {direct}."
        )
    if gain > 1:
        return N_(
            "Through **{middle:,} channels** the computation falls to **{share} of the direct"
            " way**: {macs} instead of {direct}."
        )
    if gain == 1:
        return N_(
            "Through **{middle:,} channels** the computation stays at **{share} of the direct"
            " way**: {macs} instead of {direct}."
        )
    return N_(
        "Through **{middle:,} channels** the computation grows to **{share} of the direct way**:"
        " {macs} instead of {direct}."
    )


def _bottleneck_cards(numbers: Bottleneck) -> None:
    """Both ways side by side."""
    direct = numbers.direct
    direct_note = _("one {kernel}×{kernel}", kernel=numbers.kernel)
    with equal_cards():
        metric_card(
            _("MACs, direct"),
            formats.short(direct.macs),
            _("{count:,} an image.", count=direct.macs),
            direct_note,
        )
        metric_card(
            _("MACs, detour"),
            formats.short(numbers.macs),
            _("{count:,} an image, both steps of the detour.", count=numbers.macs),
            _("{share} of direct", share=share(numbers.macs, direct.macs)),
        )
        metric_card(
            _("Parameters, direct"), f"{direct.params:,}", explained("parameter"), direct_note
        )
        metric_card(
            _("Parameters, detour"),
            f"{numbers.params:,}",
            _("Weights and biases, both steps of the detour."),
            _("{share} of direct", share=share(numbers.params, direct.params)),
        )
        metric_card(
            _("Break-even"),
            f"{numbers.break_even_channels:,}",
            _("The most channels in the middle with which the detour takes fewer MACs."),
            _("bottleneck channels"),
        )


def _convolution_titles(numbers: Bottleneck) -> list[str]:
    """What each row of the table convolves."""
    titles = [
        _(
            "{kernel}×{kernel}, {into} → {out}",
            kernel=step.kernel,
            into=step.in_channels,
            out=step.out_channels,
        )
        for step in (numbers.direct, *numbers.steps)
    ]
    return [*titles, _("{first}, then {second}", first=titles[1], second=titles[2])]


def _bottleneck_table(numbers: Bottleneck) -> None:
    """One row a convolution, and one for the two of the detour together."""
    rows = pd.DataFrame(bottleneck_rows(numbers))
    titles = {
        "macs": "MACs",
        "params": N_("parameters"),
        "weights": N_("weights"),
        "biases": N_("biases"),
        "flops": "FLOPs",
    }
    counts = rows[list(titles)].rename(columns=titles)
    ways = [_("directly"), _("through, step 1"), _("through, step 2"), _("through, both steps")]
    counts.insert(0, N_("way"), ways)
    counts.insert(3, N_("convolution"), _convolution_titles(numbers))  # a phone shows three columns
    table(
        counts,
        height="content",
        key="calc_bottleneck_table",
        column_config=count_columns(
            {
                "MACs": explained("MACs"),
                "FLOPs": explained("FLOPs"),
                "weights": explained("weight"),
                "biases": _("One an output channel; the detour has those of both steps."),
                "parameters": explained("parameter"),
            }
        ),
    )

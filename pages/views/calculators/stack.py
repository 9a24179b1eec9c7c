"""The third calculator: several 3×3 convolutions against one large kernel that sees as much."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.explain.calculators import (
    MAX_BATCH_SIZE,
    MAX_CHANNELS,
    MAX_SIDE,
    MAX_STACKED,
    StackedAgainstLarge,
    stack_rows,
)
from core.language import N_, _, ngettext, paragraph
from core.report import formats
from core.report.figures import stacked_kernels
from core.report.figures.stacked_kernels import stack_bars
from pages.views.app.charts import chart, drawn
from pages.views.app.downloads import download_csv
from pages.views.app.head import Head
from pages.views.app.prose import caption, markdown
from pages.views.app.tables import table
from pages.views.calculators.numbers import Number, choose_numbers, count_columns, share
from pages.views.forms.row import form_row

_STACK_NUMBERS = (
    Number(
        "channels",
        N_("Channels"),
        "calc_channels",
        MAX_CHANNELS,
        N_("Channels that come in and go out of every convolution."),
    ),
    Number(
        "side",
        N_("Map (pixels a side)"),
        "calc_stack_side",
        MAX_SIDE,
        N_("Height and width of every map; “same” padding keeps them."),
    ),
    Number("batch_size", N_("Batch size (images)"), "calc_batch", MAX_BATCH_SIZE, word="batch"),
)
_COUNTS = {2: N_("Two"), 3: N_("Three"), 4: N_("Four"), 5: N_("Five")}  # up to MAX_STACKED


def stack_calculator(head: Head) -> None:
    """Several 3×3 convolutions, and one large convolution that sees as many pixels."""
    with form_row("stack"):
        numbers = _choose_stack()
    head.title(stacked_kernels.comparison_title(numbers))
    markdown(_stack_finding(numbers))
    name = (
        f"stacked-{numbers.count}-of-3x3-{numbers.channels}channels-{numbers.side}px"
        f"-batch{numbers.batch_size}"
    )
    chart(drawn(stack_bars, numbers), key="calc_stack_bars", name=name)
    _stack_table(numbers)
    caption(
        _(
            "Saved are, as float32, the first input and what each ReLU gives out ({maps} maps"
            " against {maps_of_large}): a convolution keeps its input, a ReLU its output, which is"
            " the next input. In a network the first map is also the last of the block before, so"
            " each further block adds {count} against 1. Backward: the gradients of the weights and"
            " of the input, each as many MACs as forward. The comparison is that of Simonyan &"
            " Zisserman 2015, section 2.3.",
            maps=numbers.stacked.saved_maps,
            maps_of_large=numbers.large.saved_maps,
            count=numbers.count,
        )
    )
    download_csv(
        _("Comparison as CSV"),
        lambda: pd.DataFrame(stack_rows(numbers)),
        f"{name}.csv",
        "calc_stack_csv",
    )


def _choose_stack() -> StackedAgainstLarge:
    """How many, then the other numbers."""
    start = StackedAgainstLarge()
    count = st.slider(
        _("Stacked 3×3 convolutions"),
        1,
        MAX_STACKED,
        start.count,
        key="calc_count",
        bind="query-params",
        help=_("Two see as much as one 5×5, three as one 7×7."),
    )
    return StackedAgainstLarge(count=int(count), **choose_numbers(_STACK_NUMBERS, start))


def _stack_finding(numbers: StackedAgainstLarge) -> str:
    """What is gained, and whether the backward pass is hungrier."""
    stacked, large = numbers.stacked, numbers.large
    if numbers.count == 1:
        return _("**One 3×3 is the large kernel itself:** nothing is gained, nothing is lost.")
    gain = _(
        "**{count} stacked 3×3 see the same {kernel}×{kernel} pixels with {work} of the work**,"
        " {parameters} of the parameters and {relus} ReLUs instead of one.",
        count=_(_COUNTS[numbers.count]),
        kernel=numbers.kernel,
        work=share(stacked.macs, large.macs),
        parameters=share(stacked.params, large.params),
        relus=numbers.count,
    )
    memory = ngettext(
        "**For memory yes:** {maps} saved maps, {saved} instead of {saved_by_large} for {number:,}"
        " image.",
        "**For memory yes:** {maps} saved maps, {saved} instead of {saved_by_large} for {number:,}"
        " images.",
        numbers.batch_size,
        maps=formats.times(stacked.saved_bytes, large.saved_bytes),
        saved=formats.mebibytes(stacked.saved_bytes),
        saved_by_large=formats.mebibytes(large.saved_bytes),
    )
    return paragraph(
        gain,
        _("Is the backward pass hungrier?"),
        memory,
        _("**For work no:** its MACs fall like those of the forward pass."),
    )


def _stack_table(numbers: StackedAgainstLarge) -> None:
    """One row a quantity; a column for the stack, one for the large kernel, one for the share."""
    quantities = {
        N_("receptive field (px a side)"): "receptive_field",
        N_("weights"): "weights",
        N_("biases"): "biases",
        N_("parameters"): "params",
        N_("MACs forward, an image"): "macs",
        N_("MACs backward, an image"): "backward_macs",
        N_("ReLU layers"): "relus",
        N_("saved maps"): "saved_maps",
        N_("saved bytes, the batch"): "batch_saved_bytes",
    }
    counts = pd.DataFrame(stack_rows(numbers))[list(quantities.values())]
    stacked, large = counts.to_numpy().tolist()
    stack_title = stacked_kernels.stack_title(numbers.stacked)
    large_title = stacked_kernels.stack_title(numbers.large)
    if numbers.count == 1:
        stack_title = _("3×3, stacked once")
    shares = [round(100 * a / b, 1) for a, b in zip(stacked, large, strict=True)]
    table(
        pd.DataFrame(
            {
                N_("quantity"): [_(quantity) for quantity in quantities],
                stack_title: stacked,
                large_title: large,
                N_("share (%)"): shares,
            }
        ),
        height="content",
        key="calc_stack_table",
        column_config=count_columns(
            {
                stack_title: _("Each followed by a ReLU."),
                large_title: _("Followed by one ReLU."),
                "share (%)": _("The stack's count as a share of the large kernel's."),
            }
        ),
    )

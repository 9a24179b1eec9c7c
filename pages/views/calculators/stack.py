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
from core.explain.glossary import explained
from core.report import formats
from core.report.figures import stacked_kernels
from core.report.figures.stacked_kernels import stack_bars
from pages.views.app.charts import chart
from pages.views.app.downloads import download_csv
from pages.views.app.head import Head
from pages.views.app.prose import caption, markdown
from pages.views.calculators.numbers import Number, choose_numbers, count_columns, share
from pages.views.forms.row import form_row

_STACK_NUMBERS = (
    Number(
        "channels",
        "Channels",
        "calc_channels",
        MAX_CHANNELS,
        "Channels that come in and go out of every convolution.",
    ),
    Number(
        "side",
        "Map (pixels a side)",
        "calc_stack_side",
        MAX_SIDE,
        "Height and width of every map; “same” padding keeps them.",
    ),
    Number(
        "batch_size",
        "Batch size (images)",
        "calc_batch",
        MAX_BATCH_SIZE,
        explained("batch"),
    ),
)
_COUNTS = ("none", "One", "Two", "Three", "Four", "Five")  # as words, up to MAX_STACKED


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
    chart(stack_bars(numbers), key="calc_stack_bars", name=name)
    _stack_table(numbers)
    maps = f"{numbers.stacked.saved_maps} maps against {numbers.large.saved_maps}"
    caption(
        f"Saved are, as float32, the first input and what each ReLU gives out ({maps}): a"
        " convolution keeps its input, a ReLU its output, which is the next input. In a network the"
        f" first map is also the last of the block before, so each further block adds"
        f" {numbers.count} against 1. Backward: the gradients of the weights and of the input, each"
        " as many MACs as forward. The comparison is that of Simonyan & Zisserman 2015,"
        " section 2.3."
    )
    download_csv(
        "Comparison as CSV",
        lambda: pd.DataFrame(stack_rows(numbers)),
        f"{name}.csv",
        "calc_stack_csv",
    )


def _choose_stack() -> StackedAgainstLarge:
    """How many, then the other numbers."""
    start = StackedAgainstLarge()
    count = st.slider(
        "Stacked 3×3 convolutions",
        1,
        MAX_STACKED,
        start.count,
        key="calc_count",
        bind="query-params",
        help="Two see as much as one 5×5, three as one 7×7.",
    )
    return StackedAgainstLarge(count=int(count), **choose_numbers(_STACK_NUMBERS, start))


def _stack_finding(numbers: StackedAgainstLarge) -> str:
    """What is gained, and whether the backward pass is hungrier."""
    stacked, large = numbers.stacked, numbers.large
    window = f"{numbers.kernel}×{numbers.kernel}"
    if numbers.count == 1:
        return "**One 3×3 is the large kernel itself:** nothing is gained, nothing is lost."
    return (
        f"**{_COUNTS[numbers.count]} stacked 3×3 see the same {window} pixels with"
        f" {share(stacked.macs, large.macs)} of the work**,"
        f" {share(stacked.params, large.params)} of the parameters and {numbers.count} ReLUs"
        " instead of one. Is the backward pass hungrier?"
        f" **For memory yes:** {formats.times(stacked.saved_bytes, large.saved_bytes)} saved maps,"
        f" {formats.mebibytes(stacked.saved_bytes)} instead of"
        f" {formats.mebibytes(large.saved_bytes)} for {numbers.batch_size:,}"
        f" image{'' if numbers.batch_size == 1 else 's'}. **For work no:** its MACs fall like those"
        " of the forward pass."
    )


def _stack_table(numbers: StackedAgainstLarge) -> None:
    """One row a quantity; a column for the stack, one for the large kernel, one for the share."""
    quantities = {
        "receptive field (px a side)": "receptive_field",
        "weights": "weights",
        "biases": "biases",
        "parameters": "params",
        "MACs forward, an image": "macs",
        "MACs backward, an image": "backward_macs",
        "ReLU layers": "relus",
        "saved maps": "saved_maps",
        "saved bytes, the batch": "batch_saved_bytes",
    }
    counts = pd.DataFrame(stack_rows(numbers))[list(quantities.values())]
    stacked, large = counts.to_numpy().tolist()
    stack_title = stacked_kernels.stack_title(numbers.stacked)
    large_title = stacked_kernels.stack_title(numbers.large)
    if numbers.count == 1:
        stack_title = "3×3, stacked once"
    st.dataframe(
        pd.DataFrame(
            {
                "quantity": list(quantities),
                stack_title: stacked,
                large_title: large,
                "share (%)": [round(100 * a / b, 1) for a, b in zip(stacked, large, strict=True)],
            }
        ),
        hide_index=True,
        height="content",
        key="calc_stack_table",
        column_config=count_columns(
            {
                stack_title: "Each followed by a ReLU.",
                large_title: "Followed by one ReLU.",
                "share (%)": "The stack's count as a share of the large kernel's.",
            }
        ),
    )

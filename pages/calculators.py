"""Small sums that need no network: the 1×1 bottleneck, kernel and stride, stacked 3×3."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import pandas as pd
import streamlit as st

from core.explain import calculators
from core.explain.calculators import Bottleneck, SlidingWindow, StackedAgainstLarge
from core.report import formats
from core.report.figures.bottleneck import bottleneck_bars, bottleneck_curve
from core.report.figures.sliding_window import window_picture
from core.report.figures.stacked_kernels import stack_bars, stack_title
from pages.views.app.address import address_checked
from pages.views.app.downloads import download_csv
from pages.views.app.frame import page_frame

BOTTLENECK, WINDOW, STACK = "1×1 bottleneck", "Output size", "Stacked 3×3"
ONE_MAC = "MACs are multiply-adds, without bias; 1 MAC = 2 FLOPs."


@dataclass(frozen=True)
class Number:
    """A whole number that the reader chooses in the sidebar."""

    field: str  # of the record that it goes into
    label: str
    key: str  # in the address
    most: int
    help: str
    least: int = 1


CHANNELS, SIDE = calculators.MAX_CHANNELS, calculators.MAX_SIDE
BOTTLENECK_NUMBERS = (
    Number("in_channels", "Input channels", "calc_in", CHANNELS, "Channels that come in."),
    Number("out_channels", "Output channels", "calc_out", CHANNELS, "Channels that go out."),
    Number(
        "middle_channels",
        "Bottleneck channels",
        "calc_through",
        CHANNELS,
        "Channels between the 1×1 convolution and the large one.",
    ),
    Number(
        "kernel",
        "Kernel (pixels a side)",
        "calc_large",
        calculators.MAX_KERNEL,
        "Side of the large convolution's window.",
    ),
    Number(
        "side",
        "Map (pixels a side)",
        "calc_map",
        SIDE,
        "Height and width of every map; it cancels out of the ratio.",
    ),
)
WINDOW_NUMBERS = (
    Number(
        "side",
        "Input (pixels a side)",
        "calc_side",
        SIDE,
        "Height and width of the map that comes in.",
    ),
    Number(
        "kernel",
        "Kernel (pixels a side)",
        "calc_kernel",
        calculators.MAX_KERNEL,
        "Pixels that the window reads along each side.",
    ),
    Number(
        "stride",
        "Stride (pixels)",
        "calc_stride",
        calculators.MAX_STRIDE,
        "Pixels from one position of the window to the next.",
    ),
    Number(
        "padding",
        "Padding (pixels at each edge)",
        "calc_padding",
        calculators.MAX_PADDING,
        "Cells added at each of the four edges.",
        least=0,
    ),
    Number(
        "dilation",
        "Dilation (pixels)",
        "calc_dilation",
        calculators.MAX_DILATION,
        "Pixels from one cell that the window reads to the next; 1 reads neighbours.",
    ),
)
STACK_NUMBERS = (
    Number(
        "channels",
        "Channels",
        "calc_channels",
        CHANNELS,
        "Channels that come in and go out of every convolution.",
    ),
    Number(
        "side",
        "Map (pixels a side)",
        "calc_stack_side",
        SIDE,
        "Height and width of every map; “same” padding keeps them.",
    ),
    Number(
        "batch_size",
        "Batch size (images)",
        "calc_batch",
        calculators.MAX_BATCH_SIZE,
        "Images whose maps are kept for the backward pass.",
    ),
)


def page() -> None:
    """The picker, then the calculator."""
    chosen = st.segmented_control(
        "Calculator",
        (BOTTLENECK, WINDOW, STACK),
        default=BOTTLENECK,
        key="calc_tool",
        bind="query-params",
        label_visibility="collapsed",
        required=True,
    )
    if chosen == BOTTLENECK:
        bottleneck()
    elif chosen == WINDOW:
        window()
    else:
        stack()


def choose(numbers: Sequence[Number], start: object) -> dict[str, int]:
    """Number inputs in the sidebar, `start` holding what they show at first; values by field."""
    return {
        number.field: int(
            st.sidebar.number_input(
                number.label,
                number.least,
                number.most,
                getattr(start, number.field),
                key=number.key,
                bind="query-params",
                help=number.help,
            )
        )
        for number in numbers
    }


def card(label: str, shown: str, explanation: str, under: str) -> None:
    """One number; below it its unit, or what it is of another."""
    st.metric(
        label,
        shown,
        under,
        delta_color="off",
        delta_arrow="off",
        help=explanation,
        border=True,
        width=174,
    )


def share(part: float, all_of_it: float) -> str:
    """`10.3 %`."""
    return formats.joined(f"{100 * part / all_of_it:.1f}", "%")


def whole_numbers(help_texts: dict[str, str]) -> dict[str, object]:
    """Columns of numbers with separators as the browser's language has them."""
    return {
        name: st.column_config.NumberColumn(format="localized", help=text)
        for name, text in help_texts.items()
    }


# The 1×1 bottleneck --------------------------------------------------------------------------


def bottleneck() -> None:
    """A convolution, directly and through fewer channels."""
    numbers = Bottleneck(**choose(BOTTLENECK_NUMBERS, Bottleneck()))
    st.markdown(bottleneck_finding(numbers))
    bottleneck_cards(numbers)
    left, right = st.columns(2)
    left.plotly_chart(bottleneck_bars(numbers), key="calc_bottleneck_bars")
    right.plotly_chart(bottleneck_curve(numbers), key="calc_bottleneck_curve")
    bottleneck_table(numbers)
    st.caption(
        f"Stride 1, “same” padding: every map has {numbers.side}×{numbers.side} pixels. {ONE_MAC}"
        " Formula: side² × in × out × kernel². The block is that of Szegedy et al. 2015."
    )
    download_csv(
        "Bottleneck as CSV",
        lambda: pd.DataFrame(calculators.bottleneck_rows(numbers)).convert_dtypes(),
        "bottleneck.csv",
        "calc_bottleneck_csv",
    )


def bottleneck_finding(numbers: Bottleneck) -> str:
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


def bottleneck_cards(numbers: Bottleneck) -> None:
    """Both ways side by side."""
    direct, both = numbers.direct, "both steps of the detour"
    large = f"one {numbers.kernel}×{numbers.kernel}"
    with st.container(horizontal=True):
        card("MACs, direct", formats.short(direct.macs), f"{direct.macs:,} an image.", large)
        card(
            "MACs, detour",
            formats.short(numbers.macs),
            f"{numbers.macs:,} an image, {both}.",
            f"{share(numbers.macs, direct.macs)} of direct",
        )
        card("Parameters, direct", f"{direct.params:,}", "Weights and biases.", large)
        card(
            "Parameters, detour",
            f"{numbers.params:,}",
            f"Weights and biases, {both}.",
            f"{share(numbers.params, direct.params)} of direct",
        )
        card(
            "Break-even",
            f"{numbers.break_even_channels:,}",
            "The most channels in the middle with which the detour takes fewer MACs.",
            "bottleneck channels",
        )


def bottleneck_titles(numbers: Bottleneck) -> list[str]:
    """What each row of the table convolves."""
    titles = [
        f"{step.kernel}×{step.kernel}, {step.in_channels} → {step.out_channels}"
        for step in (numbers.direct, *numbers.steps)
    ]
    return [*titles, f"{titles[1]}, then {titles[2]}"]


def bottleneck_table(numbers: Bottleneck) -> None:
    """One row a step, and the sum of the detour."""
    rows = pd.DataFrame(calculators.bottleneck_rows(numbers))
    shown = pd.DataFrame({"way": rows["way"], "convolution": bottleneck_titles(numbers)})
    helps = {
        "macs": "Multiply-adds an image, forward, without bias.",
        "flops": "Twice the MACs.",
        "weights": "Numbers that are multiplied with.",
        "biases": "One an output channel; the detour has those of both steps.",
        "params": "Weights and biases.",
    }
    titles = {"macs": "MACs", "flops": "FLOPs", "params": "parameters"}
    for column in helps:
        shown[titles.get(column, column)] = rows[column]
    st.dataframe(
        shown,
        hide_index=True,
        height="content",
        key="calc_bottleneck_table",
        column_config=whole_numbers({titles.get(name, name): helps[name] for name in helps}),
    )


# Kernel, stride, padding ---------------------------------------------------------------------


def window() -> None:
    """What a window makes of a map's size."""
    numbers = choose(WINDOW_NUMBERS, calculators.PRESETS[0].window)
    choose_preset(numbers)  # stands above the error too, where the window does not fit
    chosen = SlidingWindow(**numbers)
    st.markdown(window_finding(chosen))
    st.latex(formula(chosen))
    st.plotly_chart(
        window_picture(chosen),
        key="calc_window_picture",
        config={"displayModeBar": False},
    )
    st.markdown(window_details(chosen))
    st.markdown(f"**The usual windows on {chosen.side}×{chosen.side} pixels**")
    window_table(chosen)
    st.caption(
        "The formula is that of Dumoulin & Visin 2016,"
        " [A guide to convolution arithmetic](https://arxiv.org/abs/1603.07285), relationship 15."
    )
    download_csv(
        "Windows as CSV",
        lambda: pd.DataFrame(calculators.window_rows(chosen)).convert_dtypes(),
        "windows.csv",
        "calc_window_csv",
    )


def choose_preset(numbers: dict[str, int]) -> None:
    """Windows that the reader has met; the one that the numbers describe is marked."""
    st.session_state["calc_preset"] = None
    for preset in calculators.PRESETS:
        if asdict(preset.window) == numbers:
            st.session_state["calc_preset"] = preset.name
    st.pills(
        "Windows to start from",
        [preset.name for preset in calculators.PRESETS],
        key="calc_preset",
        on_change=take_preset,
        help="Sets all five numbers, the map's side too.",
    )


def take_preset() -> None:
    """After a preset was picked: its numbers, which the address then holds."""
    for preset in calculators.PRESETS:
        if preset.name == st.session_state["calc_preset"]:
            for number in WINDOW_NUMBERS:
                st.session_state[number.key] = getattr(preset.window, number.field)


def window_finding(chosen: SlidingWindow) -> str:
    """Whether the size is kept, in one sentence."""
    before, after = chosen.side, chosen.output_side
    if chosen.keeps_size:
        kept = f"**Yes, the size is kept:** {before}×{before} pixels stay {before}×{before}."
    else:
        verb = "become" if after < before else "grow to"
        kept = f"**No, the size is not kept:** {before}×{before} pixels {verb} **{after}×{after}**."
    return f"{kept} Average pooling, max-pooling and convolution are alike in this."


def formula(chosen: SlidingWindow) -> str:
    """The output side with the numbers filled in, as LaTeX."""
    return (
        r"\left\lfloor\frac{"
        f"{chosen.side} + 2\\cdot{chosen.padding}"
        f" - {chosen.dilation}\\cdot({chosen.kernel}-1) - 1"
        f"}}{{{chosen.stride}}}\\right\\rfloor + 1 = {chosen.output_side}"
    )


def window_details(chosen: SlidingWindow) -> str:
    """Which padding keeps the size, what is never read, and what torch refuses."""
    return "\n".join(
        f"- {sentence}"
        for sentence in (keeping(chosen), unread(chosen), pooling_limit(chosen))
        if sentence
    )


def keeping(chosen: SlidingWindow) -> str:
    """The padding that keeps the size at stride 1."""
    needed = chosen.size_keeping_padding
    if needed is None:
        return (
            f"At stride 1 **no padding keeps the size**: the window is {chosen.effective_kernel}"
            " pixels wide, an even number, and would need one pixel more at one edge than at the"
            " other."
        )
    here = "as it is here" if chosen.padding == needed else f"here it is {chosen.padding}"
    stride = (
        f"; a stride of {chosen.stride} divides the side by about as much"
        if chosen.stride > 1
        else ""
    )
    return f"At stride 1 a padding of **{pixels(needed)}** keeps the size ({here}){stride}."


def unread(chosen: SlidingWindow) -> str:
    """Pixels that no position of the window reads."""
    edge = chosen.unread_at_edge
    between = chosen.reads().count(0) - edge
    if not edge and not between:
        return "Every pixel is read at least once."
    parts = []
    if edge:
        parts.append(
            f"**{pixels(edge)}** at the right and the bottom edge, where the window no longer fits"
            " (the floor in the formula)"
        )
    if between:
        parts.append(f"**{pixels(between)}** of each row that stride or dilation steps over")
    return f"Never read: {' and '.join(parts)}."


def pooling_limit(chosen: SlidingWindow) -> str:
    """What torch says to such a padding, empty where it pools with it."""
    if chosen.pooling_allows_padding:
        return ""
    return (
        f"As a convolution this works; torch's pooling refuses it: its padding may be at most half"
        f" the kernel, here {pixels(chosen.kernel // 2)}."
    )


def pixels(count: int) -> str:
    """`1 pixel`, `2 pixels`."""
    return f"{count} pixel{'' if count == 1 else 's'}"


def window_table(chosen: SlidingWindow) -> None:
    """The chosen window and the presets on a map of the same side."""
    titles = {
        "window": "window",
        "output_side": "output px",
        "keeps_size": "size kept",
        "kernel": "kernel px",
        "stride": "stride px",
        "padding": "padding px",
        "dilation": "dilation px",
        "unread": "unread px",
    }
    rows = pd.DataFrame(calculators.window_rows(chosen)).convert_dtypes()
    st.dataframe(
        rows[list(titles)].rename(columns=titles),
        hide_index=True,
        height="content",
        placeholder="does not fit",
        key="calc_window_table",
        column_config={
            "output px": st.column_config.NumberColumn(help="Pixels a side of the output."),
            "unread px": st.column_config.NumberColumn(
                help="Pixels of each row that no position of the window reads."
            ),
        },
    )


# Stacked 3×3 against one large kernel --------------------------------------------------------


def stack() -> None:
    """Several 3×3 convolutions and the one that sees as much."""
    numbers = choose_stack()
    st.markdown(stack_finding(numbers))
    st.plotly_chart(stack_bars(numbers), key="calc_stack_bars")
    stack_table(numbers)
    maps = f"{numbers.stacked.saved_maps} maps against {numbers.large.saved_maps}"
    st.caption(
        f"Saved are, as float32, the first input and what each ReLU gives out ({maps}): a"
        " convolution keeps its input, a ReLU its output, which is the next input. In a network the"
        f" first map is also the last of the block before, so each further block adds"
        f" {numbers.count} against 1. Backward: the gradients of the weights and of the input, each"
        f" as many MACs as forward. {ONE_MAC} The comparison is that of Simonyan & Zisserman 2015,"
        " section 2.3."
    )
    download_csv(
        "Comparison as CSV",
        lambda: pd.DataFrame(calculators.stack_rows(numbers)),
        "stacked-3x3.csv",
        "calc_stack_csv",
    )


def choose_stack() -> StackedAgainstLarge:
    """How many, then the other numbers."""
    start = StackedAgainstLarge()
    count = st.sidebar.slider(
        "Stacked 3×3 convolutions",
        1,
        calculators.MAX_STACKED,
        start.count,
        key="calc_count",
        bind="query-params",
        help="Two see as much as one 5×5, three as one 7×7.",
    )
    return StackedAgainstLarge(count=int(count), **choose(STACK_NUMBERS, start))


COUNTS = ("none", "One", "Two", "Three", "Four", "Five")


def stack_finding(numbers: StackedAgainstLarge) -> str:
    """What is gained, and whether the backward pass is hungrier."""
    stacked, large = numbers.stacked, numbers.large
    window = f"{numbers.kernel}×{numbers.kernel}"
    if numbers.count == 1:
        return "**One 3×3 is the large kernel itself:** nothing is gained, nothing is lost."
    return (
        f"**{COUNTS[numbers.count]} stacked 3×3 see the same {window} pixels with"
        f" {share(stacked.macs, large.macs)} of the work**,"
        f" {share(stacked.params, large.params)} of the parameters and {numbers.count} ReLUs"
        " instead of one. Is the backward pass hungrier?"
        f" **For memory yes:** {stacked.saved_bytes / large.saved_bytes:.3g} times the saved maps,"
        f" {formats.mebibytes(stacked.saved_bytes)} instead of"
        f" {formats.mebibytes(large.saved_bytes)} for {numbers.batch_size:,}"
        f" image{'' if numbers.batch_size == 1 else 's'}. **For work no:** its MACs fall like those"
        " of the forward pass."
    )


def stack_table(numbers: StackedAgainstLarge) -> None:
    """One row a quantity, one column a way, and what the one is of the other."""
    stacked, large = calculators.stack_rows(numbers)
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
    ours = [stacked[column] for column in quantities.values()]
    theirs = [large[column] for column in quantities.values()]
    ratios = [round(100 * a / b, 1) for a, b in zip(ours, theirs, strict=True)]
    names = [
        stack_title(numbers.stacked),
        stack_title(numbers.large),
    ]
    if numbers.count == 1:
        names[0] = "3×3, stacked once"
    st.dataframe(
        pd.DataFrame(
            {"quantity": list(quantities), names[0]: ours, names[1]: theirs, "share (%)": ratios}
        ),
        hide_index=True,
        height="content",
        key="calc_stack_table",
        column_config=whole_numbers(
            {
                names[0]: "Each followed by a ReLU.",
                names[1]: "Followed by one ReLU.",
                "share (%)": "The stack's count as a share of the large kernel's.",
            }
        ),
    )


with (
    page_frame(
        "Calculators", "Small sums with any numbers: what a convolution costs, what size it leaves."
    ),
    address_checked(),
):
    page()

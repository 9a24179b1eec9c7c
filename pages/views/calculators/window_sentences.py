"""What a sliding window does to a map, in sentences."""

from __future__ import annotations

from core.explain.calculators import SlidingWindow


def window_title(side: int, kernel: int, stride: int, padding: int, dilation: int) -> str:
    """`Window 7×7, stride 2, padding 3, on 224 px`; also of one that does not fit."""
    parts = [f"Window {kernel}×{kernel}", f"stride {stride}"]
    parts += [f"padding {padding}"] if padding else []
    parts += [f"dilation {dilation}"] if dilation > 1 else []
    return f"{', '.join(parts)}, on {side} px"


def window_finding(window: SlidingWindow) -> str:
    """Whether the size is kept, in one sentence."""
    before, after = window.side, window.output_side
    if window.keeps_size:
        answer = f"**Yes, the size is kept:** {before}×{before} pixels stay {before}×{before}."
    else:
        verb = "become" if after < before else "grow to"
        answer = (
            f"**No, the size is not kept:** {before}×{before} pixels {verb} **{after}×{after}**."
        )
    return f"{answer} Average pooling, max-pooling and convolution are alike in this."


def filled_formula(window: SlidingWindow) -> str:
    """The output side with the numbers filled in, as LaTeX."""
    return (
        r"\left\lfloor\frac{"
        f"{window.side} + 2\\cdot{window.padding}"
        f" - {window.dilation}\\cdot({window.kernel}-1) - 1"
        f"}}{{{window.stride}}}\\right\\rfloor + 1 = {window.output_side}"
    )


def window_details(window: SlidingWindow) -> str:
    """Which padding keeps the size, what is never read, and what torch refuses."""
    return "\n".join(
        f"- {sentence}"
        for sentence in (
            _size_keeping_padding(window),
            _unread_pixels(window),
            _pooling_limit(window),
        )
        if sentence
    )


def _size_keeping_padding(window: SlidingWindow) -> str:
    """The padding that keeps the size at stride 1."""
    needed = window.size_keeping_padding
    if needed is None:
        return (
            f"At stride 1 **no padding keeps the size**: the window is {window.effective_kernel}"
            " pixels wide, an even number, and would need one pixel more at one edge than at the"
            " other."
        )
    comparison = "as it is here" if window.padding == needed else f"here it is {window.padding}"
    stride = (
        f"; a stride of {window.stride} divides the side by about as much"
        if window.stride > 1
        else ""
    )
    return f"At stride 1 a padding of **{pixels(needed)}** keeps the size ({comparison}){stride}."


def _unread_pixels(window: SlidingWindow) -> str:
    """Pixels that no position of the window reads."""
    edge = window.unread_at_edge
    between = window.reads().count(0) - edge
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


def _pooling_limit(window: SlidingWindow) -> str:
    """What torch says to such a padding, empty where it pools with it."""
    if window.pooling_allows_padding:
        return ""
    return (
        f"As a convolution this works; torch's pooling refuses it: its padding may be at most half"
        f" the kernel, here {pixels(window.kernel // 2)}."
    )


def pixels(count: int) -> str:
    """`1 pixel`, `2 pixels`."""
    return f"{count} pixel{'' if count == 1 else 's'}"

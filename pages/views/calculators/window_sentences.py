"""What a sliding window does to a map, in sentences."""

from __future__ import annotations

from core.explain.calculators import SlidingWindow
from core.language import _, comma, listed, ngettext, paragraph


def window_title(side: int, kernel: int, stride: int, padding: int, dilation: int) -> str:
    """`Window 7×7, stride 2, padding 3, on 224 px`; also of one that does not fit."""
    parts = [_("Window {kernel}×{kernel}", kernel=kernel), _("stride {stride}", stride=stride)]
    parts += [_("padding {padding}", padding=padding)] if padding else []
    parts += [_("dilation {dilation}", dilation=dilation)] if dilation > 1 else []
    return _("{window}, on {side} px", window=comma().join(parts), side=side)


def window_finding(window: SlidingWindow) -> str:
    """Whether the size is kept, in one sentence."""
    told = {"before": window.side, "after": window.output_side}
    if window.keeps_size:
        answer = _(
            "**Yes, the size is kept:** {before}×{before} pixels stay {after}×{after}.", **told
        )
    elif window.output_side < window.side:
        answer = _(
            "**No, the size is not kept:** {before}×{before} pixels become **{after}×{after}**.",
            **told,
        )
    else:
        answer = _(
            "**No, the size is not kept:** {before}×{before} pixels grow to **{after}×{after}**.",
            **told,
        )
    return paragraph(answer, _("Average pooling, max-pooling and convolution are alike in this."))


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
        return _(
            "At stride 1 **no padding keeps the size**: the window is {width} pixels wide, an even"
            " number, and would need one pixel more at one edge than at the other.",
            width=window.effective_kernel,
        )
    is_here = window.padding == needed
    comparison = (
        _("as it is here") if is_here else _("here it is {padding}", padding=window.padding)
    )
    if window.stride == 1:
        return _(
            "At stride 1 a padding of **{needed}** keeps the size ({comparison}).",
            needed=pixels(needed),
            comparison=comparison,
        )
    return _(
        "At stride 1 a padding of **{needed}** keeps the size ({comparison}); a stride of {stride}"
        " divides the side by about as much.",
        needed=pixels(needed),
        comparison=comparison,
        stride=window.stride,
    )


def _unread_pixels(window: SlidingWindow) -> str:
    """Pixels that no position of the window reads."""
    edge = window.unread_at_edge
    between = window.reads().count(0) - edge
    if not edge and not between:
        return _("Every pixel is read at least once.")
    parts = []
    if edge:
        parts.append(
            _(
                "**{count}** at the right and the bottom edge, where the window no longer fits"
                " (the floor in the formula)",
                count=pixels(edge),
            )
        )
    if between:
        parts.append(
            _("**{count}** of each row that stride or dilation steps over", count=pixels(between))
        )
    return _("Never read: {pixels}.", pixels=listed(parts))


def _pooling_limit(window: SlidingWindow) -> str:
    """What torch says to such a padding, empty where it pools with it."""
    if window.pooling_allows_padding:
        return ""
    return _(
        "As a convolution this works; torch's pooling refuses it: its padding may be at most half"
        " the kernel, here {most}.",
        most=pixels(window.kernel // 2),
    )


def pixels(count: int) -> str:
    """`1 pixel`, `2 pixels`."""
    return ngettext("{number} pixel", "{number} pixels", count)

"""The window on its map as it moves, position by position, and the output that it leaves."""

from __future__ import annotations

import streamlit as st

from core.explain.calculators import SlidingWindow
from core.language import _
from pages.views.app.browser_files import FOLDER, component_script

_LARGEST = 25  # pixels a side of a window that is drawn cell by cell

_moving = st.components.v2.component(
    "lab_window",
    html=(
        '<div class="window"><div class="window-board"></div><div class="window-line">'
        '<button type="button"></button><span class="window-told"></span></div></div>'
    ),
    css=(FOLDER / "window.css").read_text(encoding="utf-8"),
    js=component_script(FOLDER / "window.js"),
    isolate_styles=False,
)


def moving_window(window: SlidingWindow) -> None:
    """It begins to move by itself; arrow keys move it. Nothing where it is too large to draw."""
    if window.effective_kernel > _LARGEST:
        return
    _moving(
        key="calc_moving_window",
        data={
            "side": window.side,
            "stride": window.stride,
            "padding": window.padding,
            "dilation": window.dilation,
            "reach": window.effective_kernel,
            "output": window.output_side,
            "words": _words(window),
        },
        height="content",
    )


def _words(window: SlidingWindow) -> dict[str, str]:
    """What the browser says; the row and the column it puts in by itself."""
    return {
        "about": _(
            "The window on its map. Arrow keys move it; Home and End lead to the first and the"
            " last position."
        ),
        "play": _("Play"),
        "pause": _("Pause"),
        "input": _("Input, {side}×{side}", side=window.side),
        "output": _("Output, {side}×{side}", side=window.output_side),
        "padding": _("Output row {row}, column {column} of {size} reads only padding."),
        "pixels": _(
            "Output row {row}, column {column} of {size} reads input rows {rows}, columns"
            " {columns}."
        ),
        "both": _(
            "Output row {row}, column {column} of {size} reads input rows {rows}, columns"
            " {columns}, and padding."
        ),
    }

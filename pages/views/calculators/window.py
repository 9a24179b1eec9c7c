"""The second calculator: which size a sliding window leaves."""

from __future__ import annotations

from dataclasses import asdict

import pandas as pd
import streamlit as st

from core.explain.calculators import (
    MAX_DILATION,
    MAX_KERNEL,
    MAX_PADDING,
    MAX_SIDE,
    MAX_STRIDE,
    PRESETS,
    SlidingWindow,
    window_rows,
)
from core.language import N_, _
from core.report.figures.sliding_window import window_picture
from core.specs import LabError
from pages.views.app.charts import chart, drawn
from pages.views.app.downloads import download_csv
from pages.views.app.head import Head
from pages.views.app.messages import show_error
from pages.views.app.prose import caption, markdown
from pages.views.app.tables import table
from pages.views.calculators.moving_window import moving_window
from pages.views.calculators.numbers import Number, choose_numbers
from pages.views.calculators.window_sentences import (
    filled_formula,
    pixels,
    window_details,
    window_finding,
    window_title,
)
from pages.views.forms.row import form_row

_WINDOW_NUMBERS = (
    Number(
        "side",
        N_("Input (pixels a side)"),
        "calc_side",
        MAX_SIDE,
        N_("Height and width of the map that comes in."),
    ),
    Number("kernel", N_("Kernel (pixels a side)"), "calc_kernel", MAX_KERNEL, word="kernel"),
    Number("stride", N_("Stride (pixels)"), "calc_stride", MAX_STRIDE, word="stride"),
    Number(
        "padding",
        N_("Padding (pixels at each edge)"),
        "calc_padding",
        MAX_PADDING,
        word="padding",
        least=0,
    ),
    Number("dilation", N_("Dilation (pixels)"), "calc_dilation", MAX_DILATION, word="dilation"),
)


def window_calculator(head: Head) -> None:
    """What a window makes of a map's size."""
    presets = st.container()
    with form_row("window"):
        numbers = choose_numbers(_WINDOW_NUMBERS, PRESETS[0].window)
    with presets:
        _choose_preset(numbers)
    head.title(window_title(**numbers))
    try:
        window = SlidingWindow(**numbers)
    except LabError as error:
        show_error(error)
        _offer_larger_map(numbers)
        return
    markdown(window_finding(window))
    st.latex(filled_formula(window))
    moving_window(window)
    chart(
        drawn(window_picture, window),
        key="calc_window_picture",
        toolbar=False,
    )
    markdown(window_details(window))
    markdown(_("**The usual windows on {side}×{side} pixels**", side=window.side))
    _window_table(window)
    caption(
        _(
            "The formula is that of Dumoulin & Visin 2016, [A guide to convolution"
            " arithmetic](https://arxiv.org/abs/1603.07285), relationship 15."
        )
    )
    download_csv(
        _("Windows as CSV"),
        lambda: pd.DataFrame(window_rows(window)).convert_dtypes(),
        f"windows-{window.side}px-kernel{window.kernel}-stride{window.stride}-padding{window.padding}"
        f"-dilation{window.dilation}.csv",
        "calc_window_csv",
    )


def _choose_preset(numbers: dict[str, int]) -> None:
    """Windows that the reader has met; the one that the numbers describe is marked."""
    st.session_state["calc_preset"] = None
    for preset in PRESETS:
        if asdict(preset.window) == numbers:
            st.session_state["calc_preset"] = preset.name
    st.pills(
        _("Windows to start from"),
        [preset.name for preset in PRESETS],
        format_func=_,
        key="calc_preset",
        on_change=_take_preset,
        help=_("Sets all five numbers, the map's side too."),
    )


def _offer_larger_map(numbers: dict[str, int]) -> None:
    """Sets the smallest map on which the window fits."""
    fitting = SlidingWindow(**numbers | {"side": MAX_SIDE}).smallest_side

    def take() -> None:
        st.session_state["calc_side"] = fitting

    st.button(
        _("Use {size}", size=pixels(fitting)), key="calc_fitting", type="primary", on_click=take
    )


def _take_preset() -> None:
    """After a preset was picked: its numbers, which the address then holds."""
    for preset in PRESETS:
        if preset.name == st.session_state["calc_preset"]:
            for number in _WINDOW_NUMBERS:
                st.session_state[number.key] = getattr(preset.window, number.field)


def _window_table(window: SlidingWindow) -> None:
    """The chosen window and the presets on a map of the same side."""
    titles = {
        "window": N_("window"),
        "output_side": N_("output px"),
        "keeps_size": N_("size kept"),
        "kernel": N_("kernel px"),
        "stride": N_("stride px"),
        "padding": N_("padding px"),
        "dilation": N_("dilation px"),
        "unread": N_("unread px"),
    }
    rows = pd.DataFrame(window_rows(window)).convert_dtypes()
    rows["window"] = [_("chosen"), *(_(preset.name) for preset in PRESETS)]
    rows["keeps_size"] = rows["keeps_size"].map({"yes": _("yes"), "no": _("no")})
    table(
        rows[list(titles)].rename(columns=titles),
        height="content",
        placeholder=_("does not fit"),
        key="calc_window_table",
        column_config={
            "output px": st.column_config.NumberColumn(help=_("Pixels a side of the output.")),
            "unread px": st.column_config.NumberColumn(
                help=_("Pixels of each row that no position of the window reads.")
            ),
        },
    )

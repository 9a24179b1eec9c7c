"""The Compare page's Sweep view: the whole range of a slider on the x axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd
import streamlit as st

from core.analysis.records import Analysis, SweepPoint
from core.analysis.sweep import VARIABLES, has_variable, sweep
from core.language import N_, _, pgettext
from core.report.figures.palette import colors_and_markers
from core.report.figures.sweeps import SweepLine, is_number, sweep_chart, word
from core.report.names import names_file
from core.report.tables.networks import sweep_frame
from core.specs import ModelSpec, OptionValue
from core.zoo.catalogue import find
from pages.views.app.charts import chart
from pages.views.app.downloads import download_csv
from pages.views.app.numbers import numbers
from pages.views.app.prose import caption
from pages.views.app.tables import table
from pages.views.app.with_torch import analysis_of
from pages.views.compare.networks import Compared
from pages.views.forms.names import select_name
from pages.views.forms.row import form_row

_Quantity = Callable[[Analysis, int], float]  # of an analysis and a batch size

_QUANTITIES: dict[str, _Quantity] = {
    N_("parameters"): lambda analysis, batch_size: analysis.totals.params,
    N_("MACs an image"): lambda analysis, batch_size: analysis.totals.macs,
    N_("training memory (bytes)"): lambda analysis, batch_size: analysis.training_bytes(batch_size),
    N_("output of all layers (bytes)"): lambda analysis, batch_size: analysis.totals.output_bytes,
}
_SLIDERS = {  # as the control says it → the field of a spec, the title of the axis
    N_("resize"): ("image_size", N_("pixels a side")),
    N_("ratio"): ("ratio", N_("ratio")),
}
_FIRST_QUANTITY = "MACs an image"

_WHY_LINES_BEND = N_(
    "Convolutions' parameters fall with ratio² and do not depend on the size; their MACs grow"
    " with size². Where a line bends, the linear layers' share is why or, at small sizes,"
    " pixels that no window reaches."
)


def sweep_view(networks: Sequence[Compared], choose_batch_size: Callable[[], int]) -> int:
    """One line a network, and how much of it the linear layers hold; the batch size."""
    with form_row("compare"):
        variable, axis = _choose_variable([network.analysis.spec for network in networks])
        quantity = _choose_quantity()
        batch_size = choose_batch_size()
    if variable == "image_size" and any(
        isinstance(network.analysis.spec.image_size, tuple) for network in networks
    ):
        axis = _("pixels of height, in proportion")
    swept = [
        (network, style, points)
        for network, style in zip(networks, colors_and_markers(len(networks)), strict=True)
        if has_variable(network.analysis.spec, variable)
        and (points := sweep(network.analysis.spec, variable, analysis_of))
    ]
    lines = [
        SweepLine(
            network.name,
            *style,
            [point.value for point in points],
            [_QUANTITIES[quantity](point.analysis, batch_size) for point in points],
        )
        for network, style, points in swept
    ]
    name = names_file(f"sweep-{variable}", [network.analysis.spec for network in networks])
    chart(sweep_chart(lines, axis, _(quantity)), key="cmp_sweep", name=name)
    if variable in VARIABLES:
        caption(_(_WHY_LINES_BEND))
    swept_points = [points for *_line, points in swept]
    numbers("cmp_sweep_numbers", lambda: _numbers(lines, swept_points, axis, quantity))
    download_csv(
        _("Sweep as CSV"),
        lambda: sweep_frame([point for *_line, points in swept for point in points], batch_size),
        f"{name}.csv",
        "cmp_sweep_csv",
    )
    return batch_size


def _numbers(
    lines: Sequence[SweepLine],
    swept: Sequence[Sequence[SweepPoint]],
    axis: str,
    quantity: str,
) -> None:
    """One row a position of the slider."""
    rows = [
        (line.label, _shown(point.value), value, 100 * _share_of_linear_layers(point.analysis))
        for line, points in zip(lines, swept, strict=True)
        for point, value in zip(points, line.y, strict=True)
    ]
    frame = pd.DataFrame(rows, columns=[N_("network"), axis, quantity, N_("in linear layers")])
    table(
        frame,
        height="content",
        key="cmp_sweep_table",
        column_config={
            quantity: st.column_config.NumberColumn(format="localized"),
            "in linear layers": st.column_config.NumberColumn(
                format="%.1f %%", help=_("Share of the parameters, which bends the lines.")
            ),
        },
    )


def _shown(value: OptionValue) -> float | str:
    """A number stays one, so that the column sorts."""
    return value if is_number(value) else word(value)


def _choose_variable(specs: Sequence[ModelSpec]) -> tuple[str, str]:
    """What is swept, and the title of its axis: a slider, or an option that a network has."""
    options = {
        option.name: option.title
        for spec in specs
        for option in find(spec.arch).options
        if has_variable(spec, option.name)
    }
    choices = _SLIDERS | {name: (name, title) for name, title in options.items()}
    chosen = select_name(
        _("Over"),
        {name: name if name in _SLIDERS else title for name, (_field, title) in choices.items()},
        "resize",
        "cmp_over",
        help=_("The slider whose whole range is drawn, or an option that one of the networks has."),
    )
    field, title = choices[chosen]
    return field, _(title)


def _choose_quantity() -> str:
    """A key of QUANTITIES."""
    return select_name(
        pgettext("of a chart", "Quantity"),
        {quantity: quantity for quantity in _QUANTITIES},
        _FIRST_QUANTITY,
        "cmp_quantity",
        help=_("What is drawn."),
    )


def _share_of_linear_layers(analysis: Analysis) -> float:
    """Of the parameters."""
    linear = sum(layer.params for layer in analysis.layers if layer.kind == "linear")
    return linear / max(1, analysis.totals.params)

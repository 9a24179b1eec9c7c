"""The Compare page's Sweep view: the whole range of a slider on the x axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from core.analysis.records import Analysis, SweepPoint
from core.analysis.sweep import VARIABLES, has_variable, sweep
from core.report.figures.palette import colors_and_markers
from core.report.figures.sweeps import SweepLine, sweep_chart, word
from core.report.names import names_file
from core.report.tables.networks import sweep_frame
from core.specs import ModelSpec
from core.zoo.catalogue import find
from pages.views.app.charts import chart
from pages.views.app.downloads import download_csv
from pages.views.app.prose import caption
from pages.views.app.with_torch import analysis_of
from pages.views.compare.networks import Compared
from pages.views.forms.names import select_name

_Quantity = Callable[[Analysis, int], float]  # of an analysis and a batch size

_QUANTITIES: dict[str, _Quantity] = {
    "parameters": lambda analysis, batch_size: analysis.totals.params,
    "MACs an image": lambda analysis, batch_size: analysis.totals.macs,
    "training memory (bytes)": lambda analysis, batch_size: analysis.training_bytes(batch_size),
    "output of all layers (bytes)": lambda analysis, batch_size: analysis.totals.output_bytes,
}
_SLIDERS = {  # as the control says it → the field of a spec, the title of the axis
    "resize": ("image_size", "pixels a side"),
    "ratio": ("ratio", "ratio"),
}


_WHY_LINES_BEND = (
    "Convolutions' parameters fall with ratio² and do not depend on the size; their MACs grow"
    " with size². Where a line bends, the linear layers' share is why or, at small sizes,"
    " pixels that no window reaches."
)


def sweep_view(networks: Sequence[Compared], batch_size: int) -> None:
    """One line a network, and how much of it the linear layers hold."""
    variable, axis = _choose_variable([analysis.spec for _, analysis in networks])
    if any(isinstance(analysis.spec.image_size, tuple) for _, analysis in networks):
        axis = axis.replace("a side", "of height, in proportion")
    quantity = _choose_quantity()
    swept = [
        (name, sweep(analysis.spec, variable, analysis_of))
        for name, analysis in networks
        if has_variable(analysis.spec, variable)
    ]
    lines = [
        SweepLine(
            name,
            *style,
            [point.value for point in points],
            [_QUANTITIES[quantity](point.analysis, batch_size) for point in points],
        )
        for (name, points), style in zip(swept, colors_and_markers(len(swept)), strict=True)
    ]
    name = names_file(f"sweep-{variable}", [analysis.spec for _, analysis in networks])
    chart(sweep_chart(lines, axis, quantity), key="cmp_sweep", name=name)
    for name, points in swept:
        if points:
            caption(f"{name}: {_share_of_linear_layers(points)}")
    if variable in VARIABLES:
        caption(_WHY_LINES_BEND)
    download_csv(
        "Sweep as CSV",
        lambda: sweep_frame([point for _, points in swept for point in points], batch_size),
        f"{name}.csv",
        "cmp_sweep_csv",
    )


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
        "Over",
        {name: name if name in _SLIDERS else title for name, (_, title) in choices.items()},
        "resize",
        "cmp_over",
        help="The slider whose whole range is drawn, or an option that one of the networks has.",
    )
    return choices[chosen]


def _choose_quantity() -> str:
    """A key of QUANTITIES."""
    quantity = st.segmented_control(
        "Quantity",
        list(_QUANTITIES),
        default="MACs an image",
        key="cmp_quantity",
        bind="query-params",
        required=True,
        help="What is drawn.",
    )
    return str(quantity)


def _share_of_linear_layers(points: Sequence[SweepPoint]) -> str:
    """The linear layers' share of the parameters at both ends, which bends the lines."""
    shares = []
    for point in (points[0], points[-1]):
        linear = sum(layer.params for layer in point.analysis.layers if layer.kind == "linear")
        share = 100 * linear / max(1, point.analysis.totals.params)
        shares.append(f"{share:.1f} % at {word(point.value)}")
    return f"linear layers hold {shares[0]} and {shares[1]} of the parameters."

"""The Compare page's Sweep view: the whole range of a slider on the x axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from core.analysis.records import Analysis, SweepPoint
from core.analysis.sweep import sweep
from core.report.figures.palette import colors_and_markers
from core.report.figures.sweeps import SweepLine, sweep_chart
from core.report.tables.networks import sweep_frame
from pages.views.app.charts import chart
from pages.views.app.downloads import download_csv
from pages.views.app.with_torch import analysis_of
from pages.views.compare.networks import Compared

_Quantity = Callable[[Analysis, int], float]  # of an analysis and a batch size

_QUANTITIES: dict[str, _Quantity] = {
    "parameters": lambda analysis, batch_size: analysis.totals.params,
    "MACs an image": lambda analysis, batch_size: analysis.totals.macs,
    "training memory (bytes)": lambda analysis, batch_size: analysis.training_bytes(batch_size),
    "output of all layers (bytes)": lambda analysis, batch_size: analysis.totals.output_bytes,
}
_VARIABLES = {  # as the control says it → the field of a spec, the title of the axis
    "resize": ("image_size", "pixels a side"),
    "ratio": ("ratio", "ratio"),
}


def sweep_view(networks: Sequence[Compared], batch_size: int) -> None:
    """One line a network, and how much of it the linear layers hold."""
    variable, axis = _VARIABLES[_choose_variable()]
    if any(isinstance(analysis.spec.image_size, tuple) for _, analysis in networks):
        axis = axis.replace("a side", "of height, in proportion")
    quantity = _choose_quantity()
    swept = [(name, sweep(analysis.spec, variable, analysis_of)) for name, analysis in networks]
    lines = [
        SweepLine(
            name,
            *style,
            [point.value for point in points],
            [_QUANTITIES[quantity](point.analysis, batch_size) for point in points],
        )
        for (name, points), style in zip(swept, colors_and_markers(len(swept)), strict=True)
    ]
    chart(sweep_chart(lines, axis, quantity), key="cmp_sweep")
    for name, points in swept:
        if points:
            st.caption(f"{name}: {_share_of_linear_layers(points)}")
    st.caption(
        "Convolutions' parameters fall with ratio² and do not depend on the size; their MACs grow"
        " with size². Where a line bends, the linear layers' share is why or, at small sizes,"
        " pixels that no window reaches."
    )
    download_csv(
        "Sweep as CSV",
        lambda: sweep_frame([point for _, points in swept for point in points], batch_size),
        f"sweep-{variable}.csv",
        "cmp_sweep_csv",
    )


def _choose_variable() -> str:
    """A key of VARIABLES."""
    variable = st.segmented_control(
        "Over",
        list(_VARIABLES),
        default="resize",
        key="cmp_over",
        bind="query-params",
        required=True,
        help="The slider whose whole range is drawn.",
    )
    return str(variable)


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
        shares.append(f"{share:.1f} % at {point.value}")
    return f"linear layers hold {shares[0]} and {shares[1]} of the parameters."

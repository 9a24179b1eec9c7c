"""The Architecture page's Layers view: a table with a row a layer, and the totals under it."""

from __future__ import annotations

from core.analysis.records import Analysis
from core.language import _
from core.report import formats
from pages.views.app.prose import caption
from pages.views.architecture.display import Display
from pages.views.architecture.framework_rows import framework_rows_view
from pages.views.architecture.layer_table import layer_table


def layers_view(analysis: Analysis, display: Display, block: str | None) -> None:
    """The rows that the reader picked, the layers of the chosen block below its own."""
    if display.in_frameworks:
        framework_rows_view(analysis)
        return
    layers = analysis.rows(display.level)
    layer_table(layers, analysis, display, block)
    totals = analysis.totals
    work = f"{totals.flops:,} FLOPs" if display.as_flops else f"{totals.macs:,} MACs"
    caption(
        _(
            "{rows} rows. The whole network: {parameters:,} parameters, {work},"
            " {elementwise:,} element-wise operations and {outputs} of outputs an image, of which"
            " {saved} are kept for the backward pass.",
            rows=len(layers),
            parameters=totals.params,
            work=work,
            elementwise=totals.elementwise_ops,
            outputs=formats.mebibytes(totals.output_bytes),
            saved=formats.mebibytes(totals.saved_bytes),
        )
    )

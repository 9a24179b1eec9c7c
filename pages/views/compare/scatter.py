"""The Compare page's view of MACs against parameters."""

from __future__ import annotations

from collections.abc import Sequence

from core.report.figures.comparison import cost_scatter
from core.report.figures.palette import colors_and_markers
from core.report.names import names_file
from pages.views.app.charts import chart
from pages.views.app.prose import caption
from pages.views.compare.networks import Compared


def scatter_view(networks: Sequence[Compared], batch_size: int) -> None:
    """One bubble a network, as large as its training memory."""
    bubbles = [
        (name, *style, analysis, analysis.training_bytes(batch_size))
        for (name, analysis), style in zip(networks, colors_and_markers(len(networks)), strict=True)
    ]
    name = names_file("costs", [network.analysis.spec for network in networks])
    chart(cost_scatter(bubbles), key="cmp_scatter", name=name)
    caption("Dashed: the Pareto front of MACs and parameters; bubbles: training memory.")

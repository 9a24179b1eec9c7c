"""The Compare page's view of MACs against parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from core.language import _
from core.report.figures.comparison import CostPoint, cost_scatter
from core.report.figures.palette import colors_and_markers
from core.report.names import names_file
from pages.views.app.charts import chart, drawn
from pages.views.app.prose import caption
from pages.views.compare.networks import Compared
from pages.views.forms.row import form_row


def scatter_view(networks: Sequence[Compared], choose_batch_size: Callable[[], int]) -> int:
    """One mark a network, as large as its training memory; the batch size that it is of."""
    with form_row("compare"):
        batch_size = choose_batch_size()
    points = tuple(
        CostPoint(
            name,
            color,
            analysis.totals.params,
            analysis.totals.macs,
            analysis.training_bytes(batch_size),
        )
        for (name, analysis), (color, _mark) in zip(
            networks, colors_and_markers(len(networks)), strict=True
        )
    )
    name = names_file("costs", [network.analysis.spec for network in networks])
    chart(drawn(cost_scatter, points), key="cmp_scatter", name=name)
    caption(_("Dashed: the Pareto front of MACs and parameters; size of a mark: training memory."))
    return batch_size

"""The Compare page's view of MACs against parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

from core.language import _, language
from core.report.figures.comparison import CostPoint, cost_scatter
from core.report.figures.palette import colors_and_markers
from core.report.names import names_file
from pages.views.app.charts import Drawing, chart
from pages.views.app.prose import caption
from pages.views.compare.networks import Compared
from pages.views.forms.row import form_row


def scatter_view(networks: Sequence[Compared], choose_batch_size: Callable[[], int]) -> int:
    """One mark a network, as large as its training memory; the batch size that it is of."""
    with form_row("compare"):
        batch_size = choose_batch_size()
    points = [
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
    ]
    wide, narrow = _drawings(tuple(points), language())
    name = names_file("costs", [network.analysis.spec for network in networks])
    chart(wide, key="cmp_scatter", name=name, narrow=narrow)
    caption(_("Dashed: the Pareto front of MACs and parameters; size of a mark: training memory."))
    return batch_size


@lru_cache(maxsize=64)  # some 10 KiB each: most look at the same networks
def _drawings(points: tuple[CostPoint, ...], spoken: str) -> tuple[Drawing, Drawing]:
    """For wide and narrow pages in this language."""
    both = cost_scatter(points)
    return Drawing.of(both.wide), Drawing.of(both.narrow)

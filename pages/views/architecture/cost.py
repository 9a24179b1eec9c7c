"""The Architecture page's Cost view: where the parameters sit and where the work is."""

from __future__ import annotations

from core.analysis.records import Analysis
from core.report.figures.costs import cost_bars
from core.report.names import file_name, network_title
from core.report.sentences.equal_cost import equal_cost_sentence
from pages.views.app.asked import decisive
from pages.views.app.charts import chart
from pages.views.app.messages import escaped
from pages.views.app.prose import markdown
from pages.views.architecture.display import Display


def cost_view(analysis: Analysis, display: Display) -> None:
    """Each row's share of the parameters beside its share of the work; what costs the same."""
    rows = analysis.rows(display.level)
    marked = decisive(analysis, [row.path for row in rows])
    chart(
        cost_bars(rows, display.as_flops, marked),
        "net_cost_chart",
        about=network_title(analysis.spec),
        name=f"{file_name(analysis.spec)}-cost",
    )
    if sentence := equal_cost_sentence(analysis.layers, display.as_flops):
        markdown(escaped(sentence))

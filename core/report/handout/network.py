"""The handout of one network, taken apart."""

from __future__ import annotations

from core.analysis.glance import glance_at
from core.analysis.records import Analysis
from core.language import N_, _
from core.report import formats, glance
from core.report.cost_rows import cost_rows, saving_rows
from core.report.figures.costs import cost_bars
from core.report.figures.memory import memory_bars, saved_bars
from core.report.handout.document import Chart, Document, Part, Picture, Section, Table, Text
from core.report.handout.settings import network_settings
from core.report.names import file_name, network_title
from core.report.picture.fold import fold, readable
from core.report.picture.outline import outline
from core.report.picture.svg import svg
from core.report.sentences.cost_rows import left_out_sentence
from core.report.sentences.equal_cost import equal_cost_sentence
from core.report.tables.layers import layer_frame
from core.report.tables.networks import comparison_frame, memory_frame
from core.specs import LabError

_TOTALS = {
    "params": N_("Parameters"),
    "macs": N_("MACs an image"),
    "memory": N_("Memory, a step"),
    "field": N_("Receptive field"),
    "depth": N_("Depth"),
}
_LAYER_COLUMNS = (N_("layer"), N_("operation"), N_("output_shape"), N_("params"), N_("macs"),
                  N_("receptive_field"))  # fmt: skip


def network_document(
    analysis: Analysis, batch_size: int, threads: int, level: str = "block", address: str = ""
) -> Document:
    """Totals, costs by row, memory of a training step, the graph, and every layer as a table.

    `level`: block, weight layer or module, as `Analysis.rows` takes it; `threads`: of this machine.
    """
    spec = analysis.spec
    name = file_name(spec)
    totals = glance.totals(glance_at(analysis, batch_size))
    rows = analysis.rows(level)
    costs: list[Part] = [Chart(cost_bars(cost_rows(rows)), f"{name}-cost")]
    if sentence := left_out_sentence(rows, cost_rows(rows)):
        costs.append(Text(sentence))
    if sentence := equal_cost_sentence(analysis.layers):
        costs.append(Text(sentence))
    costs += [
        Table(
            _("Rows of the charts"), layer_frame(analysis, level), f"{name}-rows", _LAYER_COLUMNS
        ),
        Table(_("Every layer"), layer_frame(analysis), f"{name}-layers", _LAYER_COLUMNS),
        Table(_("Totals"), comparison_frame([analysis], batch_size, {}), f"{name}-totals"),
    ]
    memory = analysis.training_memory(batch_size)
    inference = analysis.inference_bytes(batch_size)
    notes = [Text(str(note)) for note in analysis.warnings]
    return Document(
        kind=_("Network"),
        title=network_title(spec),
        name=name,
        settings=[*network_settings(spec), (_("Batch"), str(batch_size))],
        totals=[(_(title), totals[key]) for key, title in _TOTALS.items()],
        sections=[
            Section(_("Where parameters and work are"), costs),
            Section(
                _("Memory of a training step"),
                [
                    Chart(memory_bars(memory, inference), f"{name}-memory"),
                    Chart(saved_bars(saving_rows(rows), batch_size), f"{name}-saved"),
                    Table(
                        _(
                            "Parts, in bytes; the peak is {memory}",
                            memory=formats.mebibytes(memory.total),
                        ),
                        memory_frame(analysis, batch_size, True, threads),
                        f"{name}-memory",
                    ),
                ],
            ),
            Section(_("The graph"), _graph(analysis)),
            Section(_("Notes"), notes),
        ],
        address=address,
    )


def _graph(analysis: Analysis) -> list[Part]:
    """As far unfolded as can be read; none for a network that is too large to draw."""
    outlined = outline(analysis.layers)
    try:
        graph = fold(outlined, readable(outlined))
    except LabError:
        return []
    about = _(
        "The graph of {network}, from the image down to the classes",
        network=network_title(analysis.spec),
    )
    return [Picture(about, svg=svg(graph, about))]

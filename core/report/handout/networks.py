"""The handout of several networks side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.analysis.records import Analysis
from core.language import N_, _
from core.report.figures.comparison import CostPoint, cost_scatter
from core.report.figures.palette import colors_and_markers
from core.report.figures.stages import stage_bars
from core.report.handout.document import Chart, Document, Section, Table
from core.report.names import names_file
from core.report.tables.networks import comparison_frame
from core.specs import ModelSpec
from core.studies.conditions import Condition
from core.zoo.catalogue import find

_COLUMNS = (N_("network"), N_("ratio"), N_("image_size"), N_("params"), N_("macs"),
            N_("training_bytes"), N_("depth"), N_("best_accuracy"))  # fmt: skip

_STAGES = (  # field of a layer, what it is, its unit
    ("macs", N_("MACs an image"), "MACs"),
    ("params", N_("Parameters"), ""),
)


def networks_document(
    networks: Sequence[tuple[str, Analysis]],
    batch_size: int,
    accuracies: Mapping[ModelSpec, tuple[float, Condition]],
    title: str,
    address: str = "",
) -> Document:
    """Totals and what runs have reached, MACs against parameters, costs by stage.

    `networks`: each with a name that tells it from the others.
    """
    analyses = [analysis for __, analysis in networks]
    specs = [analysis.spec for analysis in analyses]
    name = names_file("comparison", specs)
    colors = [color for color, __ in colors_and_markers(len(networks))]
    points = [
        CostPoint(
            label,
            color,
            analysis.totals.params,
            analysis.totals.macs,
            analysis.training_bytes(batch_size),
        )
        for (label, analysis), color in zip(networks, colors, strict=True)
    ]
    frame = comparison_frame(analyses, batch_size, accuracies)
    shown = tuple(column for column in _COLUMNS if column in frame)
    return Document(
        kind=_("Comparison"),
        title=title,
        name=name,
        settings=[
            *((label, _(find(analysis.spec.arch).source)) for label, analysis in networks),
            (_("Batch"), str(batch_size)),
        ],
        sections=[
            Section(_("Totals"), [Table(_("Totals and best accuracies"), frame, name, shown)]),
            Section(
                _("MACs against parameters"),
                [Chart(cost_scatter(points), f"{name}-costs")],
            ),
            Section(
                _("Stage by stage"),
                [
                    Chart(stage_bars(networks, field, _(quantity), unit), f"{name}-{field}")
                    for field, quantity, unit in _STAGES
                ],
            ),
        ],
        address=address,
    )

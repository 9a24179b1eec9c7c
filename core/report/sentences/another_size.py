"""What images of another size change, and the accuracies that were measured at two, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from core.analysis.records import Analysis
from core.explain.another_size import SizeChange, size_change
from core.language import _, listed, paragraph, semicolon
from core.report import formats
from core.specs import ModelSpec
from core.zoo.catalogue import complete, find

if TYPE_CHECKING:
    from core.studies.reproduction import Reproduction


def another_size_sentence(before: Analysis, after: Analysis) -> str:
    """What changes from the size of `before` to that of `after`, and why accuracy may."""
    change = size_change(before, after)
    parts = [*_map_parts(change), _parameter_part(change), _macs_part(change)]
    changes = _(
        "{after} pixels instead of {before}: {changes}.",
        after=after.spec.size_label,
        before=before.spec.size_label,
        changes=semicolon().join(parts),
    )
    return paragraph(changes, _why(change))


def _map_parts(change: SizeChange) -> list[str]:
    """The last map, and what the last units see of the image."""
    before, after = change.before, change.after
    parts = []
    if change.map_of:
        had, has = (formats.sides(size.map_sides) for size in (before, after))
        parts.append(
            _("the map of {layer} keeps its {cells} cells", layer=change.map_of, cells=had)
            if had == has
            else _(
                "the map of {layer} has {after} cells instead of {before}",
                layer=change.map_of,
                after=has,
                before=had,
            )
        )
    if before.seen is not None and after.seen is not None and after.seen != before.seen:
        parts.append(
            _(
                "a last unit sees {after} the image's side instead of {before} it",
                after=_of_side(after.seen),
                before=_of_side(before.seen),
            )
        )
    return parts


def _of_side(seen: float) -> str:
    """`67 % of`, `1.6 ×`."""
    if seen > 1:
        return _("{factor:.1f} ×", factor=seen)
    return _("{percent} of", percent=formats.whole_percent(seen))


def _parameter_part(change: SizeChange) -> str:
    if not change.params_of:
        return _("no parameter depends on the size")
    return _(
        "{layer} has {after} parameters instead of {before}",
        layer=change.params_of,
        after=formats.short(change.after.layer_params),
        before=formats.short(change.before.layer_params),
    )


def _macs_part(change: SizeChange) -> str:
    return _(
        "{after} instead of {before}",
        after=formats.short(change.after.macs, "MACs"),
        before=formats.short(change.before.macs),
    )


def _why(change: SizeChange) -> str:
    """Why accuracy may fall, where fewer cells are left; what larger images give instead."""
    before, after = change.before, change.after
    if after.cells < before.cells:
        return _(
            "Fewer places are left to tell apart, in images of less detail: accuracy may fall."
        )
    if after.cells > before.cells and after.seen is not None:
        return _("There are more places to tell apart, each from a smaller share of the image.")
    return ""


# Measured -------------------------------------------------------------------------------------


def measured_at_sizes(rows: Sequence[Reproduction], model: ModelSpec) -> list[Reproduction]:
    """The rows of this very network at several sizes, else equal: data, recipe and epochs.

    Empty where there are none at two sizes.
    """
    same = [row for row in rows if row.final and _is_at_another_size(row.model, model)]
    for row in same:
        equal = [
            other
            for other in same
            if (other.dataset, other.recipe, other.epochs) == (row.dataset, row.recipe, row.epochs)
        ]
        if len({other.model.sides for other in equal}) > 1:
            return equal
    return []


def _is_at_another_size(model: ModelSpec, other: ModelSpec) -> bool:
    """Whether both are one network, the size of its images aside."""
    if model.arch != other.arch:
        return False
    return complete(replace(model, image_size=other.image_size)) == complete(other)


def measured_sentence(rows: Sequence[Reproduction]) -> str:
    """The accuracies of `measured_at_sizes`, each with machine and precision."""
    model = rows[0].model
    seeds = {tuple(run.seed for run in row.runs) for row in rows}
    values = {
        "network": _(find(model.arch).title),
        "ratio": model.ratio,
        "accuracies": listed([_accuracy_at(row) for row in rows]),
        "epochs": rows[0].epochs,
        "dataset": rows[0].dataset,
        "equal": _("recipe and seeds") if len(seeds) == 1 else _("recipe"),
    }
    if len({(row.machines, row.uses_bfloat16) for row in rows}) == 1:
        return _(
            "{network} at ratio {ratio} reaches {accuracies}, after {epochs} epochs of {dataset}"
            " each with equal {equal}.",
            **values,
        )
    return _(
        "{network} at ratio {ratio} reaches {accuracies}, after {epochs} epochs of {dataset} each"
        " with equal {equal}; the machines differ too, so not all of it need be due to size.",
        **values,
    )


def _accuracy_at(row: Reproduction) -> str:
    """`86.82 ± 0.18 % at 64 pixels (3 seeds, machine, float32)`."""
    assert row.final is not None
    half = None if row.final.high is None else row.final.high - row.final.mean
    machines = formats.machine(row.machines)
    if not row.uses_bfloat16:  # which stands in the machine's text
        machines = _("{machines}, float32", machines=machines)
    return _(
        "{accuracy} at {size} pixels ({seeds} seeds, {machines})",
        accuracy=formats.percent_within(row.final.mean, half),
        size=row.model.size_label,
        seeds=row.final.count,
        machines=machines,
    )

"""What images of another size change, and the accuracies that were measured at two, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from core.analysis.records import Analysis
from core.explain.another_size import SizeChange, size_change
from core.report import formats
from core.specs import ModelSpec
from core.zoo.catalogue import complete, find

if TYPE_CHECKING:
    from core.studies.reproduction import Reproduction


def another_size_sentence(before: Analysis, after: Analysis) -> str:
    """What changes from the size of `before` to that of `after`, and why accuracy may."""
    change = size_change(before, after)
    parts = [*_map_parts(change), _parameter_part(change), _macs_part(change)]
    sizes = f"{after.spec.size_label} pixels instead of {before.spec.size_label}"
    return f"{sizes}: {'; '.join(parts)}.{_why(change)}"


def _map_parts(change: SizeChange) -> list[str]:
    """The last map, and what the last units see of the image."""
    before, after = change.before, change.after
    parts = []
    if change.map_of:
        sides = [formats.sides(size.map_sides) for size in (before, after)]
        cells = f"{sides[1]} cells instead of {sides[0]}"
        has = f"keeps its {sides[0]} cells" if sides[0] == sides[1] else f"has {cells}"
        parts.append(f"the map of {change.map_of} {has}")
    if before.seen is not None and after.seen is not None and after.seen != before.seen:
        sees = [_of_side(seen) for seen in (after.seen, before.seen)]
        parts.append(f"a last unit sees {sees[0]} the image's side instead of {sees[1]} it")
    return parts


def _of_side(seen: float) -> str:
    """`67 % of`, `1.6 ×`."""
    return f"{seen:.1f} ×" if seen > 1 else f"{formats.whole_percent(seen)} of"


def _parameter_part(change: SizeChange) -> str:
    if not change.params_of:
        return "no parameter depends on the size"
    before, after = (formats.short(size.layer_params) for size in (change.before, change.after))
    return f"{change.params_of} has {after} parameters instead of {before}"


def _macs_part(change: SizeChange) -> str:
    after, before = change.after.macs, change.before.macs
    return f"{formats.short(after, 'MACs')} instead of {formats.short(before)}"


def _why(change: SizeChange) -> str:
    """Why accuracy may fall, where fewer cells are left; what larger images give instead."""
    before, after = change.before, change.after
    if after.cells < before.cells:
        return " Fewer places are left to tell apart, in images of less detail: accuracy may fall."
    if after.cells > before.cells and after.seen is not None:
        return " There are more places to tell apart, each from a smaller share of the image."
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
    texts = " and ".join(map(_accuracy_at, rows))
    seeds = {tuple(run.seed for run in row.runs) for row in rows}
    equal = "recipe and seeds" if len(seeds) == 1 else "recipe"
    text = (
        f"{find(model.arch).title} at ratio {model.ratio} reaches {texts}, after"
        f" {rows[0].epochs} epochs of {rows[0].dataset} each with equal {equal}"
    )
    if len({(row.machines, row.uses_bfloat16) for row in rows}) > 1:
        text += "; the machines differ too, so not all of it need be due to size"
    return f"{text}."


def _accuracy_at(row: Reproduction) -> str:
    """`86.82 ± 0.18 % at 64 pixels (3 seeds, machine, float32)`."""
    assert row.final is not None
    half = None if row.final.high is None else row.final.high - row.final.mean
    precision = "" if row.uses_bfloat16 else ", float32"  # bfloat16 stands in the machine's text
    return (
        f"{formats.percent_within(row.final.mean, half)} at {row.model.size_label} pixels"
        f" ({row.final.count} seeds, {row.machines}{precision})"
    )

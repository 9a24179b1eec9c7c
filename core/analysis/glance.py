"""What one setting of a network looks like at a glance, for every setting of a slider.

A glance is a few hundred numbers where an analysis has tens of thousands, so a page can hold those
of a slider's whole range and answer while it is dragged. Imports no torch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from hashlib import sha256

from core.analysis import analyze, cpu
from core.analysis.kept import keep, kept
from core.analysis.records import Analysis, Shape, Sides
from core.analysis.sweep import VARIABLES, at_value
from core.specs import LabError, ModelSpec, check_choice

Glances = Mapping[int, "Glance | None"]  # by the slider's value; None: it cannot be built so


@dataclass(frozen=True)
class Stage:
    """A block of the network."""

    name: str
    kind: str  # one of core.analysis.KINDS
    output_shape: Shape  # (1, C, H, W)
    params: int
    macs: int  # multiply-adds an image
    output_bytes: int  # bytes an image


@dataclass(frozen=True)
class Glance:
    """The stages of a network and its totals."""

    image_shape: Shape  # (1, C, H, W)
    stages: tuple[Stage, ...]
    params: int
    macs: int  # multiply-adds an image
    training_bytes: int  # of a step with so many images as was asked for, on this machine
    receptive_field: Sides | None  # pixels; None after attention
    depth: int  # weight layers on the longest path


def glance_at(analysis: Analysis, batch_size: int) -> Glance:
    """The glance at what was analyzed; memory is that of a step with `batch_size` images."""
    totals = analysis.totals
    return Glance(
        analysis.layers[0].input_shape,
        tuple(
            Stage(
                block.path,
                block.kind,
                block.output_shape,
                block.params,
                block.macs,
                block.output_bytes,
            )
            for block in analysis.rows("block")
        ),
        totals.params,
        totals.macs,
        analysis.training_bytes(batch_size),
        totals.receptive_field,
        totals.depth,
    )


def with_value(spec: ModelSpec, variable: str, value: int) -> ModelSpec:
    """The spec at this value of the slider. Raises LabError for another variable or a value."""
    check_choice("variable", variable, tuple(VARIABLES))
    return at_value(spec, variable, value)


def glance(spec: ModelSpec, batch_size: int) -> Glance | None:
    """The glance at `spec`, traced; None where it cannot be built. Needs torch."""
    try:
        return glance_at(analyze(spec), batch_size)
    except LabError:
        return None


def kept_glances(spec: ModelSpec, variable: str, batch_size: int) -> dict[int, Glance | None]:
    """Those that are kept on disk; none where there are none."""
    text = kept(_name(spec, variable, batch_size))
    try:
        rows = json.loads(text or b"{}")
        return {int(value): row and _from_row(row) for value, row in rows.items()}
    except (ValueError, TypeError):  # damaged
        return {}


def keep_glances(spec: ModelSpec, variable: str, batch_size: int, glances: Glances) -> None:
    """Keep them on disk until the code of analyses changes."""
    rows = {value: seen and astuple(seen) for value, seen in glances.items()}
    keep(_name(spec, variable, batch_size), json.dumps(rows, separators=(",", ":")).encode())


def _from_row(row: list[object]) -> Glance:
    """JSON has lists where the records have tuples."""
    image_shape, stages, *totals = row
    return Glance(
        tuple(image_shape),  # type: ignore[arg-type]
        tuple(Stage(name, kind, tuple(shape), *costs) for name, kind, shape, *costs in stages),  # type: ignore[attr-defined]
        *totals,  # type: ignore[arg-type]
    )


def _name(spec: ModelSpec, variable: str, batch_size: int) -> str:
    """Of the file: memory also depends on the processor."""
    machine = (cpu.threads(), cpu.has_avx512())
    essence = (with_value(spec, variable, 1).to_json(), variable, batch_size, machine)
    return f"{sha256(repr(essence).encode()).hexdigest()[:32]}.glances.gz"

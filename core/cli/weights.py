"""python -m core analyze --weights FILE: what a file holds, without its network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli.writing import cell, write_csv, write_json, write_table
from core.weights_file import StoredTensor, by_block, by_module, read_tensors, whole

if TYPE_CHECKING:
    from pandas import DataFrame

_SUMS = {"block": by_block, "weight-layer": by_module}  # by the level that a row is asked for


def write_weights(path: Path, level: str, output: str) -> int:
    """The file's tensors, or sums of them, and its totals.

    Raises LabError for a damaged file and for one that may hold code.
    """
    tensors = read_tensors(path)
    if output == "json":
        write_json(_weights_json(path, tensors))
    elif output == "csv":
        write_csv(_frame(tensors, level))
    else:
        write_table(_frame(tensors, level))
        print()
        for name, value in _totals_json(tensors).items():
            print(f"{name:<16} {cell(name, value):>16}")
    return 0


def _frame(tensors: Sequence[StoredTensor], level: str) -> DataFrame:
    """The rows of this level."""
    from core.report.tables.weights import module_frame, tensor_frame

    return module_frame(_SUMS[level](tensors)) if level in _SUMS else tensor_frame(tensors)


def _weights_json(path: Path, tensors: Sequence[StoredTensor]) -> dict[str, Any]:
    """Every level as plain values."""
    return {
        "file": str(path),
        "totals": _totals_json(tensors),
        "blocks": [asdict(block) for block in by_block(tensors)],
        "modules": [asdict(module) for module in by_module(tensors)],
        "tensors": [
            asdict(tensor) | {"numbers": tensor.numbers, "bytes": tensor.bytes}
            for tensor in tensors
        ],
    }


def _totals_json(tensors: Sequence[StoredTensor]) -> dict[str, int]:
    """Of the whole file."""
    total = whole(tensors)
    return {"tensors": total.tensors, "numbers": total.numbers, "bytes": total.bytes}

"""Which rows of an analysis were computed from which. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from core.analysis.records import IMAGE, Analysis, LayerCost, Shape


class RowGraph:
    """The rows of an analysis, and which of them a row has been computed from."""

    def __init__(self, analysis: Analysis) -> None:
        self.rows: Mapping[str, LayerCost] = {row.path: row for row in analysis.layers}
        self.image: Shape = (1, *analysis.input_shape)
        self.before: dict[str, int] = {IMAGE: 0}  # path → a bit for each row that it needs
        self.readers: dict[str, list[str]] = {}
        for bit, row in enumerate(analysis.layers):
            needed = 1 << bit
            for path in row.inputs:
                needed |= self.before.get(path, 0)
                self.readers.setdefault(path, []).append(row.path)
            self.before[row.path] = needed

    @cached_property
    def bits(self) -> dict[str, int]:
        return {path: 1 << bit for bit, path in enumerate(self.rows)}

    def needs(self, path: str, other: str) -> bool:
        """Whether a row was computed from the other one."""
        return bool(self.before[path] & self.bits[other])

    def shape(self, path: str) -> Shape:
        return self.image if path == IMAGE else self.rows[path].output_shape

    def depth(self, path: str) -> int:
        return 0 if path == IMAGE else self.rows[path].depth

    def inside(self, module: str) -> list[LayerCost]:
        return [row for row in self.rows.values() if row.path.startswith(f"{module}.")]

    def ends(self, module: str) -> tuple[set[str], set[str]]:
        """What a module reads from outside, and which of its rows others read."""
        rows = self.inside(module)
        own = {row.path for row in rows}
        read = {path for row in rows for path in row.inputs} - own
        last = list(self.rows)[-1]
        given = {path for path in own if path == last or set(self.readers.get(path, ())) - own}
        return read, given

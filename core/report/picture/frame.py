"""What one frame of the picture is while it is laid out: rows of slots, links between them.

All words are those of a standing picture; a lying one is turned when all is done.

A frame is an open block with what is directly inside, or the whole picture. Imports no torch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

Key = tuple[str, str, int]  # box, frame, entry, exit or lane; path of it or of the source; its row
Line = tuple[str, Key, Key]  # inside one frame: source of the tensor, from, to

COLUMN_GAP, LANE_GAP = 18.0, 12.0  # between boxes, beside a line, in pixels
WEAK = 1e-5  # how much shortcuts and dead ends pull at what they join; other lines pull with 1
SWEEPS = 6  # down and up, for the order and for the alignment


@dataclass
class Slot:
    """One position in a row: a box, a frame, a port of the frame around, or a line passing by."""

    key: Key
    left: float = 0.0  # pixels that it needs on both sides of its anchor
    right: float = 0.0
    height: float = 0.0
    inset: float = 0.0  # how far inside its height the lines begin and end
    entries: dict[str, float] = field(default_factory=dict)  # source → x beside the anchor
    exits: dict[str, float] = field(default_factory=dict)
    firmness: float = 1.0  # how much it counts where two want the same x
    x: float = 0.0  # of its anchor

    @property
    def kind(self) -> str:
        """box, frame, entry, exit or lane: a line that passes a row."""
        return self.key[0]


class Link(NamedTuple):
    """A piece of a line, from one row to the next."""

    upper: Slot
    lower: Slot
    source: str  # of the tensor
    pull: float  # how much it draws what it joins towards one x

    @property
    def shift(self) -> float:
        """How far right of the upper anchor the lower one stands where the line is straight."""
        return self.upper.exits.get(self.source, 0.0) - self.lower.entries.get(self.source, 0.0)


@dataclass
class Frame:
    """One frame and what is directly inside, in pixels."""

    rows: list[list[Slot]]  # from top to bottom, each from left to right
    links: list[list[Link]]  # by the row of their upper end
    lines: list[Line]
    tops: list[float] = field(default_factory=list)  # of the rows
    heights: list[float] = field(default_factory=list)
    left: float = 0.0
    width: float = 0.0
    height: float = 0.0

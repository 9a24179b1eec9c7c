"""Where names stand beside the marks of a scatter, so that none can be read as another's.

A figure is as wide as the page, which nobody knows when it is drawn. So a name is put only where it
meets no mark, no other name and no edge at any of several widths. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape
from itertools import pairwise
from math import cos, hypot, pi, sin
from typing import Any

from core.report.figures.palette import INK
from core.report.text_width import pixels

NARROW, WIDE = (230, 260, 290, 330, 400, 480), (530, 620, 740, 900, 1100, 1400)  # pixels
_LETTER, _LINE = 6.8, 15  # pixels of a Latin letter and of a line of text, at most
_GAP = 3  # pixels between a mark and its name
_FAR = (22, 36, 52, 70, 90)  # pixels from a mark to a name that a line leads to
_ANGLES = tuple(step * pi / 8 for step in range(16))

_Box = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True)
class Mark:
    """A round mark with its name."""

    x: float  # share of the plot's width, from the left
    y: float  # share of its height, from the top
    radius: float  # pixels
    text: str


@dataclass(frozen=True)
class Label:
    """A name's place: its anchor's pixels from the middle of the mark, to the right and down."""

    dx: float
    dy: float
    xanchor: str
    yanchor: str
    has_line: bool  # that leads from the mark to it


@dataclass(frozen=True)
class Plot:
    """What names must fit into."""

    widths: Sequence[int]  # pixels, of which the page will have any
    height: int  # pixels
    path: Sequence[tuple[float, float]] = ()  # a line through the plot, as shares like a mark's
    is_crowded: bool = False  # lines to names may then cross other marks


def place_labels(marks: Sequence[Mark], plot: Plot) -> list[Label] | None:
    """A place for each name, in the order of the marks; None where there is not one for each."""
    rooms = [_Room.of(marks, plot, width) for width in plot.widths]
    placed: dict[int, Label] = {}
    for index in sorted(range(len(marks)), key=lambda i: -_crowd(marks, i, plot)):
        label = next(
            (
                candidate
                for candidate in _candidates(marks[index])
                if all(room.has_room(index, candidate) for room in rooms)
            ),
            None,
        )
        if label is None:
            return None
        placed[index] = label
        for room in rooms:
            room.take(index, label)
    return [placed[index] for index in range(len(marks))]


def best_labels(marks: Sequence[Mark], plot: Plot) -> list[Label] | None:
    """As `place_labels`; where that finds no places, lines may cross other marks."""
    return place_labels(marks, plot) or place_labels(marks, replace(plot, is_crowded=True))


def numbered(marks: Sequence[Mark], plot: Plot) -> list[Label]:
    """Places for names as short as numbers: beside the mark where there is no better one."""
    return best_labels(marks, plot) or [
        Label(mark.radius + _GAP, 0, "left", "middle", has_line=False) for mark in marks
    ]


def annotation(label: Label, text: str, x: float, y: float) -> dict[str, Any]:
    """For Plotly: the name of the mark at x and y, which are the axes' own (logs on a log axis)."""
    shared = dict(
        x=x,
        y=y,
        text=escape(text),
        xanchor=label.xanchor,
        yanchor=label.yanchor,
        borderpad=0,
        font=dict(size=12),
    )
    if not label.has_line:
        return shared | dict(showarrow=False, xshift=label.dx, yshift=-label.dy)
    return shared | dict(
        showarrow=True, ax=label.dx, ay=label.dy, arrowhead=0, arrowwidth=1, arrowcolor=INK
    )


# Geometry ------------------------------------------------------------------------------------


@dataclass
class _Room:
    """The plot at one width, and what stands in it already."""

    marks: Sequence[Mark]
    plot: Plot
    width: int
    names: list[_Box]
    lines: list[_Box]
    path: list[_Box]

    @classmethod
    def of(cls, marks: Sequence[Mark], plot: Plot, width: int) -> _Room:
        """Still without names."""
        points = [(x * width, y * plot.height) for x, y in plot.path]
        path = [box for start, end in pairwise(points) for box in _along(start, end)]
        return cls(marks, plot, width, [], [], path)

    def has_room(self, index: int, label: Label) -> bool:
        """Whether the name of the `index`th mark is inside the plot here, and meets nothing."""
        box = self._box(index, label)
        if box[0] < 0 or box[1] < 0 or box[2] > self.width or box[3] > self.plot.height:
            return False
        others = [self._mark_box(at) for at in range(len(self.marks)) if at != index]
        if any(_meet(box, other) for other in (*others, *self.names, *self.lines, *self.path)):
            return False
        crossed = [*self.names, *self.lines, *([] if self.plot.is_crowded else others)]
        return not any(_meet(step, it) for step in self._line(index, label) for it in crossed)

    def take(self, index: int, label: Label) -> None:
        """From now on the name and its line stand here."""
        self.names.append(self._box(index, label))
        self.lines += self._line(index, label)

    def _middle(self, index: int) -> tuple[float, float]:
        mark = self.marks[index]
        return mark.x * self.width, mark.y * self.plot.height

    def _mark_box(self, index: int) -> _Box:
        (x, y), r = self._middle(index), self.marks[index].radius
        return x - r, y - r, x + r, y + r

    def _box(self, index: int, label: Label) -> _Box:
        (x, y), wide = self._middle(index), pixels(self.marks[index].text, _LETTER)
        left = x + label.dx - {"left": 0.0, "center": wide / 2, "right": wide}[label.xanchor]
        top = y + label.dy - {"top": 0.0, "middle": _LINE / 2, "bottom": _LINE}[label.yanchor]
        return left, top, left + wide, top + _LINE

    def _line(self, index: int, label: Label) -> list[_Box]:
        """Small boxes along the line from the mark's edge to its name; none without a line."""
        if not label.has_line:
            return []
        (x, y), share = self._middle(index), self.marks[index].radius / hypot(label.dx, label.dy)
        start = (x + share * label.dx, y + share * label.dy)
        return _along(start, (x + 0.96 * label.dx, y + 0.96 * label.dy))


def _crowd(marks: Sequence[Mark], index: int, plot: Plot) -> float:
    """How close the others are: who is hemmed in chooses first."""
    own, width, height = marks[index], plot.widths[0], plot.height
    return sum(
        1 / (20 + hypot((own.x - other.x) * width, (own.y - other.y) * height))
        for other in marks
        if other is not own
    )


def _candidates(mark: Mark) -> Iterator[Label]:
    """The best place first: beside the mark, above and below it, then at the end of a line."""
    near = mark.radius + _GAP
    for side, anchor in ((1, "left"), (-1, "right")):
        yield Label(side * near, 0, anchor, "middle", has_line=False)
    for side, anchor in ((-1, "bottom"), (1, "top")):
        yield Label(0, side * near, "center", anchor, has_line=False)
    for down, yanchor in ((-1, "bottom"), (1, "top")):
        for right, xanchor in ((1, "left"), (-1, "right")):
            yield Label(0.7 * right * near, 0.7 * down * near, xanchor, yanchor, has_line=False)
    for far in _FAR:
        for angle in _ANGLES:
            dx, dy = (mark.radius + far) * cos(angle), (mark.radius + far) * sin(angle)
            xanchor = "left" if dx > 6 else "right" if dx < -6 else "center"
            yanchor = "top" if dy > 6 and xanchor == "center" else "bottom"
            if xanchor != "center":
                yanchor = "middle"
            yield Label(dx, dy, xanchor, yanchor, has_line=True)


def _along(start: tuple[float, float], end: tuple[float, float]) -> list[_Box]:
    """Small boxes along a straight line."""
    (x, y), dx, dy = start, end[0] - start[0], end[1] - start[1]
    count = max(1, round(hypot(dx, dy) / 3))
    points = [(x + dx * at / count, y + dy * at / count) for at in range(count + 1)]
    return [(px - 1, py - 1, px + 1, py + 1) for px, py in points]


def _meet(one: _Box, other: _Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]

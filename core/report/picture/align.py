"""Where the slots of each row stand from left to right. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

from core.report.picture.frame import COLUMN_GAP, LANE_GAP, SWEEPS, WEAK, Frame, Key, Slot

_Neighbor = tuple[Slot, float, float]  # a slot, how far beside its anchor it is wanted, the pull


def align(frame: Frame) -> None:
    """Give every slot its x: near the middle of its neighbors, sweeping down and up."""
    above: dict[Key, list[_Neighbor]] = {}
    below: dict[Key, list[_Neighbor]] = {}
    for links in frame.links:
        for link in links:
            above.setdefault(link.lower.key, []).append((link.upper, link.shift, link.pull))
            below.setdefault(link.upper.key, []).append((link.lower, -link.shift, link.pull))
    for row in frame.rows:
        _settle(row, [0.0] * len(row))
    for sweep in range(2 * SWEEPS + 1):
        neighbors = below if sweep % 2 else above
        for row in reversed(frame.rows) if sweep % 2 else frame.rows:
            _settle(row, [_middle(neighbors.get(slot.key, ()), slot.x) for slot in row])
    first = frame.rows[0]
    _settle(first, [_middle(below.get(slot.key, ()), slot.x) for slot in first])
    _straighten(frame)


def _middle(neighbors: Sequence[_Neighbor], otherwise: float) -> float:
    """The weighted median of where the neighbors want a slot; the mean of two in the middle."""
    wanted = sorted((neighbor.x + shift, pull) for neighbor, shift, pull in neighbors)
    half = sum(pull for _, pull in wanted) / 2
    passed = 0.0
    for index, (x, pull) in enumerate(wanted):
        passed += pull
        if passed > half * 1.001:
            return x
        if passed > half * 0.999:
            return (x + wanted[min(index + 1, len(wanted) - 1)][0]) / 2
    return otherwise


def _apart(left: Slot, right: Slot) -> float:
    """The least distance of two neighbors' anchors."""
    lines = {left.kind, right.kind} & {"lane", "entry", "exit"}
    return left.right + right.left + (LANE_GAP if lines else COLUMN_GAP)


def _settle(row: Sequence[Slot], wanted: Sequence[float]) -> None:
    """Each slot as near to the x it wants as order and distance allow (least squares).

    Those that would overlap move together (pool adjacent violators).
    """
    offset = 0.0
    pools: list[tuple[float, float, int]] = []  # x less offset, weight, members
    offsets = []
    for index, slot in enumerate(row):
        offset += _apart(row[index - 1], slot) if index else 0.0
        offsets.append(offset)
        x, weight, count = wanted[index] - offset, max(slot.firmness, WEAK), 1
        while pools and pools[-1][0] > x:
            other, other_weight, other_count = pools.pop()
            x = (x * weight + other * other_weight) / (weight + other_weight)
            weight, count = weight + other_weight, count + other_count
        pools.append((x, weight, count))
    settled = [x for x, _, count in pools for _ in range(count)]
    for slot, x, shift in zip(row, settled, offsets, strict=True):
        slot.x = x + shift


def _straighten(frame: Frame) -> None:
    """One x for all the rows that a line passes, where there is room; then keep the distance."""
    lanes: dict[str, list[tuple[list[Slot], int]]] = {}  # source → the rows and where it stands
    for row in frame.rows:
        for index, slot in enumerate(row):
            if slot.kind == "lane":
                lanes.setdefault(slot.key[1], []).append((row, index))
    for lane in sorted(lanes.values(), key=lambda lane: lane[0][1]):
        low, high = -1e9, 1e9
        for row, index in lane:
            if index:
                low = max(low, row[index - 1].x + _apart(row[index - 1], row[index]))
            if index + 1 < len(row) and row[index + 1].kind != "lane":
                high = min(high, row[index + 1].x - _apart(row[index], row[index + 1]))
        if low <= high:
            rightmost = max(row[index].x for row, index in lane)
            for row, index in lane:
                row[index].x = min(max(rightmost, low), high)
    for row in frame.rows:
        for index in range(1, len(row)):
            least = row[index - 1].x + _apart(row[index - 1], row[index])
            row[index].x = max(row[index].x, least)

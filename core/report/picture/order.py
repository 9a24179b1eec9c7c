"""Which row each slot of a frame is in, and the order inside the rows (Sugiyama et al. 1981).

Imports no torch.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from core.report.picture.fold import shortcuts
from core.report.picture.frame import SWEEPS, WEAK, Frame, Key, Line, Link, Slot


def ordered(slots: dict[Key, Slot], lines: Collection[Line], framed: bool) -> Frame:
    """The slots in rows, with as few crossings as sorting finds; adds those of passing lines."""
    ranks = _rank(slots, lines, framed)
    skipping = shortcuts(list(slots), [(upper, lower) for _, upper, lower in lines])
    links = _linked(slots, lines, ranks, skipping)
    frame = Frame(_first_order(slots, ranks, links), links, list(lines))
    _untangle(frame)
    return frame


def _rank(slots: Mapping[Key, Slot], lines: Iterable[Line], framed: bool) -> dict[Key, int]:
    """The row of each slot: one below the lowest that it reads; ports at the top and bottom."""
    above: dict[Key, list[Key]] = {}
    for _, upper, lower in lines:
        above.setdefault(lower, []).append(upper)
    ranks: dict[Key, int] = {}
    for key in slots:  # in an order that lines follow
        first = 1 if framed and key[0] != "entry" else 0
        ranks[key] = max([first, *(ranks[upper] + 1 for upper in above.get(key, ()))])
    bottom = max([1, *(row + 1 for key, row in ranks.items() if key[0] != "exit")])
    return {key: bottom if key[0] == "exit" else row for key, row in ranks.items()}


def _linked(
    slots: dict[Key, Slot],
    lines: Collection[Line],
    ranks: dict[Key, int],
    skipping: Collection[tuple[Key, Key]],
) -> list[list[Link]]:
    """Every line cut at the rows that it passes; adds the slots that it takes there.

    Lines from one source share these slots. Shortcuts and dead ends hardly pull at what they
    join, so that the longer way stays straight.
    """
    pulls: dict[tuple[Key, Key, str], float] = {}
    goes_on = {upper for _, upper, _ in lines}
    readers = Counter(upper for _, upper, _ in lines)
    for source, upper, lower in lines:
        is_dead_end = lower not in goes_on and lower[0] != "exit" and readers[upper] > 1
        pull = WEAK if is_dead_end or (upper, lower) in skipping else 1.0
        stops = [upper, *(("lane", source, row) for row in range(ranks[upper] + 1, ranks[lower]))]
        for stop in stops[1:]:
            lane = slots.setdefault(stop, Slot(stop, firmness=0.0))
            lane.firmness = max(lane.firmness, pull)
            ranks[stop] = stop[2]
        for pair in zip(stops, [*stops[1:], lower], strict=True):
            known = pulls.get((*pair, source), 0.0)
            pulls[(*pair, source)] = max(known, pull)
    links: list[list[Link]] = [[] for _ in range(max(ranks.values()))]
    for (upper, lower, source), pull in pulls.items():
        links[ranks[upper]].append(Link(slots[upper], slots[lower], source, pull))
    return links


def _first_order(
    slots: Mapping[Key, Slot], ranks: Mapping[Key, int], links: Sequence[Sequence[Link]]
) -> list[list[Slot]]:
    """The rows, left to right in the order of execution; lanes of shortcuts at the right."""
    order = {key: float(index) for index, key in enumerate(slots)}
    for row_links in links:
        for link in row_links:
            if link.lower.kind == "lane":  # behind what it comes from, later shortcuts further in
                behind = order[link.upper.key] + 0.001
                is_shortcut = link.lower.firmness < 1 and link.upper.kind != "lane"
                order[link.lower.key] = 2e6 - behind if is_shortcut else behind
    rows: list[list[Slot]] = [[] for _ in range(max(ranks.values()) + 1)]
    for key, slot in slots.items():
        rows[ranks[key]].append(slot)
    for row in rows:
        row.sort(key=lambda slot: order[slot.key])
    return rows


def _untangle(frame: Frame) -> None:
    """Sort rows by the mean position of their neighbors, as long as fewer lines cross."""
    fewest = _crossings(frame)
    for sweep in range(2 * SWEEPS):
        if not fewest:
            return
        before = [list(row) for row in frame.rows]
        down = sweep % 2 == 0
        numbers = range(1, len(frame.rows)) if down else range(len(frame.rows) - 2, -1, -1)
        for number in numbers:
            _sort_by_neighbors(frame, number, down)
        if (now := _crossings(frame)) < fewest:
            fewest = now
        else:
            frame.rows = before


def _sort_by_neighbors(frame: Frame, number: int, down: bool) -> None:
    """One row by the mean position of what it reads, or of what reads it."""
    neighbors = _positions(frame.rows[number + (-1 if down else 1)])
    own = _positions(frame.rows[number])
    joined_to: dict[Key, list[int]] = {}
    for link in frame.links[number - 1 if down else number]:
        slot, neighbor = (link.lower, link.upper) if down else (link.upper, link.lower)
        joined_to.setdefault(slot.key, []).append(neighbors[neighbor.key])

    def mean(slot: Slot) -> float:
        indices = joined_to.get(slot.key)
        return sum(indices) / len(indices) if indices else own[slot.key]

    frame.rows[number].sort(key=mean)


def _positions(row: Sequence[Slot]) -> dict[Key, int]:
    """Where each slot of a row stands, from 0 at the left."""
    return {slot.key: index for index, slot in enumerate(row)}


def _crossings(frame: Frame) -> int:
    """Pairs of lines that cross between two rows."""
    count = 0
    for number, links in enumerate(frame.links):
        above, below = _positions(frame.rows[number]), _positions(frame.rows[number + 1])
        seen: list[int] = []
        for _, end in sorted((above[link.upper.key], below[link.lower.key]) for link in links):
            count += len(seen) - bisect_right(seen, end)
            insort(seen, end)
    return count

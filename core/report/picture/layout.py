"""Where the boxes and arrows of a folded network stand: rows from the image down to the classes.

Sugiyama, Tagawa & Toda 1981: ranks, order, places; every open block is laid out on its own and
framed. Imports no torch.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from core.report.picture.fold import Edge, Graph, shortcuts

COLUMN_GAP, LANE_GAP = 18.0, 12.0  # between boxes, beside a line, in pixels
ARROW = 8.0  # an arrow's last piece, straight down
ROW_GAP, MOST_ROW_GAP = 20.0, 60.0  # the further aside an arrow leads, the more room it gets
PADDING = 12.0  # inside a frame
BAND = 18.0  # at the top of a frame, for its name
WEAK = 1e-5  # how much shortcuts and dead ends pull at what they join; other lines pull with 1
SWEEPS = 6  # down and up, for the order and for the places


@dataclass(frozen=True)
class Size:
    """What a box needs around the point where its arrows come and go, in pixels."""

    left: float
    right: float
    height: float


@dataclass(frozen=True)
class Box:
    """A rectangle, in pixels from the top left."""

    left: float
    top: float
    width: float
    height: float
    center: float  # x where the arrows come and go


Point = tuple[float, float]


@dataclass(frozen=True)
class Route:
    """The line of an edge: straight down where x stays, an S between rows where it changes."""

    edge: Edge
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Layout:
    """Where everything stands, in pixels."""

    width: float
    height: float
    boxes: dict[str, Box]  # by the path of the node
    frames: dict[str, Box]  # by the path of the open block
    routes: tuple[Route, ...]


Key = tuple[str, str, int]  # what it is; the path of a box or of the line's source; its row
Line = tuple[str, Key, Key]  # inside one frame: source of the tensor, from, to


@dataclass
class Place:
    """One place in a row: a box, a frame, a port of the frame around, or a line passing by."""

    key: Key
    left: float = 0.0
    right: float = 0.0
    height: float = 0.0
    entries: dict[str, float] = field(default_factory=dict)  # source → x beside the anchor
    exits: dict[str, float] = field(default_factory=dict)
    firmness: float = 1.0  # how much it counts where two want the same place
    x: float = 0.0  # of its anchor


@dataclass
class Plan:
    """One frame and what is directly inside; `links` lead from one row to the next."""

    rows: list[list[Place]]
    links: list[list[tuple[Place, Place, str, float]]]  # upper, lower, source, weight; by upper row
    lines: list[Line]
    tops: list[float] = field(default_factory=list)
    heights: list[float] = field(default_factory=list)
    left: float = 0.0
    width: float = 0.0
    height: float = 0.0


def lay_out(graph: Graph, sizes: Mapping[str, Size], names: Mapping[str, float]) -> Layout:
    """Places for the nodes of `sizes`, by path; `names`: widths of the open blocks' names."""
    inside = lines_by_frame(graph)
    children = children_by_frame(graph)
    plans: dict[str, Plan] = {}
    for block in (*reversed(graph.open_blocks), ""):
        places = {
            key: frame_place(key, plans[key[1]])
            if key[0] == "frame"
            else box_place(key, sizes[key[1]])
            for key in children[block]
        }
        plans[block] = plan(places, inside.get(block, {}), names.get(block))
    return compose(graph, plans)


def children_by_frame(graph: Graph) -> dict[str, list[Key]]:
    """What is directly inside each open block, and inside "", the whole picture; in order."""
    found: dict[str, dict[Key, None]] = {"": {}}
    for node in graph.nodes:
        around = ("", *node.blocks)
        keys: list[Key] = [("frame", block, 0) for block in node.blocks]
        for frame, key in zip(around, [*keys, ("box", node.path, 0)], strict=True):
            found.setdefault(frame, {})[key] = None
    return {frame: list(keys) for frame, keys in found.items()}


def way(graph_blocks: Mapping[str, tuple[str, ...]], edge: Edge) -> Iterator[tuple[str, Line]]:
    """The lines of an edge from frame to frame: out of the source's, into the target's."""
    out, into = (("", *graph_blocks[path]) for path in (edge.source, edge.target))
    common = max(
        count for count in range(1, min(len(out), len(into)) + 1) if out[:count] == into[:count]
    )

    def child(around: tuple[str, ...], place: int, path: str) -> Key:
        return ("frame", around[place + 1], 0) if place + 1 < len(around) else ("box", path, 0)

    for place in range(len(out) - 1, common - 1, -1):
        port: Key = ("exit", edge.source, 0)
        yield out[place], (edge.source, child(out, place, edge.source), port)
    shared = common - 1
    yield (
        out[shared],
        (edge.source, child(out, shared, edge.source), child(into, shared, edge.target)),
    )
    for place in range(common, len(into)):
        port = ("entry", edge.source, 0)
        yield into[place], (edge.source, port, child(into, place, edge.target))


def lines_by_frame(graph: Graph) -> dict[str, dict[Line, None]]:
    """Each frame's lines, each once: edges from one source share what they have in common."""
    blocks = {node.path: node.blocks for node in graph.nodes}
    found: dict[str, dict[Line, None]] = {}
    for edge in graph.edges:
        for frame, line in way(blocks, edge):
            found.setdefault(frame, {})[line] = None
    return found


def box_place(key: Key, size: Size) -> Place:
    """The place of a node: all its arrows come and go at its anchor."""
    return Place(key, size.left, size.right, size.height)


def frame_place(key: Key, inner: Plan) -> Place:
    """The place of a frame; its anchor is where its first line comes in."""
    entries = {place.key[1]: place.x for place in inner.rows[0] if place.key[0] == "entry"}
    exits = {place.key[1]: place.x for place in inner.rows[-1] if place.key[0] == "exit"}
    anchor = next(iter([*entries.values(), *exits.values()]), inner.left + inner.width / 2)
    return Place(
        key,
        anchor - inner.left,
        inner.left + inner.width - anchor,
        inner.height,
        {source: x - anchor for source, x in entries.items()},
        {source: x - anchor for source, x in exits.items()},
    )


def plan(places: dict[Key, Place], lines: Mapping[Line, None], name: float | None) -> Plan:
    """One frame laid out; `name` is the width of its name, None for the whole picture."""
    framed = name is not None
    entries = {upper: Place(upper) for _, upper, _ in lines if upper[0] == "entry"}
    exits = {lower: Place(lower) for *_, lower in lines if lower[0] == "exit"}
    everything = entries | places | exits
    ranks = rank(everything, lines, framed)
    skipping = shortcuts(list(everything), [(upper, lower) for _, upper, lower in lines])
    links = linked(everything, lines, ranks, skipping)
    rows = first_order(everything, ranks, links)
    made = Plan(rows, links, list(lines))
    untangle(made)
    align(made)
    straighten(made)
    measure_rows(made, framed)
    frame_around(made, name)
    return made


def rank(places: Mapping[Key, Place], lines: Iterable[Line], framed: bool) -> dict[Key, int]:
    """The row of each place: one below the lowest that it reads; ports at the top and bottom."""
    above: dict[Key, list[Key]] = {}
    for _, upper, lower in lines:
        above.setdefault(lower, []).append(upper)
    ranks: dict[Key, int] = {}
    for key in places:  # in an order that lines follow
        first = 1 if framed and key[0] != "entry" else 0
        ranks[key] = max([first, *(ranks[upper] + 1 for upper in above.get(key, ()))])
    bottom = max([1, *(row + 1 for key, row in ranks.items() if key[0] != "exit")])
    return {key: bottom if key[0] == "exit" else row for key, row in ranks.items()}


def linked(
    places: dict[Key, Place],
    lines: Collection[Line],
    ranks: dict[Key, int],
    skipping: Collection[tuple[Key, Key]],
) -> list[list[tuple[Place, Place, str, float]]]:
    """Every line cut at the rows that it passes; adds the places it takes there.

    Lines from one source share these places. Shortcuts and dead ends hardly pull at what they
    join, so that the longer way stays straight.
    """
    weights: dict[tuple[Key, Key, str], float] = {}
    goes_on = {upper for _, upper, _ in lines}
    readers = Counter(upper for _, upper, _ in lines)
    for source, upper, lower in lines:
        is_dead_end = lower not in goes_on and lower[0] != "exit" and readers[upper] > 1
        pull = WEAK if is_dead_end or (upper, lower) in skipping else 1.0
        stops = [upper, *(("lane", source, row) for row in range(ranks[upper] + 1, ranks[lower]))]
        for stop in stops[1:]:
            lane = places.setdefault(stop, Place(stop, firmness=0.0))
            lane.firmness = max(lane.firmness, pull)
            ranks[stop] = stop[2]
        for pair in zip(stops, [*stops[1:], lower], strict=True):
            known = weights.get((*pair, source), 0.0)
            weights[(*pair, source)] = max(known, pull)
    links: list[list[tuple[Place, Place, str, float]]] = [[] for _ in range(max(ranks.values()))]
    for (upper, lower, source), pull in weights.items():
        links[ranks[upper]].append((places[upper], places[lower], source, pull))
    return links


def first_order(
    places: Mapping[Key, Place],
    ranks: Mapping[Key, int],
    links: Sequence[Sequence[tuple[Place, Place, str, float]]],
) -> list[list[Place]]:
    """The rows, left to right in the order of execution; lanes of shortcuts at the right."""
    order = {key: float(place) for place, key in enumerate(places)}
    for row in links:
        for upper, lower, *_ in row:
            if lower.key[0] == "lane":  # behind what it comes from, later shortcuts further in
                behind = order[upper.key] + 0.001
                is_shortcut = lower.firmness < 1 and upper.key[0] != "lane"
                order[lower.key] = 2e6 - behind if is_shortcut else behind
    rows: list[list[Place]] = [[] for _ in range(max(ranks.values()) + 1)]
    for key, place in places.items():
        rows[ranks[key]].append(place)
    for row_places in rows:
        row_places.sort(key=lambda place: order[place.key])
    return rows


def untangle(made: Plan) -> None:
    """Sort rows by the mean place of their neighbours, as long as fewer lines cross."""
    fewest = crossings(made)
    for sweep in range(2 * SWEEPS):
        if not fewest:
            return
        before = [list(row) for row in made.rows]
        down = sweep % 2 == 0
        numbers = range(1, len(made.rows)) if down else range(len(made.rows) - 2, -1, -1)
        for number in numbers:
            sort_by_neighbours(made, number, down)
        if (now := crossings(made)) < fewest:
            fewest = now
        else:
            made.rows = before


def sort_by_neighbours(made: Plan, number: int, down: bool) -> None:
    """One row by the mean place of what it reads, or of what reads it."""
    beside = {place.key: at for at, place in enumerate(made.rows[number + (-1 if down else 1)])}
    means: dict[Key, list[int]] = {}
    for upper, lower, *_ in made.links[number - 1 if down else number]:
        own, other = (lower, upper) if down else (upper, lower)
        means.setdefault(own.key, []).append(beside[other.key])
    here = {place.key: at for at, place in enumerate(made.rows[number])}

    def mean(place: Place) -> float:
        found = means.get(place.key)
        return sum(found) / len(found) if found else here[place.key]

    made.rows[number].sort(key=mean)


def crossings(made: Plan) -> int:
    """Pairs of lines that cross between two rows."""
    count = 0
    for number, row in enumerate(made.links):
        above = {place.key: at for at, place in enumerate(made.rows[number])}
        below = {place.key: at for at, place in enumerate(made.rows[number + 1])}
        seen: list[int] = []
        for _, end in sorted((above[upper.key], below[lower.key]) for upper, lower, *_ in row):
            count += len(seen) - bisect_right(seen, end)
            insort(seen, end)
    return count


def align(made: Plan) -> None:
    """Give every place its x: near the middle of its neighbours, sweeping down and up."""
    above: dict[Key, list[tuple[Place, float, float]]] = {}
    below: dict[Key, list[tuple[Place, float, float]]] = {}
    for row in made.links:
        for upper, lower, source, pull in row:
            shift = upper.exits.get(source, 0.0) - lower.entries.get(source, 0.0)
            above.setdefault(lower.key, []).append((upper, shift, pull))
            below.setdefault(upper.key, []).append((lower, -shift, pull))
    for places in made.rows:
        settle(places, [0.0] * len(places))
    for sweep in range(2 * SWEEPS + 1):
        neighbours = below if sweep % 2 else above
        for places in reversed(made.rows) if sweep % 2 else made.rows:
            settle(places, [middle(neighbours.get(one.key, ()), one.x) for one in places])
    settle(made.rows[0], [middle(below.get(one.key, ()), one.x) for one in made.rows[0]])


def middle(neighbours: Sequence[tuple[Place, float, float]], otherwise: float) -> float:
    """The weighted median of where the neighbours want a place; the mean of two in the middle."""
    wanted = sorted((other.x + shift, pull) for other, shift, pull in neighbours)
    half = sum(pull for _, pull in wanted) / 2
    passed = 0.0
    for at, (x, pull) in enumerate(wanted):
        passed += pull
        if passed > half * 1.001:
            return x
        if passed > half * 0.999:
            return (x + wanted[min(at + 1, len(wanted) - 1)][0]) / 2
    return otherwise


def apart(left: Place, right: Place) -> float:
    """The least distance of two neighbours' anchors."""
    lines = {left.key[0], right.key[0]} & {"lane", "entry", "exit"}
    return left.right + right.left + (LANE_GAP if lines else COLUMN_GAP)


def settle(places: Sequence[Place], wanted: Sequence[float]) -> None:
    """Each place as near to what it wants as order and distance allow (least squares).

    Those that would overlap move together (pool adjacent violators).
    """
    offset = 0.0
    pools: list[tuple[float, float, int]] = []  # place less offset, weight, members
    offsets = []
    for at, place in enumerate(places):
        offset += apart(places[at - 1], place) if at else 0.0
        offsets.append(offset)
        x, weight, count = wanted[at] - offset, max(place.firmness, WEAK), 1
        while pools and pools[-1][0] > x:
            other, other_weight, other_count = pools.pop()
            x = (x * weight + other * other_weight) / (weight + other_weight)
            weight, count = weight + other_weight, count + other_count
        pools.append((x, weight, count))
    settled = [x for x, _, count in pools for _ in range(count)]
    for place, x, shift in zip(places, settled, offsets, strict=True):
        place.x = x + shift


def straighten(made: Plan) -> None:
    """One x for all the rows that a line passes, where there is room; then keep the distance."""
    spots: dict[str, list[tuple[int, int]]] = {}
    for number, places in enumerate(made.rows):
        for at, place in enumerate(places):
            if place.key[0] == "lane":
                spots.setdefault(place.key[1], []).append((number, at))
    for lane in sorted(spots.values(), key=lambda lane: lane[0][1]):
        low, high = -1e9, 1e9
        for number, at in lane:
            places = made.rows[number]
            if at:
                low = max(low, places[at - 1].x + apart(places[at - 1], places[at]))
            if at + 1 < len(places) and places[at + 1].key[0] != "lane":
                high = min(high, places[at + 1].x - apart(places[at], places[at + 1]))
        xs = [made.rows[number][at].x for number, at in lane]
        if low <= high:
            for number, at in lane:
                made.rows[number][at].x = min(max(max(xs), low), high)
    for places in made.rows:
        for at in range(1, len(places)):
            least = places[at - 1].x + apart(places[at - 1], places[at])
            places[at].x = max(places[at].x, least)


def measure_rows(made: Plan, framed: bool) -> None:
    """Heights of the rows and of what is between; arrows that lead far aside get more room."""
    top = 0.0
    for number, places in enumerate(made.rows):
        band = BAND if framed and number == 0 else 0.0
        height = max([band, *(place.height for place in places)])
        made.tops.append(top)
        made.heights.append(height)
        top += height
        if number < len(made.links):
            ports = framed and number in (0, len(made.links) - 1)
            reach = max(
                (
                    abs(
                        upper.x
                        + upper.exits.get(source, 0.0)
                        - lower.x
                        - lower.entries.get(source, 0.0)
                    )
                    for upper, lower, source, _ in made.links[number]
                ),
                default=0.0,
            )
            top += min(MOST_ROW_GAP, (PADDING if ports else ROW_GAP) + 0.14 * reach)
    is_open_below = framed and not any(place.key[0] == "exit" for place in made.rows[-1])
    made.height = top + (PADDING if is_open_below else 0.0)


def frame_around(made: Plan, name: float | None) -> None:
    """Left edge and width, with room for the name beside the first line that comes in."""
    places = [place for row in made.rows for place in row]
    padding = PADDING if name is not None else 1.0
    made.left = min(place.x - place.left for place in places) - padding
    right = max(place.x + place.right for place in places) + padding
    if name is not None:
        entry = min((p.x for p in made.rows[0]), default=made.left + name + PADDING)
        made.left = min(made.left, entry - name - PADDING)
        right = max(right, made.left + name + PADDING)
    made.width = right - made.left


def compose(graph: Graph, plans: Mapping[str, Plan]) -> Layout:
    """Frames inside frames, all measured from the top left of the picture."""
    boxes: dict[str, Box] = {}
    frames: dict[str, Box] = {}
    drawn: dict[tuple[str, Line], list[Point]] = {}
    origins = {"": (-plans[""].left, 0.0)}
    for frame in ("", *graph.open_blocks):
        made, (x, y) = plans[frame], origins[frame]
        for number, row in enumerate(made.rows):
            for place in row:
                what, path, _ = place.key
                top = y + made.tops[number]
                width = place.left + place.right
                box = Box(x + place.x - place.left, top, width, place.height, x + place.x)
                if what == "box":
                    boxes[path] = box
                elif what == "frame":
                    frames[path] = box
                    origins[path] = (box.left - plans[path].left, top)
        for line, points in trace_lines(made).items():
            drawn[frame, line] = [(x + px, y + py) for px, py in points]
    blocks = {node.path: node.blocks for node in graph.nodes}
    routes = tuple(
        Route(edge, joined([drawn[step] for step in way(blocks, edge)])) for edge in graph.edges
    )
    return Layout(plans[""].width, plans[""].height, boxes, frames, routes)


def trace_lines(made: Plan) -> dict[Line, list[Point]]:
    """The points of each line inside one frame, from bottom to top of what it joins."""
    rows = {place.key: number for number, row in enumerate(made.rows) for place in row}
    places = {place.key: place for row in made.rows for place in row}
    traced: dict[Line, list[Point]] = {}
    for line in made.lines:
        source, upper, lower = line
        start, end = places[upper], places[lower]
        x = start.x + start.exits.get(source, 0.0)
        first, last = rows[upper], rows[lower]
        bottoms = [top + height for top, height in zip(made.tops, made.heights, strict=True)]
        points = [(x, made.tops[first] + start.height), (x, bottoms[first])]
        for row in range(first + 1, last):
            x = places["lane", source, row].x
            points += [(x, made.tops[row] - ARROW), (x, bottoms[row])]
        x = end.x + end.entries.get(source, 0.0)
        traced[line] = [*points, (x, made.tops[last] - ARROW), (x, made.tops[last])]
    return traced


def joined(pieces: Iterable[Sequence[Point]]) -> tuple[Point, ...]:
    """The pieces end to end, each point once, to a tenth of a pixel."""
    points = [(round(x, 1), round(y, 1)) for piece in pieces for x, y in piece]
    return tuple(point for at, point in enumerate(points) if not at or point != points[at - 1])

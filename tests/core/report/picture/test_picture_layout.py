"""Where boxes and lines of a picture stand: nothing overlaps, no line crosses a box."""

from __future__ import annotations

from collections.abc import Callable
from cProfile import Profile

import pytest

from core.analysis.records import IMAGE
from core.report.picture.fold import (
    fold,
    readable,
)
from core.report.picture.outline import outline
from core.report.picture.svg import svg
from tests.core.report.picture.picture_examples import (
    SPECS,
    analysis_of,
    assert_nothing_overlaps,
    every_network,
    laid_out,
    outline_of,
    overlap,
    row,
)

pytestmark = pytest.mark.slow
standing_and_lying = pytest.mark.parametrize("lying", [False, True], ids=["standing", "lying"])


@standing_and_lying
@every_network
def test_nothing_overlaps_and_no_line_crosses_a_box(spec, lying):
    outlined = outline_of(spec)
    for opened in (readable(outlined), tuple(outlined.blocks)[:1], ()):
        assert_nothing_overlaps(fold(outlined, opened), lying)


@standing_and_lying
@every_network
def test_an_open_block_frames_its_own_boxes_and_no_others(spec, lying):
    outlined = outline_of(spec)
    graph = fold(outlined, readable(outlined))
    layout = laid_out(graph, lying)
    for block, frame in layout.frames.items():
        for node in graph.nodes:
            box = layout.boxes[node.path]
            assert overlap(frame, box) == (block in node.blocks), (block, node.path)


@standing_and_lying
def test_long_edges_through_several_blocks_pass_at_the_side(lying):
    layers = [row("down1.x", IMAGE), row("down1.y", "down1.x"), row("down2.x", "down1.y"),
              row("down2.y", "down2.x"), row("up1.x", "down2.y"),
              row("up1.cat", "up1.x", "down1.x", kind="join"), row("up1.y", "up1.cat"),
              row("up2.x", "up1.y"), row("up2.cat", "up2.x", IMAGE, kind="join")]  # fmt: skip
    for opened in ((), ("down1", "down2", "up1", "up2"), ("up1",)):
        graph = fold(outline(layers), opened)
        assert sum(edge.skips for edge in graph.edges) == 2
        assert_nothing_overlaps(graph, lying)


@standing_and_lying
def test_a_long_name_of_a_block_stays_beside_the_arrow(lying):
    name = "a_module_with_a_name_that_is_wider_than_what_is_inside"
    layers = [row(f"{name}.x", IMAGE), row(f"{name}.y", f"{name}.x"), row("z", f"{name}.y")]
    assert_nothing_overlaps(fold(outline(layers), [name]), lying)


@standing_and_lying
def test_parallel_edges_between_all_boxes_stay_apart(lying):
    """Every layer reads all before it, as in torchvision's DenseNet."""
    names = [IMAGE, *(f"l{index}" for index in range(12))]
    layers = [row(name, *names[:index]) for index, name in enumerate(names) if index]
    assert_nothing_overlaps(fold(outline(layers), ()), lying)


def test_the_largest_network_is_drawn_by_few_calls():
    """Counted, not timed: they are as many on a busy machine."""
    layers = analysis_of(SPECS["densenet121"]).layers
    outlined = outline(layers)
    first = calls_of(lambda: svg(fold(outline(layers), readable(outlined)), "first"))
    assert first < 300_000  # 105,000 as counted, 0.04 s
    every = calls_of(lambda: svg(fold(outlined, outlined.blocks), "all"))
    assert every < 1_000_000  # 325,000 as counted, 0.3 s


def calls_of(work: Callable[[], object]) -> int:
    """How many functions it calls."""
    profile = Profile()
    profile.runcall(work)
    return sum(entry.callcount for entry in profile.getstats())

"""The picture of a network: what is folded, which arrows lead where, where everything stands."""

from __future__ import annotations

import random
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import combinations, pairwise

import networkx
import pytest

from core.analysis import analyze
from core.analysis.records import IMAGE, Analysis, LayerCost
from core.report.picture.fold import (
    INPUT,
    OUTPUT,
    READABLE,
    Graph,
    Node,
    Outline,
    fold,
    outline,
    readable,
)
from core.report.picture.labels import lines_of, size_of, text_width
from core.report.picture.layout import Box, Layout, Point, Route, lay_out
from core.report.picture.svg import INK, frame_name, svg
from core.specs import LabError, ModelSpec
from core.zoo.catalogue import CATALOGUE
from core.zoo.variants import VARIANTS

SHORTCUTS = {
    f"course-residual, {shortcut}{', as published' if published else ''}": ModelSpec(
        "course-residual", image_size=28, options={"shortcut": shortcut, "as_published": published}
    )
    for shortcut in ("none", "constant-scaling", "conv")
    for published in (False, True)
}
SHORTCUTS |= {
    f"resnet-cifar, {name}": ModelSpec(
        "resnet-cifar",
        image_size=28,
        options=dict(VARIANTS[name].options_in("resnet-cifar")) | {"depth": 8},
    )
    for name in ("exclusive-gating", "dropout", "bn-full-pre-activation")
}
SPECS = {name: row.default for name, row in CATALOGUE.items()} | SHORTCUTS
every_network = pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS.keys())

analysis_of = cache(analyze)


@cache
def outline_of(spec: ModelSpec) -> Outline:
    return outline(analysis_of(spec).layers)


def fold_states(outlined: Outline) -> Iterator[tuple[str, ...]]:
    """Nothing open, everything, what opens first, the first block, and three at random."""
    blocks = tuple(outlined.blocks)
    yield from ((), blocks, readable(outlined), blocks[:1])
    dice = random.Random(7)
    for _ in range(3):
        yield tuple(block for block in blocks if dice.random() < 0.6)


def graphs(spec: ModelSpec) -> Iterator[Graph]:
    return (fold(outline_of(spec), opened) for opened in fold_states(outline_of(spec)))


def laid_out(graph: Graph) -> Layout:
    """The places that the SVG uses."""
    texts = {node.path: lines_of(node, node.path in graph.unread) for node in graph.nodes}
    sizes = {node.path: size_of(node, texts[node.path]) for node in graph.nodes}
    names = {block: text_width(frame_name(graph, block), bold=True) for block in graph.open_blocks}
    return lay_out(graph, sizes, names)


def inner(graph: Graph) -> tuple[Node, ...]:
    """The nodes without the two ends."""
    return graph.nodes[1:-1]


def node(graph: Graph, path: str) -> Node:
    [found] = [node for node in graph.nodes if node.path == path]
    return found


def targets(graph: Graph, path: str) -> set[str]:
    return {edge.target for edge in graph.edges if edge.source == path}


def sources(graph: Graph, path: str) -> set[str]:
    return {edge.source for edge in graph.edges if edge.target == path}


# Folding


@every_network
def test_every_layer_is_in_exactly_one_box_whatever_is_folded(spec):
    layers = analysis_of(spec).layers
    for graph in graphs(spec):
        shown = [layer.path for node in inner(graph) for layer in node.layers]
        assert sorted(shown) == sorted(layer.path for layer in layers)
        assert len({node.path for node in graph.nodes}) == len(graph.nodes)


@every_network
def test_parameters_and_macs_add_up_to_the_totals_whatever_is_folded(spec):
    totals = analysis_of(spec).totals
    for graph in graphs(spec):
        assert sum(node.params for node in graph.nodes) == totals.params
        assert sum(node.macs for node in graph.nodes) == totals.macs


@every_network
def test_a_folded_block_holds_the_layers_of_its_module_and_an_open_one_is_no_box(spec):
    layers = analysis_of(spec).layers
    for opened in fold_states(outline_of(spec)):
        graph = fold(outline_of(spec), opened)
        for one in graph.nodes:
            assert set(one.blocks) <= set(opened)
            if one.is_block:
                assert one.path not in opened
                own = {layer.path for layer in layers if layer.path.startswith(f"{one.path}.")}
                assert {layer.path for layer in one.layers} == own


@every_network
def test_arrows_are_those_of_the_quotient_graph_and_never_lead_back(spec):
    layers = analysis_of(spec).layers
    whole = networkx.DiGraph((path, layer.path) for layer in layers for path in layer.inputs)
    whole.add_edge(layers[-1].path, OUTPUT)
    for graph in graphs(spec):
        boxes = [
            frozenset(layer.path for layer in one.layers) or frozenset({end})
            for one, end in zip(
                graph.nodes, [IMAGE, *[""] * len(inner(graph)), OUTPUT], strict=True
            )
        ]
        quotient = networkx.quotient_graph(whole, boxes)
        path_of = dict(zip(boxes, (one.path for one in graph.nodes), strict=True))
        expected = {(path_of[source], path_of[target]) for source, target in quotient.edges}
        assert {(edge.source, edge.target) for edge in graph.edges} == expected
        assert len(graph.edges) == len(expected)
        drawn = networkx.DiGraph(expected)
        assert networkx.is_directed_acyclic_graph(drawn)
        straight = set(networkx.transitive_reduction(drawn).edges)
        assert {(e.source, e.target) for e in graph.edges if e.skips} == expected - straight


@every_network
def test_what_opens_first_can_be_taken_in_at_a_glance(spec):
    outlined = outline_of(spec)
    first = fold(outlined, readable(outlined))
    assert len(inner(first)) <= READABLE
    everything = fold(outlined, outlined.blocks)
    if len(inner(everything)) <= READABLE:
        assert first == everything
    else:
        assert len(inner(first)) > len(inner(fold(outlined, ())))


def test_unknown_blocks_change_nothing():
    outlined = outline_of(SPECS["vgg11"])
    assert fold(outlined, ["block9", "<b>", ""]) == fold(outlined, ())


def test_too_many_boxes_are_refused_in_a_sentence():
    [layer] = [one for one in analysis_of(SPECS["vgg11"]).layers if one.path == "block1.conv1"]
    layers = [
        replace(layer, path=f"conv{place}", inputs=(f"conv{place - 1}" if place else IMAGE,))
        for place in range(401)
    ]
    with pytest.raises(LabError, match="401 boxes, at most 400 work"):
        fold(outline(layers), ())


# Modules that a block cannot be made of


def row(path: str, *inputs: str, kind: str = "convolution") -> LayerCost:
    """A layer of which only the place in the network matters."""
    shape = (1, 4, 8, 8)
    return LayerCost(path, "Conv2d", kind, shape, shape, 1, 1, 1, 0, 0, 0, 0, 1, 1, inputs)


def test_lists_that_take_turns_are_seen_through():
    layers = [row("convs.0", IMAGE), row("norms.0", "convs.0", kind="pooling"),
              row("convs.1", "norms.0"), row("norms.1", "convs.1", kind="pooling")]  # fmt: skip
    graph = fold(outline(layers), ())
    assert [one.path for one in inner(graph)] == ["convs.0", "norms.0", "convs.1", "norms.1"]
    assert graph.open_blocks == ()


def test_a_module_that_is_called_twice_is_seen_through():
    layers = [row("a.x", IMAGE), row("a.y", "a.x"), row("b.x", "a.y"), row("b.y", "b.x"),
              row("a.x_2", "b.y"), row("a.y_2", "a.x_2")]  # fmt: skip
    graph = fold(outline(layers), ())
    assert [one.path for one in inner(graph)] == ["a.x", "a.y", "b", "a.x_2", "a.y_2"]


def test_a_module_inside_nothing_but_its_parent_is_no_block_of_its_own():
    outlined = outline([row("a.b.x", IMAGE), row("a.b.y", "a.b.x"), row("c", "a.b.y")])
    assert list(outlined.blocks) == ["a"]


def test_parameters_that_no_layer_owns_are_in_their_modules_block():
    unused = replace(row("a"), params=9)
    layers = [row("a.x", IMAGE), row("a.y", "a.x"), row("c", "a.y"), unused]
    assert [one.params for one in inner(fold(outline(layers), ()))] == [11, 1]
    opened = fold(outline(layers), ["a"])
    assert [one.path for one in inner(opened)] == ["a.x", "a.y", "c", "a"]
    assert opened.unread == ()
    assert_nothing_overlaps(opened)


def test_a_layer_that_reads_only_a_table_neither_breaks_a_block_nor_counts_as_unread():
    """As the position bias of torchvision's Swin v2: its first layer reads a constant."""
    layers = [row("a.x", IMAGE), row("a.table"), row("a.bias", "a.table"), row("a.y", "a.x")]
    outlined = outline(layers)
    assert list(outlined.blocks) == ["a"]
    opened = fold(outlined, ["a"])
    assert opened.unread == ()
    assert_nothing_overlaps(opened)


# What the course's networks look like


def opened_first(name: str) -> Graph:
    return fold(outline_of(SPECS[name]), readable(outline_of(SPECS[name])))


def test_vgg11_is_a_chain_of_8_convolutions_5_poolings_and_3_linear_layers():
    graph = opened_first("vgg11")
    names = [one.path for one in graph.nodes]
    assert [(e.source, e.target) for e in graph.edges] == list(pairwise(names))
    kinds = [one.kind for one in inner(graph)]
    assert [kinds.count(kind) for kind in ("convolution", "pooling", "linear")] == [8, 5, 3]
    layout = laid_out(graph)
    assert len({round(box.center, 1) for box in layout.boxes.values()}) == 1


def test_the_inception_block_has_four_branches_that_meet_in_one_cat():
    graph = fold(outline_of(SPECS["course-inception"]), ["inception1"])
    branches = {f"inception1.{name}" for name in ("branch1x1", "branch5x5", "branch3x3",
                "branch_pool")}  # fmt: skip
    assert targets(graph, "stem1") == branches
    assert sources(graph, "inception1.cat") == branches
    assert not any(edge.skips for edge in graph.edges)
    boxes = laid_out(graph).boxes
    tops = {boxes[branch].top for branch in branches}
    assert len(tops) == 1, "branches stand side by side"
    assert boxes["inception1.cat"].top > max(tops)


def test_the_residual_block_has_a_shortcut_that_passes_its_convolutions():
    graph = opened_first("course-residual")
    [skip] = [e for e in graph.edges if e.skips and e.target.startswith("residual1")]
    assert (skip.source, skip.target) == ("stem1.pool", "residual1.add")
    layout = laid_out(graph)
    [route] = [route for route in layout.routes if route.edge == skip]
    convolution = layout.boxes["residual1.conv1"]
    assert max(x for x, _ in route.points) > convolution.left + convolution.width
    main = [layout.boxes[f"residual1.{name}"].center for name in ("conv1", "conv2", "add")]
    assert max(main) - min(main) < 0.1, "the longer way stays straight"


@pytest.mark.parametrize("shortcut", ["conv", "constant-scaling"])
def test_the_published_mistake_leaves_conv1_unread(shortcut):
    graph = opened_first(f"course-residual, {shortcut}, as published")
    assert graph.unread == ("residual1.conv1", "residual2.conv1")
    assert opened_first(f"course-residual, {shortcut}").unread == ()
    boxes = laid_out(graph).boxes
    assert boxes[OUTPUT].center == pytest.approx(boxes[INPUT].center, abs=0.1)


def test_a_1x1_convolution_on_the_shortcut_is_a_branch():
    graph = opened_first("course-residual, conv")
    assert sources(graph, "residual1.add") == {"residual1.conv2", "residual1.conv_shortcut"}
    assert not any(edge.skips for edge in graph.edges)


def test_each_concatenation_of_a_dense_block_reads_the_one_before():
    graph = fold(outline_of(SPECS["densenet"]), ["dense_block1"])
    assert sources(graph, "dense_block1.cat_2") == {"dense_block1.cat", "dense_block1.layer2"}
    assert sum(edge.skips for edge in graph.edges) == 4


def test_small_layers_share_the_box_of_their_neighbour():
    operations = [layer.operation for layer in node(opened_first("resnet18"), "stem.conv").layers]
    assert operations == ["Conv2d", "BatchNorm2d", "ReLU"]
    operations = [layer.operation for layer in node(opened_first("vgg11"), "dense1").layers]
    assert operations == ["Flatten", "Linear", "ReLU", "Dropout"]


def test_a_small_layer_keeps_its_own_box_where_others_read_the_same_tensor():
    layers = [
        row("conv", IMAGE),
        row("relu", "conv", kind="activation"),
        row("add", "relu", "conv", kind="join"),
    ]
    graph = fold(outline(layers), ())
    assert [one.path for one in inner(graph)] == ["conv", "relu", "add"]
    assert sources(graph, "add") == {"relu", "conv"}


# Places


def points_on(route: Route) -> Iterator[Point]:
    """Points along the line as the SVG draws it: an S is a cubic curve, vertical at both ends."""
    for (x1, y1), (x2, y2) in pairwise(route.points):
        for step in range(21):
            t = step / 20
            bend = 3 * t * t - 2 * t**3  # of x: control points above each other
            middle = (y1 + y2) / 2
            y = (1 - t) ** 3 * y1 + 3 * t * (1 - t) * middle + t**3 * y2
            yield x1 + (x2 - x1) * bend, y


def holds(box: Box, point: Point) -> bool:
    """Whether the point is inside, half a pixel and more from the edge."""
    x, y = point[0] - box.left, point[1] - box.top
    return 0.5 < x < box.width - 0.5 and 0.5 < y < box.height - 0.5


def overlap(one: Box, other: Box) -> bool:
    return (
        one.left < other.left + other.width
        and other.left < one.left + one.width
        and one.top < other.top + other.height
        and other.top < one.top + one.height
    )


def assert_nothing_overlaps(graph: Graph) -> None:
    """No two boxes overlap, no line crosses a box or the name of a frame, all inside the page."""
    layout = laid_out(graph)
    assert set(layout.boxes) == {one.path for one in graph.nodes}
    for one, other in combinations(layout.boxes, 2):
        assert not overlap(layout.boxes[one], layout.boxes[other]), (one, other)
    names = [
        Box(box.left + 6, box.top + 2, text_width(frame_name(graph, block), bold=True), 15, 0)
        for block, box in layout.frames.items()
    ]
    assert [route.edge for route in layout.routes] == list(graph.edges)
    for route in layout.routes:
        points = list(points_on(route))
        for path, box in layout.boxes.items():
            assert not any(holds(box, point) for point in points), (route.edge, path)
        for box in names:
            assert not any(holds(box, point) for point in points), route.edge
        assert all(0 <= x <= layout.width and 0 <= y <= layout.height for x, y in points)
        assert_joins(route, layout)


def assert_joins(route: Route, layout: Layout) -> None:
    """The line leaves its source below and reaches its target from above, only downwards."""
    source, target = layout.boxes[route.edge.source], layout.boxes[route.edge.target]
    assert route.points[0] == pytest.approx((source.center, source.top + source.height), abs=0.1)
    assert route.points[-1] == pytest.approx((target.center, target.top), abs=0.1)
    heights = [y for _, y in route.points]
    assert heights == sorted(heights)


@every_network
def test_nothing_overlaps_and_no_line_crosses_a_box(spec):
    outlined = outline_of(spec)
    for opened in (readable(outlined), tuple(outlined.blocks)[:1], ()):
        assert_nothing_overlaps(fold(outlined, opened))


@every_network
def test_an_open_block_frames_its_own_boxes_and_no_others(spec):
    outlined = outline_of(spec)
    graph = fold(outlined, readable(outlined))
    layout = laid_out(graph)
    for block, frame in layout.frames.items():
        for one in graph.nodes:
            box = layout.boxes[one.path]
            assert overlap(frame, box) == (block in one.blocks), (block, one.path)


def test_long_edges_through_several_blocks_pass_at_the_side():
    layers = [row("down1.x", IMAGE), row("down1.y", "down1.x"), row("down2.x", "down1.y"),
              row("down2.y", "down2.x"), row("up1.x", "down2.y"),
              row("up1.cat", "up1.x", "down1.x", kind="join"), row("up1.y", "up1.cat"),
              row("up2.x", "up1.y"), row("up2.cat", "up2.x", IMAGE, kind="join")]  # fmt: skip
    for opened in ((), ("down1", "down2", "up1", "up2"), ("up1",)):
        graph = fold(outline(layers), opened)
        assert sum(edge.skips for edge in graph.edges) == 2
        assert_nothing_overlaps(graph)


def test_a_long_name_of_a_block_stays_beside_the_arrow():
    name = "a_module_with_a_name_that_is_wider_than_what_is_inside"
    layers = [row(f"{name}.x", IMAGE), row(f"{name}.y", f"{name}.x"), row("z", f"{name}.y")]
    assert_nothing_overlaps(fold(outline(layers), [name]))


def test_parallel_edges_between_all_boxes_stay_apart():
    """Every layer reads all before it, as in torchvision's DenseNet."""
    names = [IMAGE, *(f"l{place}" for place in range(12))]
    layers = [row(name, *names[:place]) for place, name in enumerate(names) if place]
    assert_nothing_overlaps(fold(outline(layers), ()))


def test_the_largest_network_is_drawn_in_well_under_a_second():
    layers = analysis_of(SPECS["densenet121"]).layers
    began = time.process_time()
    outlined = outline(layers)
    svg(fold(outlined, readable(outlined)), "first")
    first = time.process_time() - began
    svg(fold(outlined, outlined.blocks), "all")
    assert first < 0.25  # 0.04 s as measured
    assert time.process_time() - began < 2  # 0.3 s as measured


# SVG

NAMESPACE = "{http://www.w3.org/2000/svg}"


@every_network
def test_the_svg_is_well_formed_and_says_what_it_shows(spec):
    root = ElementTree.fromstring(svg(opened_first_of(spec), f"Picture of {spec.arch}"))
    assert root.tag == f"{NAMESPACE}svg"
    assert root.get("role") == "img"
    assert root.get("aria-label") == f"Picture of {spec.arch}"
    assert root.findtext(f"{NAMESPACE}title") == f"Picture of {spec.arch}"
    assert "currentColor" not in ElementTree.tostring(root, "unicode")
    ids = {one.tag.removeprefix(NAMESPACE) for one in root.iter()}
    assert ids <= {"svg", "title", "rect", "g", "path", "text", "tspan", "circle"}


def opened_first_of(spec: ModelSpec) -> Graph:
    return fold(outline_of(spec), readable(outline_of(spec)))


@every_network
def test_each_block_of_the_svg_can_be_opened_or_folded(spec):
    graph = opened_first_of(spec)
    root = ElementTree.fromstring(svg(graph, "x"))
    found = {one.get("data-block"): one.get("data-open") for one in root.iter(f"{NAMESPACE}g")}
    expected = dict.fromkeys(graph.open_blocks, "true")
    expected |= {one.path: "false" for one in inner(graph) if one.is_block}
    assert {block: state for block, state in found.items() if block} == expected


def texts(picture: str) -> list[str]:
    root = ElementTree.fromstring(picture)
    return ["".join(one.itertext()) for one in root.iter(f"{NAMESPACE}text")]


def test_boxes_carry_name_operation_shape_parameters_and_macs():
    shown = texts(svg(opened_first("vgg11"), "VGG-11"))
    assert shown.count("conv1  Conv2d 3×3, ReLU") == 5
    for words in ("image 1×224×224", "64×224×224", "640 params · 28.9\u2009M MACs",
                  "pool  MaxPool2d 2×2", "classes 10"):  # fmt: skip
        assert words in [text.replace("640\u2009", "640 ") for text in shown]


def test_a_stride_and_an_unread_result_are_written_down():
    assert "Conv2d 7×7 /2, BatchNorm2d, ReLU" in texts(svg(opened_first("resnet18"), "x"))
    published = texts(svg(opened_first("course-residual, conv, as published"), "x"))
    assert published.count("read by no layer") == 2


def hostile(analysis: Analysis, name: str) -> list[LayerCost]:
    """The layers with every block's name replaced."""

    def renamed(path: str) -> str:
        return path if path == IMAGE else path.replace("residual1", name)

    return [
        replace(one, path=renamed(one.path), inputs=tuple(map(renamed, one.inputs)))
        for one in analysis.layers
    ]


@pytest.mark.parametrize("is_open", [True, False])
def test_names_are_data_and_stay_text(is_open):
    name = "<script>alert(1)</script>\"'&]]>"
    layers = hostile(analysis_of(SPECS["course-residual"]), name)
    picture = svg(fold(outline(layers), [name] if is_open else []), f"{name} & more")
    assert "<script" not in picture
    root = ElementTree.fromstring(picture)
    assert root.get("aria-label") == f"{name} & more"
    assert name in [one.get("data-block") for one in root.iter(f"{NAMESPACE}g")]


def test_colors_repeat_what_the_words_say():
    from core.report.figures.palette import KIND_COLORS

    picture = svg(opened_first("vgg11"), "x")
    for kind in ("convolution", "pooling", "linear"):
        assert KIND_COLORS[kind] in picture
    assert INK in picture


def test_the_two_ends_are_the_image_and_the_classes():
    graph = opened_first("lenet")
    assert (graph.nodes[0].path, graph.nodes[-1].path) == (INPUT, OUTPUT)
    assert graph.nodes[0].shape == (1, 1, 28, 28)
    assert graph.nodes[-1].shape == (1, 10)
    assert sources(graph, OUTPUT) == {inner(graph)[-1].path}

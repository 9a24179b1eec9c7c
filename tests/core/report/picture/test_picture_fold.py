"""What of a network's picture is folded, and which arrows lead where."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import networkx
import pytest

from core.analysis.records import IMAGE
from core.report.picture.fold import (
    INPUT,
    OUTPUT,
    READABLE,
    fold,
    readable,
)
from core.report.picture.outline import outline
from core.specs import LabError
from tests.core.report.picture.picture_examples import (
    SPECS,
    analysis_of,
    assert_nothing_overlaps,
    every_network,
    fold_states,
    graphs,
    inner,
    laid_out,
    members,
    node,
    opened_first,
    outline_of,
    row,
    sources,
    targets,
)

pytestmark = pytest.mark.slow


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
        for box in graph.nodes:
            assert set(box.blocks) <= set(opened)
            if box.is_block:
                assert box.block not in opened
                modules = members(outline_of(spec), box) or (box.path,)
                assert len(modules) == box.count
                own = {
                    layer.path
                    for layer in layers
                    for module in modules
                    if layer.path.startswith(f"{module}.")
                }
                assert {layer.path for layer in box.layers} == own


@every_network
def test_arrows_are_those_of_the_quotient_graph_and_never_lead_back(spec):
    layers = analysis_of(spec).layers
    all_layers = networkx.DiGraph((path, layer.path) for layer in layers for path in layer.inputs)
    all_layers.add_edge(layers[-1].path, OUTPUT)
    for graph in graphs(spec):
        boxes = [
            frozenset(layer.path for layer in box.layers) or frozenset({end})
            for box, end in zip(
                graph.nodes, [IMAGE, *[""] * len(inner(graph)), OUTPUT], strict=True
            )
        ]
        quotient = networkx.quotient_graph(all_layers, boxes)
        path_of = dict(zip(boxes, (box.path for box in graph.nodes), strict=True))
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
        assert [box.path for box in first.nodes] == [box.path for box in everything.nodes]
        assert first.edges == everything.edges
    else:
        assert len(inner(first)) > len(inner(fold(outlined, ())))


def test_unknown_blocks_change_nothing():
    outlined = outline_of(SPECS["vgg11"])
    assert fold(outlined, ["block9", "<b>", ""]) == fold(outlined, ())


def test_too_many_boxes_are_refused_in_a_sentence():
    layers = analysis_of(SPECS["vgg11"]).layers
    [layer] = [layer for layer in layers if layer.path == "block1.conv1"]
    layers = [
        replace(layer, path=f"conv{index}", inputs=(f"conv{index - 1}" if index else IMAGE,))
        for index in range(401)
    ]
    with pytest.raises(LabError, match="401 boxes, at most 400 work"):
        fold(outline(layers), ())


def test_lists_that_take_turns_are_seen_through():
    layers = [row("convs.0", IMAGE), row("norms.0", "convs.0", kind="pooling"),
              row("convs.1", "norms.0"), row("norms.1", "convs.1", kind="pooling")]  # fmt: skip
    graph = fold(outline(layers), ())
    assert [box.path for box in inner(graph)] == ["convs.0", "norms.0", "convs.1", "norms.1"]
    assert graph.open_blocks == ()


def test_a_module_that_is_called_twice_is_seen_through():
    layers = [row("a.x", IMAGE), row("a.y", "a.x"), row("b.x", "a.y"), row("b.y", "b.x"),
              row("a.x_2", "b.y"), row("a.y_2", "a.x_2")]  # fmt: skip
    graph = fold(outline(layers), ())
    assert [box.path for box in inner(graph)] == ["a.x", "a.y", "b", "a.x_2", "a.y_2"]


def test_a_module_inside_nothing_but_its_parent_is_no_block_of_its_own():
    outlined = outline([row("a.b.x", IMAGE), row("a.b.y", "a.b.x"), row("c", "a.b.y")])
    assert list(outlined.blocks) == ["a"]


def test_parameters_that_no_layer_owns_are_in_their_modules_block():
    unused = replace(row("a"), params=9)
    layers = [row("a.x", IMAGE), row("a.y", "a.x"), row("c", "a.y"), unused]
    assert [box.params for box in inner(fold(outline(layers), ()))] == [11, 1]
    opened = fold(outline(layers), ["a"])
    assert [box.path for box in inner(opened)] == ["a.x", "a.y", "c", "a"]
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


def test_vgg11_is_a_chain_of_8_convolutions_5_poolings_and_3_linear_layers():
    graph = opened_first("vgg11")
    names = [box.path for box in graph.nodes]
    assert [(e.source, e.target) for e in graph.edges] == list(pairwise(names))
    kinds = [box.kind for box in inner(graph)]
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
    assert [box.path for box in inner(graph)] == ["conv", "relu", "add"]
    assert sources(graph, "add") == {"relu", "conv"}

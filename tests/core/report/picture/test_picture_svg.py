"""The picture as SVG: well-formed, readable, safe."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest

from core.analysis.records import IMAGE, Analysis, LayerCost
from core.report.picture.fold import (
    INPUT,
    OUTPUT,
    fold,
)
from core.report.picture.outline import outline
from core.report.picture.svg import INK, svg
from tests.core.report.picture.picture_examples import (
    SPECS,
    analysis_of,
    every_network,
    inner,
    opened_first,
    opened_first_of,
    sources,
)

NAMESPACE = "{http://www.w3.org/2000/svg}"


@every_network
def test_the_svg_is_well_formed_and_says_what_it_shows(spec):
    root = ElementTree.fromstring(svg(opened_first_of(spec), f"Picture of {spec.arch}"))
    assert root.tag == f"{NAMESPACE}svg"
    assert root.get("role") == "img"
    assert root.get("aria-label") == f"Picture of {spec.arch}"
    assert root.findtext(f"{NAMESPACE}title") == f"Picture of {spec.arch}"
    assert "currentColor" not in ElementTree.tostring(root, "unicode")
    ids = {element.tag.removeprefix(NAMESPACE) for element in root.iter()}
    assert ids <= {"svg", "title", "rect", "g", "path", "text", "tspan", "circle"}


@every_network
def test_each_block_of_the_svg_can_be_opened_or_folded(spec):
    graph = opened_first_of(spec)
    root = ElementTree.fromstring(svg(graph, "x"))
    states = {
        element.get("data-block"): element.get("data-open")
        for element in root.iter(f"{NAMESPACE}g")
    }
    expected = dict.fromkeys(graph.open_blocks, "true")
    expected |= {box.block: "false" for box in inner(graph) if box.is_block}
    assert {block: state for block, state in states.items() if block} == expected


def texts(picture: str) -> list[str]:
    root = ElementTree.fromstring(picture)
    return ["".join(element.itertext()) for element in root.iter(f"{NAMESPACE}text")]


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
        replace(layer, path=renamed(layer.path), inputs=tuple(map(renamed, layer.inputs)))
        for layer in analysis.layers
    ]


@pytest.mark.parametrize("is_open", [True, False])
def test_names_are_data_and_stay_text(is_open):
    name = "<script>alert(1)</script>\"'&]]>"
    layers = hostile(analysis_of(SPECS["course-residual"]), name)
    picture = svg(fold(outline(layers), [name] if is_open else []), f"{name} & more")
    assert "<script" not in picture
    root = ElementTree.fromstring(picture)
    assert root.get("aria-label") == f"{name} & more"
    assert name in [element.get("data-block") for element in root.iter(f"{NAMESPACE}g")]


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

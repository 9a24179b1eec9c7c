"""Blocks that repeat: which are put together, what their box says, how they open."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from core.analysis import analyze_module
from core.report.picture.fold import READABLE, Graph, fold, readable
from core.report.picture.outline import Outline, outline
from core.report.picture.svg import svg
from core.zoo.catalogue import find
from tests.core.report.picture.picture_examples import (
    SPECS,
    analysis_of,
    inner,
    node,
    opened_first,
    outline_of,
)

pytestmark = pytest.mark.slow


class Block(nn.Module):
    """A residual block, x + conv2(ReLU(conv1(x))); with a stride or another width without x."""

    def __init__(self, width: int = 8, out: int = 8, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, out, 3, stride, 1)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.conv2(self.conv1(x).relu())
        return x + y if x.shape == y.shape else y


def repeats(module: nn.Module) -> dict[str, int]:
    """How many blocks are put together, by the path of the repetition."""
    outlined = outline(analyze_module(module, (8, 16, 16)).layers)
    return {path: len(blocks) for path, blocks in outlined.repeats.items()}


def chain(change: Callable[[nn.Sequential], None] = lambda blocks: None) -> nn.Sequential:
    """Five blocks that are the same, but for `change`."""
    blocks = nn.Sequential(*(Block() for _ in range(5)))
    change(blocks)
    return blocks


def paths(graph: Graph) -> list[str]:
    return [box.path for box in inner(graph)]


# What is put together --------------------------------------------------------------------------


def test_blocks_that_are_the_same_are_one_box():
    assert repeats(chain()) == {"0–4": 5}


def freeze(blocks: nn.Sequential) -> None:
    blocks[2].conv2.weight.requires_grad_(False)


def share(blocks: nn.Sequential) -> None:
    blocks[2].conv1.weight = blocks[1].conv1.weight


def use_another_function(blocks: nn.Sequential) -> None:
    blocks[2] = nn.Sequential(nn.Conv2d(8, 8, 3, 1, 1), nn.Sigmoid(), nn.Conv2d(8, 8, 3, 1, 1))


def use_another_stride(blocks: nn.Sequential) -> None:
    blocks[2] = Block(stride=2)


def dilate(blocks: nn.Sequential) -> None:
    blocks[2].conv1 = nn.Conv2d(8, 8, 3, 1, 2, dilation=2)


def share_inside(blocks: nn.Sequential) -> None:
    blocks[2].conv1.weight = blocks[2].conv2.weight


@pytest.mark.parametrize(
    "change",
    [freeze, share, use_another_function, use_another_stride, dilate, share_inside],
    ids=lambda change: change.__name__,
)
def test_a_block_that_differs_is_not_put_together_with_its_neighbors(change):
    assert repeats(chain(change)) == {"0–1": 2, "3–4": 2}


def test_blocks_of_another_width_are_not_put_together():
    module = nn.Sequential(Block(), Block(), Block(8, 12), Block(12, 12), Block(12, 12))
    assert repeats(module) == {"0–1": 2, "3–4": 2}


def test_a_result_that_another_layer_reads_too_ends_the_chain():
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.blocks = nn.ModuleList(Block() for _ in range(5))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            middle = self.blocks[2](self.blocks[1](self.blocks[0](x)))
            return torch.cat([middle, self.blocks[4](self.blocks[3](middle))], 1)

    assert repeats(Net()) == {"blocks.0–2": 3, "blocks.3–4": 2}


def test_branches_beside_each_other_are_no_chain():
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.left, self.right = Block(), Block()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.cat([self.left(x), self.right(x)], 1)

    assert repeats(Net()) == {}


def test_modules_of_several_layers_in_one_box_repeat_and_single_layers_do_not():
    def layers() -> nn.Sequential:
        return nn.Sequential(nn.Conv2d(8, 8, 3, 1, 1), nn.BatchNorm2d(8), nn.ReLU())

    module = nn.Sequential(*(layers() for _ in range(6)))
    outlined = outline(analyze_module(module, (8, 16, 16)).layers)
    assert paths(fold(outlined, ())) == ["0–5"]
    assert paths(fold(outlined, ["0–5"])) == [str(index) for index in range(6)]
    assert repeats(nn.Sequential(*(nn.Conv2d(8, 8, 3, 1, 1) for _ in range(6)))) == {}


def test_names_that_could_be_taken_for_a_repetition_are_put_together_nowhere():
    module = nn.Sequential()
    for name in ("1", "2", "1–2"):
        module.add_module(name, Block())
    assert repeats(module) == {}


# Closed forms ------------------------------------------------------------------------------------


def test_the_box_of_35_bottlenecks_holds_35_times_their_parameters_and_macs():
    """He et al. 2016, table 1: 3, 8, 36 and 3 blocks; the first of each stage is another one."""
    outlined = outline_of(SPECS["torchvision/resnet152"])
    graph = fold(outlined, ["layer1", "layer2", "layer3", "layer4"])
    counts = {box.path: box.count for box in inner(graph) if box.count > 1}
    assert counts == {"layer1.1–2": 2, "layer2.1–7": 7, "layer3.1–35": 35, "layer4.1–2": 2}
    for stage, (path, count) in enumerate(counts.items()):
        width, side = 64 * 2**stage, 56 // 2**stage
        weights = 4 * width * width + 9 * width * width + width * 4 * width
        box = node(graph, path)
        assert box.params == count * (weights + 2 * (width + width + 4 * width))
        assert box.macs == count * weights * side**2
        assert box.shape == (1, 4 * width, side, side)


def test_the_box_of_12_encoder_blocks_holds_12_times_12_squares_of_the_width():
    outlined = outline_of(SPECS["torchvision/vit_b_16"])
    box = node(fold(outlined, ["encoder", "encoder.layers"]), "encoder.layers.encoder_layer_0–11")
    width, tokens = 768, 197
    assert box.params == 12 * (12 * width**2 + 13 * width)
    assert box.macs == 12 * (12 * width**2 * tokens + 2 * tokens**2 * width)


@pytest.mark.parametrize("name", ["torchvision/vit_b_16", "torchvision/resnet152", "resnet110"])
def test_sums_are_the_totals_while_any_block_of_a_repetition_is_open(name):
    outlined, totals = outline_of(SPECS[name]), analysis_of(SPECS[name]).totals
    for path, blocks in outlined.repeats.items():
        around = outlined.blocks[path][0].blocks
        outer = around[: around.index(path)]
        middle = blocks[len(blocks) // 2]
        for opened in ((), (path,), (middle,), (path, middle), blocks, (blocks[0], blocks[-1])):
            graph = fold(outlined, (*outer, *opened))
            assert sum(box.params for box in graph.nodes) == totals.params
            assert sum(box.macs for box in graph.nodes) == totals.macs


# What is open ------------------------------------------------------------------------------------


def resnet152(*opened: str) -> list[str]:
    """The boxes of layer2 with these blocks open."""
    graph = fold(outline_of(SPECS["torchvision/resnet152"]), ["layer2", *opened])
    return [path for path in paths(graph) if path.startswith("layer2")]


def test_a_repetition_opens_into_its_blocks_and_one_open_block_leaves_the_others_together():
    blocks = [f"layer2.{index}" for index in range(1, 8)]
    inside = ["conv1", "conv2", "conv3", "add"]
    assert resnet152() == ["layer2.0", "layer2.1–7"]
    assert resnet152("layer2.1–7") == ["layer2.0", *blocks]
    assert resnet152("layer2.3") == [
        "layer2.0",
        "layer2.1–2",
        *(f"layer2.3.{name}" for name in inside),
        "layer2.4–7",
    ]
    assert resnet152("layer2.6")[-1] == "layer2.7"
    assert resnet152("layer2.1–2", "layer2.4–7", "layer2.9") == resnet152()


def test_every_box_of_a_repetition_opens_the_whole():
    graph = fold(outline_of(SPECS["torchvision/resnet152"]), ["layer2", "layer2.3"])
    assert {node(graph, path).block for path in ("layer2.1–2", "layer2.4–7")} == {"layer2.1–7"}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("torchvision/resnet152", "▸ layer3.1–35 × 35"),
        ("torchvision/vit_b_16", "▸ encoder_layer_1–11 × 11"),
        ("timm/vit_base_patch16_224", "▸ blocks.1–11 × 11"),
        ("resnet110", "▸ unit2–18 × 17"),
    ],
)
def test_deep_networks_are_read_at_first_sight(name, shown):
    if name.startswith("timm/"):
        pytest.importorskip("timm")
    spec = SPECS.get(name) or find(name).default
    outlined = outline_of(spec)
    graph = fold(outlined, readable(outlined))
    assert len(inner(graph)) <= READABLE
    picture = svg(graph, name)
    assert f">{shown}<" in picture
    stacked = [box for box in inner(graph) if box.count > 1]
    assert all(f'data-block="{box.block}" data-open="false"' in picture for box in stacked)


def test_an_open_repetition_says_how_many_blocks_it_holds():
    outlined: Outline = outline_of(SPECS["torchvision/resnet152"])
    assert ">▾ layer2.1–7 × 7<" in svg(fold(outlined, ["layer2", "layer2.1–7"]), "x")
    assert opened_first("vgg11").counts == {}

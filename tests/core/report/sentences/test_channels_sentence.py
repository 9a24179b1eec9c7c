"""in_channels along a network (Q5)."""

from __future__ import annotations

import pytest
from torch import nn

from core.analysis import analyze, analyze_module
from core.explain.channels import channels, usual_mistake
from core.explain.shape_errors import shape_errors
from core.report.sentences.channels import channels_sentence
from core.specs import ModelSpec
from core.zoo.building import build_on_meta

CHAINS = ("vgg11/1/64/1/10", "vgg19/8/64/3/10", "alexnet/3/128/3/10", "lenet/1/28/1/10")


@pytest.mark.parametrize("text", [*CHAINS, "torchvision/vgg13/1/64/3/1000"])
def test_a_chain_is_that_of_the_modules(text):
    spec = ModelSpec.from_text(text)
    analysis = analyze(spec)
    modules = [one for one in build_on_meta(spec).modules() if isinstance(one, nn.Conv2d)]
    chain = [modules[0].in_channels, *(one.out_channels for one in modules)]
    sentence = channels_sentence(analysis)
    assert f": {' → '.join(f'{count:,}' for count in chain)}." in sentence
    changes = sum(one.in_channels != one.out_channels for one in modules)
    assert sentence.endswith(f"{changes} of {len(modules)} change them.")


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (CHAINS[0], "block3.conv2"),  # the first that a loop builds behind another
        (CHAINS[1], "block1.conv2"),
        (CHAINS[2], "block2.conv"),  # no block has two
        ("resnet18/1/64/3/10", None),
        ("torchvision/vit_b_16/1/224/3/1000", None),
    ],
)
def test_what_breaks_without_it_is_a_layer_that_pytorch_refuses(text, path):
    analysis = analyze(ModelSpec.from_text(text))
    assert usual_mistake(analysis) == path
    if path:
        [error] = shape_errors(path, analysis)
        assert "channels" in error.error


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("course-inception/1/28/1/10", "stem1 1 → 10, inception1 10 → 88, stem2 88 → 20"),
        ("resnet50/1/64/3/10", "stem 3 → 64, stage1 64 → 256, stage2 256 → 512"),
        ("torchvision/mobilenet_v3_small/1/64/3/1000", "features.0 3 → 16, features.1 16 → 16"),
    ],
)
def test_where_there_are_branches_each_block_says_what_it_reads(text, parts):
    sentence = channels_sentence(analyze(ModelSpec.from_text(text)))
    assert "each block reads what those before it give" in sentence and parts in sentence


class _Skip(nn.Module):
    """A decoder that reads two maps."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.middle = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 8, 1)
        self.up = _Up()

    def forward(self, images):
        down = self.down(images)
        return self.up(self.middle(down), down)


class _Up(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.side = nn.Conv2d(8, 2, 1), nn.Conv2d(4, 2, 1)

    def forward(self, deep, shallow):
        return self.conv(deep) + self.side(shallow)


def test_a_block_that_reads_two_maps_says_both():
    analysis = analyze_module(_Skip(), (1, 8, 8))
    assert channels(analysis).steps[-1].reads == (8, 4)
    assert "up 8 and 4 → 2" in channels_sentence(analysis)


def test_nothing_is_said_of_one_convolution_or_none():
    for net in (nn.Conv2d(1, 2, 3), nn.Sequential(nn.Flatten(), nn.Linear(64, 2))):
        analysis = analyze_module(net, (1, 8, 8))
        assert channels_sentence(analysis) == "" and usual_mistake(analysis) is None


def test_a_long_chain_is_cut():
    net = nn.Sequential(*(nn.Conv2d(2, 2, 1) for _ in range(30)))
    assert "→ … (11 more). 0 of 30 change them." in channels_sentence(
        analyze_module(net, (2, 4, 4))
    )

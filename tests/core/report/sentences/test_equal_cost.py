"""Halved sides and doubled channels: what of convolutions is equal (Q16)."""

from __future__ import annotations

import pytest
from torch import nn

from core.analysis import analyze, analyze_module
from core.report.sentences.equal_cost import equal_cost_sentence
from core.specs import ModelSpec


def told(text: str, as_flops: bool = False) -> str:
    sentence = equal_cost_sentence(analyze(ModelSpec.from_text(text)).layers, as_flops)
    return sentence.replace("\u2009", " ")


def of_module(*layers: nn.Module) -> str:
    return equal_cost_sentence(analyze_module(nn.Sequential(*layers), (2, 16, 16)).layers)


def test_equal_macs_with_parameters_that_grow_fourfold():
    macs = 9 * 64 * 128 * 112**2  # = 9 · 128 · 256 · 56² = 9 · 256 · 512 · 28²
    assert told("vgg11/1/224/1/10").startswith(
        f"3 of the 8 convolutions take the same {macs / 1e6:.1f} M MACs, while their"
        " parameters grow from 73.9 k to 1.18 M, 4-fold with each step. Over all of them"
    )
    assert f"{2 * macs / 1e9:.2f} G FLOPs" in told("vgg11/1/224/1/10", as_flops=True)


@pytest.mark.parametrize(
    ("network", "start"),
    [
        ("resnet18/1/224/3/1000", "13 of the 20 convolutions take the same 115.6 M MACs, while"),
        ("vgg19/4/224/1/10", "8 of the 16 convolutions take the same"),
        ("densenet121/1/224/3/1000", "25 of the 120 convolutions take the same 7.23 M MACs, each"),
        ("lenet/1/28/1/10", "No two of the 2 convolutions take the same MACs; their parameters"),
        # equal but for the biases: 384 → 256 and 256 → 384 channels
        ("alexnet/1/224/1/10", "2 of the 5 convolutions take the same 127.4 M MACs, each with"),
        ("torchvision/vit_b_16/1/224/3/1000", "conv_proj is the only convolution: 115.6 M MACs"),
    ],
)
def test_other_networks(network, start):
    assert told(network).startswith(start)


def test_the_counts_are_those_of_the_layers():
    for name in ("resnet50", "googlenet"):
        layers = analyze(ModelSpec(name, 2, 64, 3)).layers
        macs = [layer.macs for layer in layers if layer.kind == "convolution"]
        most = max(map(macs.count, macs))
        assert equal_cost_sentence(layers).startswith(f"{most} of the {len(macs)} convolutions")


def test_edges():
    same = [nn.Conv2d(2, 2, 3, padding=1) for _ in range(3)]
    assert of_module(*same).startswith("All 3 convolutions take the same")
    assert "each with 38 parameters" in of_module(*same)
    shared = nn.Conv2d(2, 2, 3, padding=1)
    assert "All 2 convolutions" in of_module(shared, shared)
    assert of_module(nn.Flatten(), nn.Linear(512, 3)) == ""
    shrinking = [nn.Conv2d(2, 8, 1), nn.Conv2d(8, 2, 1), nn.Conv2d(2, 2, 1), nn.Conv2d(2, 8, 1)]
    assert "3 of the 4 convolutions" in of_module(*shrinking)
    assert "grow" not in of_module(*shrinking)

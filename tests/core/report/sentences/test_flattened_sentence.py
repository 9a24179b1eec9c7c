"""Where the inputs of the first linear layer come from (Q8, Q18)."""

from __future__ import annotations

import pytest
from torch import nn

from core.analysis import analyze, analyze_module
from core.explain.flattened import flattened
from core.explain.formulas import formulas
from core.report.sentences.flattened import flattened_sentence
from core.specs import ModelSpec
from core.zoo.catalogue import CATALOGUE

SENTENCES = {
    "vgg11/1/224/1/10": "512 channels × 7 × 7 = 25,088 inputs; 7 = 224 / 2⁵.",
    "vgg16/1/96/1/10": "512 channels × 3 × 3 = 4,608 inputs; 3 = 96 / 2⁵.",
    "vgg11/8/64/1/10": "64 channels × 2 × 2 = 256 inputs; 2 = 64 / 2⁵.",
    "vgg11/1/97/1/10": "512 channels × 3 × 3 = 4,608 inputs; 3 = ⌊97 / 2⁵⌋.",
    "vgg11/1/96x160/1/10": "512 channels × 3 × 5 = 7,680 inputs; 3 = 96 / 2⁵ and 5 = 160 / 2⁵.",
    "alexnet/1/224/1/10": "256 channels × 5 × 5 = 6,400 inputs; 224 → 54 → 26 → 12 → 5 pixels a"
    " side, not halvings alone.",
    "alexnet/1/227/3/10": "256 channels × 6 × 6 = 9,216 inputs; 227 → 55 → 27 → 13 → 6 pixels a"
    " side, not halvings alone.",
    "lenet/1/28x40/1/10": "16 channels × 5 × 8 = 640 inputs; 28 → 14 → 10 → 5 and"
    " 40 → 20 → 16 → 8 pixels, not halvings alone.",
    "torchvision/vgg11/1/160/3/1000": "512 channels × 7 × 7 = 25,088 inputs; AdaptiveAvgPool2d"
    " on the way fixes the map's size, whatever the image's.",
    "resnet18/1/64/3/10": "",  # global pooling
    "densenet/1/96/1/10": "",
    "torchvision/vit_b_16/1/224/3/1000": "",  # no map at all
}


@pytest.mark.parametrize("text", SENTENCES)
def test_of_any_network(text):
    assert flattened_sentence(analyze(ModelSpec.from_text(text)).layers) == SENTENCES[text]


@pytest.mark.parametrize("name", CATALOGUE)
def test_it_is_what_the_first_linear_layer_reads(name):
    """Global pooling aside, in every network of the lab."""
    layers = analyze(CATALOGUE[name].default).layers
    found = flattened(layers)
    first = next(layer for layer in layers if layer.kind == "linear")
    if found is None:
        assert "pool" in " ".join(layer.path for layer in layers[-4:])
    else:
        assert found.inputs == first.weight_shape[1]


class _Viewed(nn.Module):
    """A flatten that leaves no row of its own, and no halving."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(4 * 6 * 6, 2)

    def forward(self, images):
        return self.fc(self.conv(images).view(len(images), -1))


def test_a_view_counts_as_a_flatten():
    layers = analyze_module(_Viewed(), (3, 6, 6)).layers
    text = "4 channels × 6 × 6 = 144 inputs; 6 is the image's own side."
    assert flattened_sentence(layers, "fc") == text


def test_only_the_layer_that_reads_the_map_has_one():
    layers = analyze(ModelSpec("vgg13", 4, 64)).layers
    said = {layer.path for layer in layers if flattened_sentence(layers, layer.path)}
    assert said == {"dense1.flatten", "dense1.linear"}


def test_the_formula_s_note_knows_what_the_size_changes():
    def note(net: nn.Module) -> str:
        layers = analyze_module(net, (1, 8, 8)).layers
        flatten = next(layer for layer in layers if layer.operation == "Flatten")
        [found] = [one for one in formulas(flatten, layers) if one.quantity == "output features"]
        return found.note

    conv = nn.Conv2d(1, 2, 3)
    assert "change with the image's size" in note(nn.Sequential(conv, nn.Flatten()))
    for cells in (1, 3):
        pooled = nn.Sequential(conv, nn.AdaptiveAvgPool2d(cells), nn.Flatten())
        assert "whatever the image's size" in note(pooled)

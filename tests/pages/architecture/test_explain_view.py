"""The Explain view: formulas, hand counts, other counters (Q2, Q5, Q8, Q16, Q18)."""

from __future__ import annotations

import pytest

from core.analysis import analyze
from core.specs import ModelSpec
from tests.pages.opening import as_read, network_label, open_page

PAGE = "pages/architecture.py"


def test_a_layer_s_formulas_have_its_numbers():
    app = open_page(PAGE, net_view="Explain", net_layer="block2.conv1")
    frame = app.table[0].value
    assert frame.loc["parameters", "with this layer's numbers"] == "3 · 3 · 64 · 128 + 128"
    assert frame.loc["parameters", "value"] == "73,856"
    assert any("1×64×112×112 → 1×128×112×112" in text.value for text in app.markdown)


def test_what_was_built_is_said():
    app = open_page(PAGE, net_network=network_label("vgg16"), net_view="Explain")
    assert "configuration D (VGG-16)" in app.info[0].value


def test_a_hand_count_is_checked_and_stays_data():
    app = open_page(PAGE, net_view="Explain", net_topic="Hand count")
    area = app.text_area[0]
    area.set_value("conv1: 3x3x3x64\n__import__('os')\ntotal = 5").run()
    assert not app.exception
    sentences = as_read(" ".join(text.value for text in [*app.warning, *app.markdown]))
    assert "3 input channels instead of 1" in sentences
    assert "was left out of the check" in sentences
    exact = [
        f"{layer.path}: {' · '.join(map(str, layer.weight_shape))} + {layer.biases}"
        for layer in analyze(ModelSpec("vgg11")).layers
        if layer.params
    ]
    app.text_area[0].set_value("\n".join(exact)).run()
    assert app.success[0].value.startswith("Everything is right: 128,806,154 parameters")


def test_other_counters_are_reconciled():
    app = open_page(PAGE, net_view="Explain", net_topic="Other counters")
    frame = app.dataframe[-1].value
    assert "biases of convolutions, once for each pixel of the output" in list(frame["reason"])
    assert "not explained" not in list(frame["reason"])


@pytest.mark.parametrize(
    ("layer", "axes"),
    [  # Q18
        ("block1.conv1", "(images × channels × height × width); kernel 3×3"),
        ("dense1.flatten", "(images × channels × height × width → images × features)"),
        ("dense2.linear", "(images × features)"),
    ],
)
def test_the_numbers_of_a_shape_are_named(layer, axes):
    app = open_page(PAGE, net_view="Explain", net_layer=layer)
    assert any(axes in text.value for text in app.markdown)


@pytest.mark.parametrize(
    ("layer", "size", "error"),
    [  # Q5 and Q8
        ("block3.conv2", 224, "expected input[1, 256, 56, 56] to have 128 channels, but got 256"),
        ("dense1.linear", 96, "shapes cannot be multiplied (1x4608 and 25088x4096)"),
        ("dense1.linear", 224, "shapes cannot be multiplied (1x25088 and 4608x4096)"),
    ],
)
def test_what_pytorch_says_to_a_wrong_number_of_inputs_is_shown(layer, size, error):
    app = open_page(PAGE, net_view="Explain", net_layer=layer, net_size=str(size))
    assert error in app.code[0].value


def test_the_default_layer_shows_the_chain_of_in_channels_and_what_fails_without_it():
    app = open_page(PAGE, net_view="Explain")  # Q5

    shown = " ".join(element.value for element in app.markdown)
    assert "1 → 64 → 128 → 256 → 256 → 512 → 512 → 512 → 512" in shown
    assert "in_channels of a convolution" in shown.replace("\\", "")
    assert "block3.conv2: if its input channels stayed at the 128 of block3.conv1" in shown
    assert "to have 128 channels, but got 256 channels instead" in app.code[0].value


@pytest.mark.parametrize(
    ("network", "layer", "text"),
    [  # Q8 and Q18
        ("vgg11", "dense1.flatten", "512 channels × 7 × 7 = 25,088 inputs; 7 = 224 / 2⁵."),
        ("course-residual", "dense.linear", "32 channels × 4 × 4 = 512 inputs; 28 → 24 → 12"),
        ("course-inception", "stem2.conv", "inception1 10 → 88, stem2 88 → 20"),
    ],
)
def test_a_layer_says_where_its_inputs_come_from(network, layer, text):
    app = open_page(PAGE, net_network=network_label(network), net_view="Explain", net_layer=layer)
    assert any(text in element.value for element in app.markdown)

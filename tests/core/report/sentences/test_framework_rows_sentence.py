"""What is said of the rows that the frameworks print (Q1, Q20, Q21)."""

from __future__ import annotations

import pytest

from core.analysis import analyze
from core.report.sentences.framework_rows import rows_sentences
from core.specs import ModelSpec
from core.zoo.catalogue import complete


def told(name: str, size: int = 64, **options) -> str:
    spec = ModelSpec(name, image_size=size, options=tuple(options.items()))
    return " ".join(rows_sentences(analyze(complete(spec))))


def test_the_8_10_6_11_and_29_rows_of_vgg_11():
    text = told("vgg11", 224)
    assert text.startswith("8 rows here are blocks. MXNet prints 10, sequential1 to sequential5,")
    assert "its dense0 is dense1 here" in text and "Keras prints 6, as N×H×W×C: 5 blocks" in text
    assert "11 layers have weights: 8 convolutions and 3 linear layers" in text
    assert "3 of them stand behind another one inside blocks 3, 4 and 5" in text
    assert "29 modules run" in text and "gives the shapes of all 8 convolutions" in text


@pytest.mark.parametrize(
    ("name", "size", "parts"),
    [
        ("vgg19", 64, ("19 layers have weights", "11 of them stand", "45 modules run")),
        ("vgg16-c", 64, ("16 layers have weights", "8 of them stand", "39 modules run")),
        ("alexnet", 224, ("MXNet prints 13", "Keras prints 14", "all 21", "56×56")),
        ("lenet", 28, ("5 rows here", "MXNet prints 7", "Keras prints 8", "12 modules run")),
    ],
)
def test_other_chains_have_their_own_numbers(name, size, parts):
    text = told(name, size).replace("21 rows, one for each", "all 21")
    assert all(part in text for part in parts), text


def test_one_convolution_behind_another_is_told_in_the_singular():
    text = told("custom-vgg", conv_arch="1x8 2x8")
    assert "1 of them stands behind another one inside block 2, without a row of its own" in text
    assert "stand behind" not in told("custom-vgg", conv_arch="1x8 1x8")


def test_keras_s_sigmoid_is_where_the_network_has_one():
    assert "It ends in a sigmoid" in told("custom-vgg", last_activation="sigmoid")
    assert "“Your own VGG” with last activation “sigmoid” builds that" in told("vgg13")
    assert "sigmoid" not in told("lenet", 28).split("modules run")[1]

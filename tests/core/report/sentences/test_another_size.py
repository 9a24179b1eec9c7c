"""What images of another size change, and what was measured at two (Q3)."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from core.analysis import analyze
from core.report import formats
from core.report.sentences.another_size import (
    another_size_sentence,
    measured_at_sizes,
    measured_sentence,
)
from core.specs import ModelSpec
from core.studies.reproduction import read_runs, reproductions
from core.zoo.catalogue import complete, find

ROWS = cache(lambda: reproductions(read_runs()))


def told(text: str) -> str:
    spec = complete(ModelSpec.from_text(text))
    before = replace(spec, image_size=find(spec.arch).default.image_size)
    return another_size_sentence(analyze(before), analyze(spec)).replace("\u2009", " ")


def test_vgg_11_with_96_pixels():
    assert told("vgg11/1/96/1/10") == (
        "96 pixels instead of 224: the map of block5.pool has 3×3 cells instead of 7×7; a last"
        " unit sees 1.6 × the image's side instead of 67 % of it; dense1.linear has 18.9 M"
        " parameters instead of 102.8 M; 1.40 G MACs instead of 7.55 G. Fewer places are left to"
        " tell apart, in images of less detail: accuracy may fall."
    )


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("resnet18/1/64/3/1000", ("2×2 cells instead of 7×7", "no parameter depends on the size")),
        ("alexnet/1/300x260/1/10", ("8×7 cells", "65 % of the image's side", "There are more")),
        ("lenet/1/29/1/10", ("keeps its 5×5 cells", "no parameter depends on the size")),
        ("vgg13/2/97x160/3/10", ("97×160 pixels instead of 224", "3×5 cells", "may fall")),
        ("torchvision/vit_b_16/1/96/3/1000", ("6×6 cells instead of 14×14", "encoder.add has")),
        ("torchvision/squeezenet1_0/1/96/3/1000", ("5×5 cells instead of 13×13", "no parameter")),
    ],
)
def test_other_networks(text, parts):
    sentence = told(text)
    assert all(part in sentence for part in parts), sentence


def test_after_attention_nothing_is_said_of_what_a_unit_sees():
    assert "a last unit sees" not in told("torchvision/vit_b_16/1/96/3/1000")


def test_a_map_that_keeps_its_cells_is_no_reason_for_accuracy_to_fall():
    assert "accuracy" not in told("lenet/1/29/1/10")
    assert "accuracy" not in told("alexnet/1/300/1/10")


@pytest.mark.parametrize("size", [96, 64, (48, 80)])
def test_the_measured_pair_belongs_to_its_network(size):
    rows = measured_at_sizes(ROWS(), ModelSpec("vgg11", 4, size))
    assert {row.model.image_size for row in rows} == {224, 64}
    assert {(row.recipe, row.epochs) for row in rows} == {("published-vgg", 5)}
    sentence = measured_sentence(rows)
    for row in rows:
        assert row.final and formats.points(row.final.mean) in sentence
        assert row.machines in sentence
    assert "VGG-11 at ratio 4" in sentence and "float32" in sentence and "bfloat16" in sentence
    assert "the machines differ too" in sentence and "equal recipe and seeds" in sentence


@pytest.mark.parametrize(
    "text",
    [
        "vgg11/1/96/1/10",  # another ratio
        "vgg11/4/96/3/10",  # other channels
        "vgg11/4/96/1/100",
        "vgg13/4/96/1/10",
        "vgg16-forum/4/96/1/10",  # measured at one size
        "course-inception/1/32/1/10",
        "torchvision/vgg11/4/96/3/1000",
    ],
)
def test_of_other_networks_nothing_was_measured(text):
    assert measured_at_sizes(ROWS(), complete(replace(ModelSpec.from_text(text), options=()))) == []

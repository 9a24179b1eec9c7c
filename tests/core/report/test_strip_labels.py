"""The strip of a page: what stands above each of its boxes."""

from __future__ import annotations

import pytest

from core.analysis import analyze
from core.analysis.glance import glance_at
from core.report.glance import strip
from core.specs import ModelSpec
from core.zoo.catalogue import find


def labels(spec: ModelSpec) -> list[str]:
    return [stage["label"] for stage in strip(glance_at(analyze(spec), 1))["stages"]]


def test_square_maps_have_one_side():
    assert labels(ModelSpec("vgg11", image_size=96))[:2] == ["1×96²", "64×48²"]


def test_others_have_height_and_width():
    shown = labels(ModelSpec("vgg11", image_size=(96, 160)))
    assert shown[:2] == ["1×96×160", "64×48×80"] and shown[-1] == "10"


def test_a_map_has_sides_and_channels_and_a_vector_units():
    image, *_, last = strip(glance_at(analyze(ModelSpec("vgg11", image_size=(96, 160))), 1))[
        "stages"
    ]
    assert (image["side"], image["width"], image["channels"]) == (96, 160, 1)
    assert last["side"] is None and last["units"] == 10


def test_tokens_are_as_high_as_the_square_that_they_are_of():
    stages = strip(glance_at(analyze(find("torchvision/vit_b_16").default), 1))["stages"]
    encoder = next(stage for stage in stages if stage["name"] == "encoder")
    assert encoder["label"] == "197×768" and encoder["channels"] == 768
    assert encoder["side"] ** 2 == pytest.approx(197) and not encoder["width"]

"""The strip of a page: what stands above each of its boxes."""

from __future__ import annotations

from core.analysis import analyze
from core.analysis.glance import glance_at
from core.report.glance import strip
from core.specs import ModelSpec


def labels(spec: ModelSpec) -> list[str]:
    return [stage["label"] for stage in strip(glance_at(analyze(spec), 1))["stages"]]


def test_square_maps_have_one_side():
    assert labels(ModelSpec("vgg11", image_size=96))[:2] == ["1×96²", "64×48²"]


def test_others_have_height_and_width():
    shown = labels(ModelSpec("vgg11", image_size=(96, 160)))
    assert shown[:2] == ["1×96×160", "64×48×80"] and shown[-1] == "10"

"""Glances: a few numbers of an analysis, kept for the whole range of a slider."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.analysis import cpu
from core.analysis.glance import (
    VARIABLES,
    glance,
    glance_at,
    keep_glances,
    kept_glances,
    with_value,
)
from core.report.glance import strip, totals
from core.specs import LabError, ModelSpec
from tests.core.networks import DEFAULTS, analysis_of

LENET = ModelSpec("lenet", image_size=28)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_CACHE_DIR", str(tmp_path))


@pytest.mark.parametrize("name", DEFAULTS)
def test_a_glance_has_the_totals_and_its_stages_add_up_to_them(name):
    analysis = analysis_of(DEFAULTS[name])
    seen = glance_at(analysis, 128)
    assert (seen.params, seen.macs) == (analysis.totals.params, analysis.totals.macs)
    assert seen.training_bytes == analysis.training_bytes(128)
    assert sum(stage.params for stage in seen.stages) == seen.params
    assert sum(stage.macs for stage in seen.stages) == seen.macs
    assert seen.stages[-1].output_shape == analysis.layers[-1].output_shape


def test_what_cannot_be_built_has_none():
    assert glance(LENET, 4) == glance_at(analysis_of(LENET), 4)
    assert glance(replace(LENET, image_size=3), 4) is None


def test_the_slider_changes_one_thing():
    assert with_value(LENET, "ratio", 2) == replace(LENET, ratio=2)
    assert set(VARIABLES) == {"ratio", "image_size"}
    with pytest.raises(LabError, match="variable must be one of ratio, image_size"):
        with_value(LENET, "num_classes", 3)


def test_glances_are_kept_whichever_value_the_slider_has(monkeypatch):
    glances = {value: glance(with_value(LENET, "image_size", value), 4) for value in (3, 28, 32)}
    assert kept_glances(LENET, "image_size", 4) == {}
    keep_glances(LENET, "image_size", 4, glances)
    assert kept_glances(replace(LENET, image_size=32), "image_size", 4) == glances
    assert kept_glances(LENET, "image_size", 8) == kept_glances(LENET, "ratio", 4) == {}
    monkeypatch.setattr(cpu, "threads", lambda: 99)  # memory is that of another machine
    assert kept_glances(LENET, "image_size", 4) == {}


def test_a_strip_is_in_words_and_units():
    seen = glance_at(analysis_of(ModelSpec("vgg11")), 128)
    shown = strip(seen)
    assert shown["totals"] == totals(seen)
    assert shown["totals"]["params"] == "128.8\u2009M" and shown["totals"]["field"] == "150\u2009px"
    first, second, *_, last = shown["stages"]
    assert (first["name"], first["label"], first["side"]) == ("image", "1×224²", 224)
    assert (second["name"], second["channels"], second["side"]) == ("block1", 64, 112)
    assert (last["label"], last["side"]) == ("10", None)
    assert "640 parameters" in second["detail"]

"""A DenseNet's growing concatenation against the paper's arithmetic."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.explain.growth import concatenation_bytes, growth, growth_formula, weight_formula
from core.report.figures.growth import growth_bars
from core.report.tables.layers import growth_frame
from core.specs import LabError, ModelSpec
from core.zoo.building import build_on_meta
from core.zoo.catalogue import CATALOGUE
from tests.core.networks import analysis_of


@pytest.mark.parametrize(
    ("name", "layers"), [("densenet", (4, 4, 4, 4)), ("densenet121", (6, 12, 24, 16))]
)
@pytest.mark.parametrize(("growth_rate", "compression"), [(32, 50), (12, 70)])
def test_channels_follow_growth_rate_and_compression(name, layers, growth_rate, compression):
    options = {"growth_rate": growth_rate, "compression": compression}
    analysis = analysis_of(replace(CATALOGUE[name].default, image_size=64, options=options))
    steps = iter(growth(analysis))
    channels = 64
    for number, depth in enumerate(layers, start=1):
        began = channels
        for layer in range(1, depth + 1):
            step = next(steps)
            assert step.name == f"dense_block{number}.layer{layer}"
            assert (step.block_channels, step.channels_in) == (began, channels)
            assert step.channels_new == growth_rate
            channels += growth_rate
            assert step.channels_out == channels
        if number < len(layers):
            step = next(steps)
            assert step.is_transition and step.channels_in == channels
            channels = channels * compression // 100
            assert step.channels_out == channels
            assert step.side_out == step.side_in // 2
    assert next(steps, None) is None
    assert analysis.layers[-1].input_shape[-1] == channels


def test_the_steps_are_the_network_s_dense_part():
    analysis = analysis_of(CATALOGUE["densenet"].default)
    steps = growth(analysis)
    outside = [one for one in analysis.layers if one.block in ("stem", "head")]
    for field in ("params", "macs"):
        whole = sum(getattr(one, field) for one in (*steps, *outside))
        assert whole == getattr(analysis.totals, field)
    assert growth_formula(steps[1]) == "reads 64 + 1 · 32 = 96 channels, adds 32: 128"
    assert growth_formula(steps[4]) == "192 channels → 96 (50 %); 24×24 → 12×12 pixels"
    assert weight_formula(steps[1].convolutions[0]) == "3 · 3 · 96 · 32 + 32 = 27,680"
    frame = growth_frame(analysis, steps)
    assert frame["channels_out"].tolist() == [step.channels_out for step in steps]
    assert set(frame["network"]) == {"densenet"}
    bars = growth_bars(steps).data
    dense = [step for step in steps if not step.is_transition]
    tops = [sum(parts) for parts in zip(*(bar.y for bar in bars[:3]), strict=True)]
    assert tops == [step.channels_out for step in dense]


def test_each_concatenation_is_kept_twice_as_the_saved_maps_say():
    analysis = analysis_of(CATALOGUE["densenet121"].default)
    kept = [
        layer.saved_bytes
        for layer in analysis.layers
        if layer.path.endswith(("bottleneck.norm", "bottleneck.relu"))
    ]
    small = sum(layer.params for layer in analysis.layers if layer.kind == "normalisation")
    assert concatenation_bytes(growth(analysis)) == pytest.approx(sum(kept), abs=4 * small)


def test_a_network_without_dense_blocks_does_not_grow():
    assert growth(analysis_of(ModelSpec("lenet", image_size=28))) == ()


@pytest.mark.parametrize("options", [{"growth_rate": 0}, {"growth_rate": 65}, {"compression": 9}])
def test_options_out_of_bounds_are_one_sentence(options):
    with pytest.raises(LabError, match="must be a whole number from"):
        build_on_meta(replace(CATALOGUE["densenet"].default, options=options))

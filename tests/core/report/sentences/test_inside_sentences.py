"""What is said of missing parts, dead channels and windows is what was measured."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from core.analysis import analyze
from core.inside.activity_records import Activity, ChannelActivity, LayerActivity
from core.inside.effective_field_records import EffectiveField, WindowCounts
from core.inside.parts_records import Missing, MissingParts
from core.report.figures.parts import missing_bars
from core.report.sentences.activity import dead_sentences
from core.report.sentences.effective_field import window_sentences
from core.report.sentences.parts import missing_finding, missing_sentences
from core.report.tables.inside import dead_frame, missing_frame, window_frame
from core.specs import ModelSpec
from core.zoo.catalogue import complete


def result(*accuracies: float, becomes: str = "shortcut", whole: float = 0.989) -> MissingParts:
    missing = tuple(
        Missing(f"unit{number}", becomes, accuracy, 1.0)
        for number, accuracy in enumerate(accuracies, start=1)
    )
    return MissingParts(1.0, "blocks", "", 10_000, 10_000, 10, whole, 0.04, missing)


def test_a_residual_net_keeps_most_without_any_one_of_its_blocks():
    first, second, why = missing_sentences(result(0.912, 0.985, 0.97))
    assert first == (
        "Without any one of its 3 blocks the network keeps at least 91.20\u2009% of 98.90\u2009%."
    )
    assert second.startswith("unit1 is missed the most. Without 1 of the 3 blocks the accuracy")
    assert "one at a time" in why


def test_a_plain_net_falls_to_guessing():
    assert missing_finding(result(0.11, 0.098, becomes="identity")) == (
        "Without any one of its 2 blocks the network falls from 98.90\u2009% to 11.00\u2009% or"
        " less (guessing: 10.00\u2009%)."
    )
    assert missing_finding(result(0.11, 0.5)).startswith("Without unit1 the network falls")
    assert "one path" in missing_sentences(result(0.11, 0.098, becomes="identity"))[-1]


def test_of_a_network_that_guesses_nothing_can_be_missed():
    assert "no part can be missed" in missing_finding(result(0.1, whole=0.101))


def test_the_bars_and_the_table_hold_the_same_numbers():
    found = result(0.912, 0.985)
    assert list(missing_bars(found).data[0].x) == [91.2, 98.5]
    assert missing_frame(found)["accuracy"].tolist() == [0.989, 0.912, 0.985]
    many = replace(found, level="channels", missing=tuple(found.missing[:1]) * 100)
    assert len(missing_bars(many).data[0].y) == 100


def test_dead_channels_are_named_by_layer_and_negative_ones_apart():
    never = ChannelActivity(3, -0.5, -2.0, -1.0, 0.0)
    zero = ChannelActivity(7, 0.0, 0.0, 0.0, 0.0)
    layers = (
        LayerActivity("conv1", "relu", True, (zero,)),
        LayerActivity("conv2", "conv2", False, (never,)),
    )
    found = Activity(1.0, 100, 2000, layers)
    dead, negative = dead_sentences(found)
    assert "1 of 2 channels is dead" in dead and "(the first of 2,000): conv1: 7." in dead
    assert "not dead" in negative and "conv2: 3." in negative
    assert dead_frame(found)["dead"].tolist() == [1, 0]


def test_what_the_last_layer_sees_of_a_window_that_is_larger_than_the_image():
    analysis = analyze(complete(ModelSpec("vgg11", 4, 96)))
    values = np.zeros((96, 96), np.float32)
    values[40:60, 40:60] = 1
    field = EffectiveField(values)
    wider = np.zeros((96, 96), np.float32)
    wider[35:65, 35:65] = 1
    counts = WindowCounts("block5.pool", (1, 1), 8, field, EffectiveField(wider))
    first, second = window_sentences(counts, analysis)
    assert first.startswith("block5.pool could see 150 × 150 px, more than the image (96 × 96 px)")
    assert "30 × 30 px get more than 4.55 %" in first and "4\u2009% of the window" in first
    assert "widened what counts from 20 to 30 px a side" in second
    layer = next(row for row in analysis.layers if row.path == "block5.pool")
    assert window_frame(counts, layer)["effective_side"].tolist() == [20, 30]
    nothing = WindowCounts("block5.pool", (1, 1), 8, EffectiveField(values * 0), None)
    assert "it sees nothing" in window_sentences(nothing, analysis)[0]

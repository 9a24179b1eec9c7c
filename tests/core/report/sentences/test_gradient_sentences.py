"""What measured gradients say, in words."""

from __future__ import annotations

import pytest

from core.measure.gradient_records import (
    GradientFlow,
)
from core.report.figures.gradient_flow import flow_curves, flow_map
from core.report.figures.palette import BLUE, LineStyle
from core.report.sentences.gradients import (
    gradient_headline,
    gradient_sentences,
    telling_apart,
)
from tests.core.measure.example_flows import flow


def test_the_words_are_computed_from_the_numbers():
    result = GradientFlow(1.0, "fashion-mini", 16, "a test", (
        flow(1e-9, shortcut="none", batch_norm=False),
        flow(0.5, (1.2, 0.9), shortcut="identity", batch_norm=False),
        flow(50.0, shortcut="none", batch_norm=True),
        flow(2.0, (1.1, 1.3), shortcut="identity", batch_norm=True),
    ))  # fmt: skip
    text = "\n".join(gradient_sentences(result))
    assert "**No shortcut, no BatchNorm, 20 layers**" in text
    assert "get 1.00 × 10⁻⁹ of the gradient norm" in text and "it vanishes" in text
    assert "between 0.9000 and 1.2, by 1 or more in 1 of them. So it does not hold" in text
    assert "by 1 or more in 2 of them. Here the claim holds for every block." in text
    assert "first layer's gradient from 1.0 × 10⁻⁹ of the last one's to 50 times it" in text
    assert "even grow towards the first layers" in text


def test_a_gradient_of_exactly_0_is_said_and_drawn_as_a_gap():
    dead = flow(0.0, shortcut="none", batch_norm=False)
    result = GradientFlow(1.0, "fashion-mini", 16, "a test", (dead,))
    assert "exactly 0 in float32" in gradient_sentences(result)[0]
    assert (
        flow_curves((dead,), "weight_gradient", [LineStyle(BLUE, "circle")]).data[-1].y[0] is None
    )
    cells = flow_map((dead,), "weight_gradient").data[0]
    assert cells.z[0][0] == cells.zmin and "<br>0" in cells.text[0][0]


def test_batch_norm_gets_no_credit_where_nothing_vanishes():
    result = GradientFlow(1.0, "fashion-mini", 16, "a test", (
        flow(0.9, shortcut="none", batch_norm=False),
        flow(3.0, shortcut="none", batch_norm=True),
    ))  # fmt: skip
    assert "nothing for BatchNorm to mend" in gradient_sentences(result)[-1]


def test_the_factor_a_layer_gives_the_ratio_again():
    """A reader who multiplies it up over the layers gets what the sentence says arrives."""
    result = GradientFlow(1.0, "fashion-mini", 16, "a test", (
        flow(726.0, depth=56, shortcut="none", batch_norm=True),
    ))  # fmt: skip
    sentence = gradient_sentences(result)[0]
    assert "get 726 of the gradient norm" in sentence
    assert "a factor of 1.13 at each of 54 layers" in sentence
    assert pytest.approx(726, rel=0.02) == 1.13**54


def test_the_finding_is_one_sentence_on_the_deepest_networks():
    dead = flow(0.0, depth=110, shortcut="none", batch_norm=False)
    kept = flow(0.17, depth=110, shortcut="identity", batch_norm=False)
    other = flow(0.9, depth=110, shortcut="identity", batch_norm=True)
    small = flow(1e-30, depth=20, shortcut="none", batch_norm=False)
    result = GradientFlow(1.0, "fashion-mini", 16, "a test", (small, other, dead, kept))
    assert gradient_headline(result) == (
        "No shortcut, no BatchNorm, 110 layers: nothing of the last layer's gradient reaches layer"
        " 1; plain residual, no BatchNorm, 110 layers: 0.17 of it does."
    )
    alone = GradientFlow(1.0, "fashion-mini", 16, "a test", (small,))
    assert gradient_headline(alone).endswith("gradient reaches layer 1.")
    assert "1.0 × 10⁻³⁰ of the last" in gradient_headline(alone)
    fine = GradientFlow(1.0, "fashion-mini", 16, "a test", (kept, other))
    assert "vanishes in none" in gradient_headline(fine) and "0.17" in gradient_headline(fine)
    assert gradient_headline(GradientFlow(1.0, "fashion-mini", 16, "a test", ())) == ""


def test_what_labels_share_is_left_out():
    assert telling_apart(["a, x, 20", "b, x, 20"]) == ["a", "b"]
    assert telling_apart(["a, x"]) == ["a, x"] and telling_apart(["a", "a"]) == ["a", "a"]
    assert telling_apart([]) == []

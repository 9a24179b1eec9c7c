"""A network over the whole range of a slider, or of one of its own options."""

from __future__ import annotations

import pytest

from core.analysis import analyze
from core.analysis.sweep import RATIOS, has_variable, sweep
from core.report.figures.sweeps import SweepLine, sweep_chart
from core.specs import LabError, ModelSpec
from core.zoo.architecture import Option
from core.zoo.catalogue import complete, find


def test_parameters_of_convolutions_fall_with_the_ratio():
    points = sweep(ModelSpec("lenet", image_size=28), "ratio", analyze)
    assert [point.value for point in points] == list(RATIOS)
    params = [point.analysis.totals.params for point in points]
    assert params == sorted(params, reverse=True)


def test_sizes_at_which_it_cannot_be_built_are_left_out():
    points = sweep(ModelSpec("alexnet"), "image_size", analyze, [16, 224])
    assert [point.value for point in points] == [224]


def test_over_an_option_of_its_own():
    spec = complete(ModelSpec("densenet", image_size=96))
    growth = next(option for option in find("densenet").options if option.name == "growth_rate")
    points = sweep(spec, "growth_rate", analyze)
    assert growth.default in [point.value for point in points]
    alone = [
        analyze(ModelSpec("densenet", image_size=96, options=(("growth_rate", point.value),)))
        for point in points
    ]
    assert [point.analysis.totals for point in points] == [one.totals for one in alone]


def test_over_another_network_s_option():
    assert not has_variable(ModelSpec("vgg11"), "growth_rate")
    with pytest.raises(LabError, match="A sweep goes over ratio or image_size"):
        sweep(ModelSpec("vgg11"), "growth_rate", analyze)


@pytest.mark.parametrize(
    ("option", "values"),
    [
        (Option("a", "A", "", 8, minimum=1, maximum=32), (1, 2, 4, 6, 8, 12, 16, 24, 32)),
        (Option("a", "A", "", 8, minimum=8, maximum=32, step=8), (8, 16, 24, 32)),
        (Option("a", "A", "", 1.0, minimum=0, maximum=2), (0.125, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)),
        (Option("a", "A", "", True), (False, True)),
        (Option("a", "A", "", "x", (("x", "X"), ("y", "Y"))), ("x", "y")),
        (Option("a", "A", "", 0, minimum=-4, maximum=16), (0,)),
        (Option("a", "A", "", "text"), ("text",)),
    ],
    ids=["whole", "in steps", "fraction", "switch", "choice", "zero", "text"],
)
def test_the_values_of_an_option(option, values):
    assert option.spread() == values


def test_words_stand_side_by_side_and_numbers_on_a_log_axis():
    def axis(*x):
        both = sweep_chart([SweepLine("net", "red", "circle", x, [1.0] * len(x))], "a", "b")
        return both.wide.layout

    assert axis(1, 2, 4).xaxis.type == "log"
    assert [text.text for text in axis(1, 2, 4).annotations] == ["net, slope 0.00"]
    assert axis("plain", "double").xaxis.type == "category"
    assert axis(False, True).xaxis.type == "category"
    assert axis(0, 1, 2).xaxis.type is None

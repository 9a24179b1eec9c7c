"""Networks side by side as figures: names that can be read as nobody else's."""

from __future__ import annotations

from itertools import combinations, pairwise
from random import Random

import pytest

from core.analysis import analyze
from core.report.figures.comparison import AccuracyPoint, CostPoint, accuracy_scatter, cost_scatter
from core.report.figures.labels import NARROW, WIDE, Mark, Plot, place_labels
from core.report.figures.stages import stage_bars
from core.report.figures.sweeps import SweepLine, sweep_chart
from core.specs import ModelSpec

LETTER, LINE = 6, 13  # pixels of a letter and of a line of text, as browsers draw them


def point(name: str, macs: int, *accuracies: float, memory: int = 10**8) -> AccuracyPoint:
    return AccuracyPoint(name, "#154990", macs, memory, accuracies)


def box(mark: Mark, label, width: int, height: int) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of a name in a plot of this size."""
    x, y = mark.x * width + label.dx, mark.y * height + label.dy
    wide = LETTER * len(mark.text)
    left = x - {"left": 0, "center": wide / 2, "right": wide}[label.xanchor]
    top = y - {"top": 0, "middle": LINE / 2, "bottom": LINE}[label.yanchor]
    return left, top, left + wide, top + LINE


def meet(one, other) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


@pytest.mark.parametrize("widths", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("seed", range(6))
def test_no_name_meets_another_name_a_mark_or_an_edge_at_any_width(widths, seed):
    random, height = Random(seed), 330
    text = "VGG-11, 96 px" if widths is WIDE else "12"
    marks = [Mark(random.uniform(0.1, 0.9), random.uniform(0.1, 0.9), 10, text) for _ in range(9)]
    labels = place_labels(marks, Plot(widths, height))
    assert labels
    for width in widths:
        names = [box(mark, label, width, height) for mark, label in zip(marks, labels, strict=True)]
        assert all(name[0] >= 0 and name[2] <= width for name in names)
        assert not any(meet(*pair) for pair in combinations(names, 2))
        for mark, name in zip(marks, names, strict=True):
            x, y = mark.x * width, mark.y * height
            around = x - 7, y - 7, x + 7, y + 7  # the square inside of the round mark
            assert not any(meet(around, other) for other in names if other is not name)


def test_a_name_far_from_its_mark_has_a_line_to_it():
    marks = [Mark(0.5, 0.5 + 0.02 * step, 12, "a name of some length") for step in range(5)]
    labels = place_labels(marks, Plot(WIDE, 330, is_crowded=True))
    assert labels and any(label.has_line for label in labels)
    assert all(label.has_line or abs(label.dx) + abs(label.dy) <= 32 for label in labels)


def test_where_names_do_not_fit_numbers_stand_and_a_key_tells_what_they_are():
    names = [f"A network with a rather long name, {number}" for number in range(9)]
    points = [point(name, 10**7 + 10**5 * i, 0.9) for i, name in enumerate(names)]
    for figure in accuracy_scatter(points, "mnist"):
        assert [text.text for text in figure.layout.annotations] == [str(n + 1) for n in range(9)]
        key = [trace.name for trace in figure.data if trace.name]
        assert key == [f"{n + 1} {name}" for n, name in enumerate(names)]
    wide, narrow = accuracy_scatter(points[:2], "mnist")
    assert [text.text for text in wide.layout.annotations] == names[:2]
    assert wide.layout.height == narrow.layout.height  # the page leaves room once


def test_marks_are_round_and_grow_with_the_memory():
    points = [point("a", 10**6, 0.5, memory=10**9), point("b", 10**8, 0.6, 0.7, memory=10**7)]
    _, large, small = accuracy_scatter(points, "mnist").wide.data
    assert large.marker.size > small.marker.size
    assert {large.marker.symbol, small.marker.symbol} == {None}  # Plotly's default: a circle
    assert "(1 run)" in large.hovertemplate and "(2 runs, 60.00 to 70.00)" in small.hovertemplate
    assert accuracy_scatter(points, "mnist").wide.layout.title.text == (
        "<b>Most accurate: b, 65.00 %</b><br>mnist".replace(" %", "\u2009%")
    )


def test_the_front_has_those_that_nobody_beats():
    costs = [CostPoint(name, "#154990", params, macs, 1) for name, params, macs in
             (("a", 10, 30), ("b", 20, 20), ("c", 30, 10), ("d", 30, 30))]  # fmt: skip
    assert cost_scatter(costs).wide.data[0].x == (10, 20, 30)


def test_names_are_never_markup():
    figure = accuracy_scatter([point("<b>evil</b>", 10**6, 0.5)], "mnist").wide
    assert "<b>evil" not in figure.layout.title.text + figure.layout.annotations[0].text


def test_the_mean_of_many_equal_accuracies_is_that_accuracy():
    """A sum that rounds would show an axis of fourteen digits."""
    assert point("a", 1, *(0.9,) * 2_500).mean == 0.9


def test_stages_have_their_names_and_add_up():
    analysis = analyze(ModelSpec("vgg11", 4, 96))
    figure = stage_bars([("VGG-11", analysis)], "macs", "MACs an image", "MACs")
    assert [bar.text[0] for bar in figure.data] == [
        row.path for row in analysis.rows("block") if row.macs
    ]
    assert sum(bar.x[0] for bar in figure.data) == analysis.totals.macs
    shares = stage_bars([("VGG-11", analysis)], "macs", "MACs an image", "MACs", as_share=True)
    assert sum(bar.x[0] for bar in shares.data) == pytest.approx(100)


def test_lines_end_in_their_name_and_slope_apart_from_each_other():
    sizes = (32, 64, 128)
    lines = [
        SweepLine(f"net {n}", "#154990", "circle", sizes, [(1 + n / 50) * x**2 for x in sizes])
        for n in range(9)
    ]
    wide, narrow = sweep_chart(lines, "pixels", "MACs")
    assert [text.text for text in wide.layout.annotations] == [
        f"net {n}, slope 2.00" for n in range(9)
    ]
    assert [text.text for text in narrow.layout.annotations] == [
        f"{n + 1}, slope 2.00" for n in range(9)
    ]
    assert narrow.layout.showlegend and narrow.data[0].name == "1 net 0"
    low, high = wide.layout.yaxis.range
    heights = sorted(330 * (high - text.y) / (high - low) + text.ay
                     for text in wide.layout.annotations)  # fmt: skip
    gaps = [after - before for before, after in pairwise(heights)]
    assert min(gaps) >= LINE

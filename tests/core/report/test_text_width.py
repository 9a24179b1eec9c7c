"""Text is measured and broken as its letters are wide: Chinese ones are squares."""

from __future__ import annotations

from textwrap import wrap

import plotly.graph_objects as go
import pytest

from core.report.figures.axes import set_title
from core.report.figures.labels import WIDE, Mark, Plot, place_labels
from core.report.figures.line_ends import LineEnd, names_width
from core.report.picture.labels import FONT_SIZE, text_width
from core.report.text_width import letters, pixels, wrapped


@pytest.mark.parametrize(
    "text",
    ["", "Most accurate: VGG-11, 96\N{NO-BREAK SPACE}px, ratio 4", "one " * 30, "x" * 100],
)
@pytest.mark.parametrize("most", [16, 46])
def test_english_lines_are_those_of_textwrap(text, most):
    assert wrapped(text, most) == wrap(text, most)


def test_chinese_lines_end_anywhere_but_before_punctuation():
    text = "精度最高的网络是 VGG-11（96\N{NO-BREAK SPACE}px），最佳测试精度为 98.98 %。"
    for most in range(8, 60):
        lines = wrapped(text, most)
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")
        assert all(line[0] not in "，。）" and line[-1] not in "（ " for line in lines)
        assert any("VGG-11" in line for line in lines)
    assert all(letters(line) <= 20 for line in wrapped(text, 20))
    assert wrapped("卷积层" * 10, 20) == ["卷积层" * 3] * 3 + ["卷积层"]
    assert wrapped("残差网络（90 %）和残差网络", 24) == ["残差网络（90 %）", "和残差网络"]


def test_a_chinese_character_is_as_wide_as_the_font():
    assert pixels("残差", 7) == 24 and pixels("ab", 7) == 14
    assert text_width("卷积层") >= 3 * FONT_SIZE
    assert letters("卷积 3×3") == 8


def test_chinese_names_get_the_room_that_they_take():
    ends = [[LineEnd(text, 5, 1.0, "#154990", "circle")] for text in ("残差网络", "abcd")]
    chinese, latin = map(names_width, ends)
    assert chinese - latin == pytest.approx(4 * (12 - 6.3), abs=1)


def test_chinese_names_beside_marks_do_not_meet():
    plot = Plot(WIDE, 300)
    beside = 100 / WIDE[0]  # room for eight letters, and for hardly one square
    marks = [Mark(0.5 + shift, 0.5, 40, "普通残差块普通残差块") for shift in (0, beside)]
    latin = [Mark(mark.x, mark.y, mark.radius, "a") for mark in marks]
    chinese, short = place_labels(marks, plot), place_labels(latin, plot)
    assert chinese and short and chinese != short


def test_a_long_chinese_title_makes_its_figure_higher():
    figure = go.Figure(layout=dict(height=300, margin=dict(t=40)))
    set_title(figure, "在同样的条件下训练之后精度最高的网络是带有卷积捷径的残差网络")
    assert figure.layout.title.text.count("<br>") == 1 and figure.layout.height == 320

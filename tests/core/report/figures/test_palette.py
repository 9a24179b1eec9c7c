"""One color a layer kind, one look a curve."""

from __future__ import annotations

from core.analysis.records import KINDS
from core.report.figures.palette import KIND_COLORS, colors_and_markers, translucent


def test_every_kind_of_layer_has_a_color_of_its_own():
    assert set(KIND_COLORS) == set(KINDS)
    assert len(set(KIND_COLORS.values())) == len(KINDS)


def test_no_pair_of_color_and_marker_comes_again_before_all_have_come():
    assert len(set(colors_and_markers(64))) == 64
    assert colors_and_markers(65)[64] == colors_and_markers(1)[0]


def test_a_translucent_color_keeps_its_color():
    assert translucent("#0072B2", 0.5) == "rgba(0,114,178,0.5)"

"""One color a layer kind, one look a curve; all can be read and told apart, by everybody."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from core.analysis.records import KINDS
from core.report.figures.palette import (
    DARK,
    KIND_COLORS,
    ON_KIND,
    SERIES,
    TINTS,
    VARIANT_COLORS,
    colors_and_markers,
    in_both_themes,
    tints_and_patterns,
    translucent,
)
from core.report.figures.variants import variant_styles

PAPER = {"light": "#FFFFFF", "dark": "#0E1117"}  # Streamlit's pages
SETS = {
    "series": list(SERIES),
    "kinds": list(KIND_COLORS.values()),
    "variants": list(VARIANT_COLORS.values()),
    "tints": list(TINTS),
}
# What color-blind eyes see, in linear RGB: Machado et al. 2009, table 1, severity 1
VISION = {
    "normal": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
               [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
               [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
               [0.004733, 0.691367, 0.303900]],
}  # fmt: skip


def linear(color: str) -> np.ndarray:
    """Linear light of #RRGGBB, 0 to 1 (IEC 61966-2-1)."""
    s = np.array([int(color[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(s <= 0.04045, s / 12.92, ((s + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, contrast ratio."""
    bright, dim = sorted(linear(color) @ [0.2126, 0.7152, 0.0722] for color in (one, other))[::-1]
    return (bright + 0.05) / (dim + 0.05)


def lab(light: np.ndarray) -> np.ndarray:
    """CIELAB of linear RGB under D65."""
    xyz = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
                    [0.0193339, 0.1191920, 0.9503041]]) @ light  # fmt: skip
    f = np.array([_f(v) for v in xyz / [0.95047, 1.0, 1.08883]])
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def _f(value: float) -> float:
    return value ** (1 / 3) if value > 216 / 24389 else (24389 / 27 * value + 16) / 116


def delta_e(one: np.ndarray, other: np.ndarray) -> float:
    """CIEDE2000 of two CIELAB colors, as Sharma, Wu and Dalal 2005 write it."""
    (l1, a1, b1), (l2, a2, b2) = one, other
    mean_c = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    g = 0.5 * (1 - np.sqrt(mean_c**7 / (mean_c**7 + 25.0**7)))
    c1, c2 = np.hypot((1 + g) * a1, b1), np.hypot((1 + g) * a2, b2)
    h1, h2 = (np.degrees(np.arctan2(b, (1 + g) * a)) % 360 for a, b in ((a1, b1), (a2, b2)))
    turn = 0.0 if c1 * c2 == 0 else (h2 - h1 + 180) % 360 - 180
    delta_h = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn) / 2)
    l_mean, c_mean = (l1 + l2) / 2, (c1 + c2) / 2
    h_mean = h1 + h2 if c1 * c2 == 0 else (h1 + turn / 2) % 360
    t = (1 - 0.17 * _cos(h_mean - 30) + 0.24 * _cos(2 * h_mean) + 0.32 * _cos(3 * h_mean + 6)
         - 0.20 * _cos(4 * h_mean - 63))  # fmt: skip
    s_l = 1 + 0.015 * (l_mean - 50) ** 2 / np.sqrt(20 + (l_mean - 50) ** 2)
    s_c, s_h = 1 + 0.045 * c_mean, 1 + 0.015 * c_mean * t
    turned = 30 * np.exp(-(((h_mean - 275) / 25) ** 2))
    r = -2 * np.sqrt(c_mean**7 / (c_mean**7 + 25.0**7)) * np.sin(np.radians(2 * turned))
    dl, dc, dh = (l2 - l1) / s_l, (c2 - c1) / s_c, delta_h / s_h
    return float(np.sqrt(dl**2 + dc**2 + dh**2 + r * dc * dh))


def _cos(degrees: float) -> float:
    return float(np.cos(np.radians(degrees)))


def in_theme(color: str, theme: str) -> str:
    return color if theme == "light" else DARK[color]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [  # Sharma, Wu and Dalal 2005, table 1, pairs 1, 7, 17, 25
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 0, 0), (50, -1, 2), 2.3669),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ],
)
def test_the_distance_is_that_of_its_authors(one, other, expected):
    assert delta_e(np.array(one), np.array(other)) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize("theme", PAPER)
@pytest.mark.parametrize("name", SETS)
def test_every_mark_stands_out_from_the_page(name, theme):
    for color in SETS[name]:
        assert contrast(in_theme(color, theme), PAPER[theme]) >= 2.9, color  # 3:1, rounded


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("theme", PAPER)
@pytest.mark.parametrize("name", SETS)
def test_any_two_colors_of_a_set_can_be_told_apart(name, theme, vision):
    seen = {
        color: lab(np.clip(np.array(VISION[vision]) @ linear(in_theme(color, theme)), 0, 1))
        for color in SETS[name]
    }
    distances = {pair: delta_e(seen[pair[0]], seen[pair[1]]) for pair in combinations(seen, 2)}
    closest = min(distances, key=distances.__getitem__)
    assert distances[closest] >= 15, (closest, distances[closest])


def test_every_kind_of_layer_has_a_color_of_its_own():
    assert set(KIND_COLORS) == set(KINDS)
    assert len(set(KIND_COLORS.values())) == len(KINDS)


@pytest.mark.parametrize("theme", PAPER)
@pytest.mark.parametrize("kind", KINDS)
def test_letters_on_a_kind_s_color_can_be_read(kind, theme):
    letters = DARK.get(ON_KIND[kind], ON_KIND[kind]) if theme == "dark" else ON_KIND[kind]
    assert contrast(letters, in_theme(KIND_COLORS[kind], theme)) >= 4.5


def test_no_pair_of_color_and_marker_comes_again_before_all_have_come():
    assert len(set(colors_and_markers(48))) == 48
    assert colors_and_markers(49)[48] == colors_and_markers(1)[0]


def test_no_two_variants_look_alike():
    looks = [(style.color, style.marker) for style in variant_styles().values()]
    assert len(set(looks)) == len(looks)


def test_parts_of_a_quantity_differ_in_tint_or_pattern():
    parts = list(tints_and_patterns())
    assert len(set(parts)) == len(parts) >= 8


def test_a_translucent_color_keeps_its_color():
    assert translucent("#154990", 0.5) == "#15499080"


def test_markup_in_the_page_follows_its_theme():
    markup = '<rect fill="#2868d4"/><path stroke="#123456"/>'
    dark = "light-dark(#2868d4, #6FACE8)"
    assert in_both_themes(markup) == f'<rect fill="{dark}"/><path stroke="#123456"/>'

"""What is shown of a landscape: one scale, a picture of every point, the finding in words."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from core.inside.landscape_records import Landscape, NetworkLandscape, PathPoint
from core.measure.gradient_records import deep_net
from core.report.figures.landscape import contour
from core.report.figures.loss_scale import LossScale, number
from core.report.picture.surface import surface
from core.report.sentences.landscape import (
    landscape_finding,
    landscape_headline,
    landscape_sentences,
)
from core.report.tables.landscape import landscape_frame, path_frame, summary_frame
from core.specs import RunSpec
from core.training.recipes import recipe

POINTS = 5


def network(shortcut: str, steep: float) -> NetworkLandscape:
    """A bowl: 0.5 in the center, `steep` more at a distance of 1."""
    where = [-1, -0.5, 0, 0.5, 1]
    loss = tuple(tuple(0.5 + steep * (x * x + y * y) for x in where) for y in where)
    accuracy = tuple(tuple(0.9 for _ in where) for _ in where)
    spec = RunSpec(deep_net(56, shortcut, True), "fashion-mini", recipe("fast", 64, 2), 64)
    path = (PathPoint(0, 0.1, 0.2), PathPoint(2, 0.0, 0.0))
    return NetworkLandscape(spec.to_json(), 2, None, loss, accuracy, path, 0.001)


FLAT, STEEP = network("identity", 1.0), network("none", 49.5)
BOTH = Landscape(1.0, POINTS, 1.0, 100, 0, "a test", (FLAT, STEEP))


def test_the_finding_names_the_steeper_network_first():
    rises, flat, path = landscape_sentences(BOTH)
    assert rises == (
        "Within a distance of 1 the loss of **no shortcut, BatchNorm, 56 layers** rises from 0.5"
        " to 50 and that of **plain residual, BatchNorm, 56 layers** rises from 0.5 to 1.5."
    )
    assert "8 % of these points for no shortcut" in flat.replace("\u2009", " ")
    assert "at most 0.1 % of its squared length" in path
    assert landscape_finding(STEEP, BOTH).endswith("loss 0.5 in the center, up to 50")


def test_the_headline_has_the_steepest_and_the_flattest_and_titles_what_differs():
    assert landscape_headline(BOTH) == (
        "Within a distance of 1 the loss rises most around no shortcut, from 0.5 to 50, and least"
        " around plain residual, from 0.5 to 1.5."
    )
    alone = replace(BOTH, networks=(STEEP,))
    assert landscape_headline(alone) == "Within a distance of 1 the loss rises from 0.5 to 50."
    assert landscape_headline(replace(BOTH, networks=())) == ""
    assert landscape_finding(STEEP, BOTH).startswith("No shortcut<br>")
    assert landscape_finding(STEEP, alone).startswith("No shortcut, BatchNorm, 56 layers<br>")


WALKED = replace(
    FLAT,
    path=(
        PathPoint(0, -3.0, -1.0, 2.4, 1.3),
        PathPoint(1, -2.0, 1.0, 1.0, 0.9),
        PathPoint(2, -0.1, 0.05, 0.35, 0.34),
        PathPoint(3, 0.0, 0.0, 0.3, 0.3),
    ),
    path_share=0.9,
    middle=(-1.5, 0.0),
    span=2.0,
)
WALK = replace(BOTH, networks=(WALKED,), plane="path")


def test_the_walk_is_told_with_its_share_and_its_losses():
    (said,) = landscape_sentences(WALK)
    assert landscape_headline(WALK) == ""
    assert said.replace("\u2009", " ") == (
        "90 % of the squared length of the path of **plain residual, BatchNorm, 56 layers** lies"
        " in its plane: 78 % along the first direction, 12 % along the second. On it the loss"
        " goes from 2.4 before training to 0.3 after epoch 3; the plane's differs most from it"
        " before training: 1.3 instead of 2.4."
    )  # 13.01 and 2.0025 of 15.0125 squares
    title = landscape_finding(WALKED, WALK).replace("\u2009", " ")
    assert title.endswith("90 % of its path lies in this plane")


def test_the_way_is_drawn_over_its_plane_in_the_colors_of_its_own_losses():
    scale = LossScale.of(WALK)
    figure = contour(WALKED, WALK, scale)
    plane, way, _ = figure.data
    assert list(plane.x) == [-3.5, -2.5, -1.5, -0.5, 0.5] and list(plane.y) == [-2, -1, 0, 1, 2]
    assert list(way.x) == [-3, -2, -0.1, 0] and scale.highest == 2.5
    assert list(way.marker.color) == [scale.place(loss) for loss in (2.4, 1.0, 0.35, 0.3)]
    numbers = sorted(one.text for one in figure.layout.annotations)
    assert numbers == ["0", "1", "3"]  # the second epoch is too near to the last
    root = ElementTree.fromstring(surface(WALKED, WALK, scale, ""))
    assert len(list(root.iter("{http://www.w3.org/2000/svg}circle"))) == 4


def test_the_path_is_a_table_with_both_losses():
    frame = path_frame(WALK)
    assert frame["epoch"].tolist() == [0, 1, 2, 3] and set(frame["path_share"]) == {0.9}
    assert frame["loss"].tolist() == [2.4, 1.0, 0.35, 0.3]
    assert frame["loss_in_plane"].tolist() == [1.3, 0.9, 0.34, 0.3]
    every = landscape_frame(WALK)
    assert every["first_direction"].min() == -3.5 and set(every["plane"]) == {"path"}


def test_a_network_that_only_guesses_is_told():
    loss = tuple(tuple(2.28 for _ in row) for row in STEEP.loss)
    said = landscape_sentences(replace(BOTH, networks=(FLAT, replace(STEEP, loss=loss))))
    assert [one for one in said if "hardly learned" in one] == [
        "No shortcut, BatchNorm, 56 layers has hardly learned: its loss is 2.3, that of guessing"
        " 2.3."
    ]


def test_a_loss_that_is_no_number_is_told_and_left_out_of_the_pictures():
    beyond = replace(STEEP, loss=((0.5, None, 1.0, 1.0, 1.0), *STEEP.loss[1:]))
    gone = replace(STEEP, loss=(*STEEP.loss[:2], (None, *STEEP.loss[2][1:]), *STEEP.loss[3:]))
    landscape = replace(BOTH, networks=(gone,))
    assert "more than float32 holds" in landscape_sentences(landscape)[0]
    scale = LossScale.of(landscape)
    assert contour(gone, landscape, scale).data[0].z[2][0] is None
    assert facets(surface(beyond, landscape, scale, "")) == 16 - 2


def test_partial_results_are_drawn_without_a_finding():
    partial = replace(STEEP, loss=STEEP.loss[:2], accuracy=STEEP.accuracy[:2])
    landscape = replace(BOTH, networks=(partial,), share=0.2)
    assert landscape_sentences(landscape) == []
    assert landscape_finding(partial, landscape).endswith("row 2 of 5")
    figure = contour(partial, landscape, LossScale.of(landscape))
    assert len(figure.data[0].z) == 2 and list(figure.data[0].y) == [-1, -0.5]
    assert facets(surface(partial, landscape, LossScale.of(landscape), "")) == 4
    assert len(landscape_frame(landscape)) == 10


def facets(svg: str) -> int:
    """Filled polygons of the picture."""
    polygons = ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}polygon")
    return sum(polygon.get("fill") != "none" for polygon in polygons)


def test_both_networks_have_one_scale_by_the_logarithm_where_the_range_is_large():
    scale = LossScale.of(BOTH)
    assert scale.is_log and (scale.lowest, scale.highest) == (0.5, 99.5)
    assert scale.height(0.5) == 0 and scale.height(99.5) == pytest.approx(1)
    assert scale.height((0.5 * 99.5) ** 0.5) == pytest.approx(0.5)  # halfway by ratio
    assert all(0.5 <= tick <= 99.5 for tick in scale.ticks) and 2 <= len(scale.ticks) <= 6
    ends = {
        (f.data[0].zmin, f.data[0].zmax) for f in (contour(n, BOTH, scale) for n in (FLAT, STEEP))
    }
    assert ends == {scale.ends}
    near = LossScale.of(replace(BOTH, networks=(FLAT,)))
    assert not near.is_log and near.ends == (0.5, 2.5) and near.height(1.5) == pytest.approx(0.5)
    assert near.ticks == [0.5, 1.0, 1.5, 2.0, 2.5]


def test_the_surface_is_drawn_from_far_to_near_and_says_what_it_shows():
    svg = surface(FLAT, BOTH, LossScale.of(BOTH), "loss <1>")
    root = ElementTree.fromstring(svg)
    assert root[0].text == "loss <1>"
    corners = [polygon.get("points") for polygon in root if polygon.get("fill", "#")[:3] == "rgb"]
    assert len(corners) == 16
    middles = [sum(float(p.split(",")[0]) for p in points.split()) / 4 for points in corners]
    assert middles[0] == pytest.approx(middles[-1])  # the far and the near corner
    numbers = [float(v) for points in corners for p in points.split() for v in p.split(",")]
    assert min(numbers) >= 0 and max(numbers) <= 440


def test_the_tables_have_every_point_and_every_network():
    frame = landscape_frame(BOTH)
    assert len(frame) == 2 * POINTS**2
    center = frame[(frame.first_direction == 0) & (frame.second_direction == 0)]
    assert center.loss.tolist() == [0.5, 0.5]
    assert summary_frame(BOTH)["highest loss"].tolist() == [1.5, 50.0]


def test_losses_are_written_with_two_or_three_digits():
    assert [number(x) for x in (0.31, 2.14, 48.2, 1234.0)] == ["0.31", "2.1", "48", "1,234"]
    assert number(1.2e9) == "1.20 × 10⁹" or number(1.2e9) == "1.2 × 10⁹"

"""Tables and figures that the Architecture and the Compare page show."""

from __future__ import annotations

from io import StringIO

import pandas as pd
import pytest

from core.analysis import analyze
from core.report.figures import charts as figures
from core.report.tables.counts import account_frame, hand_count_frame
from core.report.tables.networks import accuracy_frame, memory_frame
from core.report.tables.layers import formula_frame
from core.report.tables.csv import to_csv
from core.specs import ModelSpec
from pages.views.app.services import other_counts_of


def test_csv_keeps_whole_numbers_whole_beside_empty_cells_and_defuses_formulas():
    from core.explain.hand_count.check import check

    analysis = analyze(ModelSpec("lenet", image_size=28))
    first, *_, last = to_csv(hand_count_frame(analysis, check("5x5x1x6+6", analysis))).splitlines()[
        1:
    ]
    assert first.endswith("parameters,1,5×5×1×6 + 6,156,block1.conv,156,right")
    assert last.endswith("parameters,,,,dense3.linear,850,left out")
    cells = ["=1+1", "+1", "-1", "@SUM(A1)", "＝1+1", "\t=1", "\n=1", "a=1"]
    written = pd.read_csv(StringIO(to_csv(pd.DataFrame({"cell": cells}))))["cell"].tolist()
    assert written == [*(f"'{cell}" for cell in cells[:-1]), "a=1"]


# Accuracy against cost


def test_the_accuracies_csv_has_the_mean_and_the_range():
    analysis = analyze(ModelSpec("lenet", image_size=28))
    frame = accuracy_frame([(analysis, (0.5, 0.75, 0.7))], "mnist")
    assert frame.loc[0, ["network", "dataset", "runs"]].tolist() == ["lenet", "mnist", 3]
    assert frame.loc[0, ["lowest_accuracy", "highest_accuracy"]].tolist() == [0.5, 0.75]
    assert frame.loc[0, "mean_accuracy"] == pytest.approx(0.65)
    assert frame.loc[0, "macs"] == analysis.totals.macs


def test_labels_of_points_near_an_end_run_towards_the_middle():
    reached = [
        figures.Reached(name, "#000", "circle", macs, (0.5, 0.6)[:runs])
        for name, macs, runs in (("a", 10**6, 1), ("b", 10**7, 2), ("c", 10**8, 2))
    ]
    points = figures.accuracy_scatter(reached, "mnist").data[1:]
    assert [point.textposition for point in points] == ["bottom right", "bottom center", "top left"]
    assert "(1 run)" in points[0].hovertemplate
    assert "(2 runs, 50.00 to 60.00)" in points[1].hovertemplate
    [alone] = figures.accuracy_scatter(reached[:1], "mnist").data[1:]
    assert alone.textposition == "bottom center"


# Every table describes itself


def test_every_csv_of_the_views_says_which_network_it_is_about():
    from core.explain.hand_count.check import check
    from core.explain.reconcile import reconcile

    spec = ModelSpec("vgg11", 4, 96)
    analysis = analyze(spec)
    for frame in (
        memory_frame(analysis, 32, True, 2),
        formula_frame(analysis),
        hand_count_frame(analysis, check("3x3x1x16", analysis)),
        account_frame(analysis, reconcile(analysis, other_counts_of(spec))),
    ):
        assert set(frame["network"]) == {"vgg11"}
        assert set(frame["ratio"]) == {4} and set(frame["image_size"]) == {96}


def test_growth_is_shown_for_densenets_only():
    name = f"DenseNet: {CATALOGUE['densenet'].title}"
    app = open_page(
        "pages/architecture.py", net_network=name, net_view="Growth", net_growth_rate="16"
    )
    assert not app.error
    frame = app.dataframe[-1].value
    assert frame["after it"].tolist()[:5] == [80, 96, 112, 128, 64]
    assert any("reads 64 + 1 · 16 = 80 channels" in one.value for one in app.markdown)
    said = next(one.value for one in app.markdown if "nearest to it" in one.value)
    assert said.count("times the parameters") == 3  # S13: equal accuracy, from real runs
    app = open_page("pages/architecture.py")
    assert "Growth" not in app.segmented_control(key="net_view").options

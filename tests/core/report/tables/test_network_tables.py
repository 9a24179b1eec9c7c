"""Networks as tables that say what they are about."""

from __future__ import annotations

import pytest
from pandas import isna

from core.analysis import analyze
from core.report.tables.counts import account_frame, hand_count_frame
from core.report.tables.layers import formula_frame
from core.report.tables.networks import accuracy_frame, comparison_frame, memory_frame
from core.specs import ModelSpec
from core.studies.conditions import Condition
from core.training.recipes import recipe
from pages.views.app.with_torch import other_counts_of

RECIPE = recipe("fast", 60_000)


def test_the_accuracies_csv_has_the_mean_and_the_range():
    analysis = analyze(ModelSpec("lenet", image_size=28))
    frame = accuracy_frame([(analysis, (0.5, 0.75, 0.7))], Condition("mnist", 60_000, RECIPE))
    assert frame.loc[0, ["network", "dataset", "runs"]].tolist() == ["lenet", "mnist", 3]
    assert frame.loc[0, ["lowest_accuracy", "highest_accuracy"]].tolist() == [0.5, 0.75]
    assert frame.loc[0, "mean_accuracy"] == pytest.approx(0.65)
    assert frame.loc[0, "macs"] == analysis.totals.macs
    told = frame.loc[0, ["train_images", "recipe", "epochs", "batch_size", "learning_rate"]]
    assert told.tolist() == [60_000, "fast", 1, 128, 0.1]


def test_a_comparison_says_under_which_condition_each_best_accuracy_was_reached():
    analyses = [analyze(ModelSpec(arch, image_size=32)) for arch in ("lenet", "vgg11")]
    reached = {analyses[0].spec: (0.5, Condition("mnist", 60_000, RECIPE))}
    frame = comparison_frame(analyses, 32, reached)
    assert frame["best_accuracy"].tolist()[0] == 0.5 and isna(frame["best_accuracy"].tolist()[1])
    assert frame["batch_size"].tolist() == [32, 32]  # of the memory
    told = frame.loc[0, ["dataset", "train_images", "recipe", "epochs", "trained_batch_size"]]
    assert told.tolist() == ["mnist", 60_000, "fast", 1, 128]


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

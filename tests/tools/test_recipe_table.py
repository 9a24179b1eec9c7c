"""What docs/recipe.md says of the fast recipe, held against the runs that it rests on."""

from __future__ import annotations

from statistics import mean

import pytest

from tools.bench.recipe import ACCURACIES, read, table

NETWORKS = ("course-residual", "course-inception")


def accuracies(network: str, dataset: str, without: str) -> list[float]:
    return [
        float(run["test_accuracy"])
        for run in read(ACCURACIES)
        if (run["network"], run["dataset"], run["without"]) == (network, dataset, without)
    ]


def test_the_table_is_that_of_the_runs():
    page = (ACCURACIES.parents[1] / "recipe.md").read_text(encoding="utf-8")
    assert "\n".join(table()) in page


@pytest.mark.parametrize("network", NETWORKS)
def test_every_seed_reaches_98_9_percent_of_mnist_in_less_than_an_epoch(network):
    reached = accuracies(network, "mnist", "nothing")
    assert len(reached) == 5 and min(reached) >= 0.989


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("part", ["Muon", "label smoothing"])
def test_what_is_new_pays(network, part):
    whole = mean(accuracies(network, "mnist", "nothing"))
    assert mean(accuracies(network, "mnist", part)) < whole - 0.001

"""DenseNets beside residual nets of equal accuracy: matched, compared, shipped."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.cli.reproduce import dense_runs
from core.specs import ModelSpec
from core.studies.equal_accuracy import (
    DENSE,
    EPOCHS,
    RESIDUAL,
    SHIPPED,
    nearest_residual,
    paired_difference,
    trained_networks,
)
from core.studies.reproduction import ReproducedEpoch, ReproducedRun, read_runs


def runs(model: ModelSpec, *final_accuracies: float, epochs: int = EPOCHS) -> list[ReproducedRun]:
    """A run a seed that ends with this test accuracy."""
    return [
        ReproducedRun(
            model,
            "fashion-mini",
            "one-cycle",
            EPOCHS,
            64,
            seed,
            "a CPU",
            "2.15",
            "2026-11-24",
            tuple(ReproducedEpoch(n, 0.1, 0.9, 0.2, final, 1.0, 0.1) for n in range(1, epochs + 1)),
        )
        for seed, final in enumerate(final_accuracies)
    ]


def test_a_densenet_meets_the_residual_net_of_nearest_mean():
    networks = trained_networks(
        runs(DENSE[0], 0.80, 0.82, 0.84)
        + runs(RESIDUAL[0], 0.70, 0.72, 0.71)
        + runs(RESIDUAL[1], 0.81, 0.83, 0.83)
        + runs(RESIDUAL[2], 0.90, 0.90, 0.91)
    )
    dense, *_ = networks
    assert dense.is_dense and dense.final.mean == pytest.approx(0.82)
    other = nearest_residual(dense, networks)
    assert other.model == RESIDUAL[1]
    pair = paired_difference(dense, other)
    assert pair.difference == pytest.approx(-1 / 300)
    assert pair.low < -1 / 300 < pair.high  # paired over the three seeds


def test_runs_that_broke_off_and_other_networks_do_not_count():
    networks = trained_networks(
        runs(DENSE[0], 0.8, epochs=EPOCHS - 1) + runs(replace(DENSE[0], ratio=3), 0.8)
    )
    assert networks == []


def test_the_command_trains_each_network_with_each_seed():
    specs = list(dense_runs(seeds=2))
    assert [spec.model for spec in specs] == [*DENSE, *RESIDUAL] * 2
    assert {(spec.dataset, spec.recipe.epochs) for spec in specs} == {("fashion-mini", EPOCHS)}


def test_the_shipped_runs_are_those_of_the_command_three_seeds_or_more():
    shipped = read_runs(SHIPPED)
    networks = trained_networks(shipped)
    assert [network.model for network in networks] == [*DENSE, *RESIDUAL]
    assert all(network.final.count >= 3 for network in networks)
    assert all(run.is_complete for run in shipped)

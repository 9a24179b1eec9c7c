"""What `make bench` writes down: figures with their spread, beside what they were before."""

from __future__ import annotations

import pandas as pd
import pytest

from tools.bench.figures import machine, ratios, row
from tools.bench.kept import earlier, keep


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_RESULTS", str(tmp_path))
    return tmp_path


def test_of_several_measurements_the_median_stands_with_its_spread():
    assert row("a slider", [3, 1, 2.5], "ms", "under 300") == {
        "figure": "a slider",
        "value": 2.5,
        "lowest": 1,
        "highest": 3,
        "of": 3,
        "unit": "ms",
        "wanted": "under 300",
    }


def test_one_measurement_claims_no_spread():
    assert row("a slider", 3, "ms", "") == {
        "figure": "a slider",
        "value": 3,
        "of": 1,
        "unit": "ms",
        "wanted": "",
    }


def test_factors_are_those_of_each_round():
    assert ratios([6, 2], [3, 4]) == [2, 0.5]


def test_a_figure_stands_beside_what_it_was_before(results):
    keep([row("a slider", [3, 1, 2], "ms", "")], "first-")
    keep([row("a slider", 4, "ms", ""), row("a page", 1, "s", "")], "second-")
    [path] = results.glob("second-*.csv")
    kept = pd.read_csv(path).set_index("figure")
    assert kept.loc["a slider", ["value", "before"]].tolist() == [4, 2]
    assert pd.isna(kept.loc["a page", "before"])


def test_another_torch_is_still_the_same_machine(results):
    keep([row("a slider", 4, "ms", "")])
    here, _torch, _version = machine().partition(", torch")
    assert earlier(f"{here}, torch 9.9") == {"a slider": 4} | earlier(machine())
    assert "a slider" not in earlier("a PDP-11, 1 threads, torch 9.9")


def test_figures_of_other_machines_ship_with_the_lab():
    card = "NVIDIA H200, Intel(R) Xeon(R) Processor, 16 threads, torch 3"
    assert earlier(card)["VGG-11/4 at 224 on Fashion-MNIST, 5 epochs"] == pytest.approx(24.4671)


def test_tables_without_figures_are_passed_over(results):
    (results / "roofline.csv").write_text("layer,seconds\nconv1,1\n")
    assert "conv1" not in earlier(machine())

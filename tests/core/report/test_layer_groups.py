"""Rows of charts of layers: what is left out, what stands together, and that nothing is lost."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from core.analysis import analyze
from core.report.cost_rows import cost_rows, saving_rows
from core.report.figures.costs import cost_bars
from core.report.figures.memory import saved_bars
from core.report.layer_groups import MOST_ROWS, grouped
from core.report.sentences.cost_rows import left_out_sentence
from core.specs import ModelSpec
from core.zoo.catalogue import find


def names(paths: list[str], most: int) -> list[str]:
    return [name for name, _ in grouped([SimpleNamespace(path=path) for path in paths], most)]


def test_few_layers_stand_each_for_itself():
    assert names(["a.x", "a.y", "b"], 3) == ["a.x", "a.y", "b"]


def test_layers_of_one_module_stand_together_where_that_leaves_enough_rows():
    paths = [f"stage.{unit}.conv{i}" for unit in range(3) for i in range(2)]
    assert names(paths, 4) == ["stage.0", "stage.1", "stage.2"]


def test_of_too_few_modules_runs_are_made():
    assert names([f"block.layer{i}" for i in range(1, 8)], 4) == [
        "block.layer1–2",
        "block.layer3–4",
        "block.layer5–6",
        "block.layer7",
    ]
    assert names([f"m{i}" for i in range(6)], 3) == ["m0–1", "m2–3", "m4–5"]
    assert names([f"m{i}.conv" for i in range(6)], 2) == ["m0–2", "m3–5"]


@pytest.mark.parametrize("level", ["block", "weight layer", "module"])
@pytest.mark.parametrize("arch", ["vgg11", "densenet121", "torchvision/vit_b_16"])
def test_rows_are_few_and_add_up_to_the_whole(arch, level):
    analysis = analyze(find(arch).default)
    layers = analysis.rows(level)
    rows = cost_rows(layers)
    assert 0 < len(rows) <= MOST_ROWS
    assert sum(row.macs for row in rows) == analysis.totals.macs
    assert sum(row.params for row in rows) == analysis.totals.params
    assert all(row.macs or row.params for row in rows)
    kept = saving_rows(layers)
    assert sum(row.saved_bytes(3) for row in kept) == sum(
        3 * one.saved_bytes + one.fixed_saved_bytes for one in layers
    )
    for figure in (cost_bars(rows), saved_bars(kept, 3)):
        assert figure.layout.height <= 900


def test_what_costs_nothing_is_left_out_and_counted():
    layers = analyze(ModelSpec("vgg11")).rows("module")
    rows = cost_rows(layers)
    assert left_out_sentence(layers, rows) == (
        "18 rows without parameters and multiply-adds are left out."
    )
    dense = analyze(ModelSpec("densenet121")).rows("module")
    assert left_out_sentence(dense, cost_rows(dense)).endswith(
        f"242 layers stand in {len(cost_rows(dense))} rows here."
    )
    blocks = analyze(ModelSpec("vgg11")).rows("block")
    assert left_out_sentence(blocks, cost_rows(blocks)) == ""


def test_both_panels_of_the_costs_begin_at_zero_and_have_one_scale():
    figure = cost_bars(cost_rows(analyze(ModelSpec("vgg11")).rows("weight layer")))
    axes = figure.layout.xaxis, figure.layout.xaxis2
    assert axes[0].range == axes[1].range and axes[0].range[0] == 0
    assert [axis.title.text for axis in axes] == ["MACs (%)", "parameters (%)"]
    for axis, unit in (("x", "macs"), ("x2", "params")):
        shares = [share for bars in figure.data if bars.xaxis == axis for share in bars.x]
        assert sum(shares) == pytest.approx(100) and min(shares) >= 0, unit

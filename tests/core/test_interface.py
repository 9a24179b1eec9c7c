"""The names that scripts of users rely on; docs/architecture.md lists them."""

from __future__ import annotations

import inspect

import pytest

import core.analysis
import core.specs
import core.zoo
from core.report.tables.networks import comparison_frame
from core.report.tables.runs import EPOCH_COLUMNS, epoch_frame, run_frame
from core.specs import LabError, ModelSpec, Recipe, RunSpec
from core.training.recipes import recipe


def test_a_spec_is_made_written_and_read_as_ever():
    spec = RunSpec(ModelSpec("vgg11", 4, 96), "fashion-mini", recipe("fast", 640), 640)
    assert RunSpec.from_json(spec.to_json()) == spec
    assert ModelSpec.from_text("vgg11/4/96/1/10") == spec.model
    assert issubclass(LabError, ValueError)


def test_older_scripts_spell_recipes_in_their_own_way():
    older = Recipe("own", 1, 2, 0.1, initialisation="xavier", normalise=True)
    newer = Recipe("own", 1, 2, 0.1, initialization="xavier", normalize=True)
    assert older == newer and (older.initialisation, older.normalise) == ("xavier", True)
    text = newer.to_json().replace("normalize", "normalise").replace("initializ", "initialis")
    assert Recipe.from_json(text) == newer


def test_networks_are_built_and_taken_apart_by_the_names_that_stay():
    spec = ModelSpec("lenet", image_size=28)
    module = core.zoo.build(spec)
    by_spec, by_module = (
        core.analysis.analyze(spec),
        core.analysis.analyze_module(module, (1, 28, 28)),
    )
    assert by_spec.totals.params == by_module.totals.params == 61_706
    assert list(inspect.signature(core.analysis.analyze).parameters) == ["spec"]
    assert list(inspect.signature(core.analysis.analyze_module).parameters) == [
        "module",
        "input_shape",
        "inputs",
    ]
    memory = by_spec.training_memory(32, momentum=True)
    assert memory.optimiser == 4 * by_spec.totals.params


def test_a_script_from_before_the_jobs_finds_the_store():
    from core.runs.store import open_store

    assert open_store().runs() == []


RUN_COLUMNS_OF_CSV = (
    "run network ratio image_size in_channels num_classes options dataset train_images recipe"
    " epochs batch_size learning_rate momentum nesterov weight_decay max_gradient_norm schedule"
    " initialisation normalise bfloat16 optimizer label_smoothing device seed"
)


def test_csv_columns_keep_their_names():
    assert " ".join(epoch_frame([], {}).columns).startswith(RUN_COLUMNS_OF_CSV)
    assert set(RUN_COLUMNS_OF_CSV.split()) < set(run_frame([]).columns)
    assert "optimiser_seconds" in EPOCH_COLUMNS
    columns = set(
        comparison_frame([core.analysis.analyze(ModelSpec("lenet", image_size=28))], 128, {})
    )
    assert {"network", "ratio", "image_size", "params", "macs"} <= columns


@pytest.mark.parametrize("name", ["analyze", "analyze_module", "torchinfo_summary"])
def test_the_face_of_the_analysis_is_complete(name):
    assert callable(getattr(core.analysis, name))

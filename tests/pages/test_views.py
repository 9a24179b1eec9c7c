"""The Architecture page's views: what each shows, and that none breaks on any network."""

from __future__ import annotations

from io import StringIO

import pandas as pd
import pytest
import streamlit as st

from core.analysis import analyze
from core.jobs.engines.local import layer_times_name
from core.jobs.store import open_store
from core.report import formats
from core.report.figures import charts as figures
from core.report.tables.tables import (
    account_frame,
    accuracy_frame,
    formula_frame,
    hand_count_frame,
    memory_frame,
    to_csv,
)
from core.specs import ModelSpec
from core.training.records import LayerTime, LayerTimes
from core.zoo.catalogue import CATALOGUE
from pages.views.app.services import code_of, other_counts_of
from tests.pages.test_pages import finished_run, metric, open_page

VIEWS = ("Layers", "Cost", "Memory", "Time", "Explain", "Code", "Summary")
PAGE = "pages/architecture.py"


@pytest.fixture(autouse=True)
def no_worker_and_fresh_caches(monkeypatch):
    """Pages under test start no process and remember nothing of the test before."""
    monkeypatch.setenv("LAB_START_WORKER", "0")
    st.cache_data.clear()
    st.cache_resource.clear()


def label(name: str) -> str:
    return f"{CATALOGUE[name].family}: {CATALOGUE[name].title}"


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", ["vgg11", "course-residual"])
def test_every_view_opens_without_an_error(view, name):
    app = open_page(PAGE, net_network=label(name), net_view=view)
    assert not app.error


def test_the_code_view_shows_the_exported_code():
    app = open_page(PAGE, net_network=label("lenet"), net_view="Code")
    assert app.code[0].value == code_of(CATALOGUE["lenet"].default).rstrip("\n")


# Q2, Q5, Q8, Q16, Q18: explained


def test_a_layer_s_formulas_have_its_numbers():
    app = open_page(PAGE, net_view="Explain", net_layer="block2.conv1")
    frame = app.table[0].value
    assert frame.loc["parameters", "with this layer's numbers"] == "3 · 3 · 64 · 128 + 128"
    assert frame.loc["parameters", "value"] == "73,856"
    assert any("1×64×112×112 → 1×128×112×112" in one.value for one in app.markdown)


def test_what_was_built_is_said():
    app = open_page(PAGE, net_network=label("vgg16"), net_view="Explain")
    assert "configuration D (VGG-16)" in app.info[0].value


def test_a_hand_count_is_checked_and_stays_data():
    app = open_page(PAGE, net_view="Explain", net_topic="Hand count")
    area = app.text_area[0]
    area.set_value("conv1: 3x3x3x64\n__import__('os')\ntotal = 5").run()
    assert not app.exception
    said = " ".join(one.value for one in [*app.warning, *app.markdown])
    assert "3 input channels instead of 1" in said
    assert "was left out of the check" in said
    exact = [
        f"{layer.path}: {' · '.join(map(str, layer.weight_shape))} + {layer.biases}"
        for layer in analyze(ModelSpec("vgg11")).layers
        if layer.params
    ]
    app.text_area[0].set_value("\n".join(exact)).run()
    assert app.success[0].value.startswith("Everything is right: 128,806,154 parameters")


def test_other_counters_are_reconciled():
    app = open_page(PAGE, net_view="Explain", net_topic="Other counters")
    frame = app.dataframe[-1].value
    assert "biases of convolutions, once for each pixel of the output" in list(frame["reason"])
    assert "not explained" not in list(frame["reason"])


@pytest.mark.parametrize(
    ("layer", "axes"),
    [  # Q18
        ("block1.conv1", "(images × channels × height × width); kernel 3×3"),
        ("dense1.flatten", "(images × channels × height × width → images × features)"),
        ("dense2.linear", "(images × features)"),
    ],
)
def test_the_numbers_of_a_shape_are_named(layer, axes):
    app = open_page(PAGE, net_view="Explain", net_layer=layer)
    assert any(axes in one.value for one in app.markdown)


@pytest.mark.parametrize(
    ("layer", "size", "error"),
    [  # Q5 and Q8
        ("block3.conv2", 224, "expected input[1, 256, 56, 56] to have 128 channels, but got 256"),
        ("dense1.linear", 96, "shapes cannot be multiplied (1x4608 and 25088x4096)"),
        ("dense1.linear", 224, "shapes cannot be multiplied (1x25088 and 4608x4096)"),
    ],
)
def test_what_pytorch_says_to_a_wrong_number_of_inputs_is_shown(layer, size, error):
    app = open_page(PAGE, net_view="Explain", net_layer=layer, net_size=str(size))
    assert error in app.code[0].value


# Memory and time


def test_memory_is_the_analysis_s():
    app = open_page(PAGE, net_view="Memory", net_memory_batch="32")
    assert app.slider(key="net_memory_batch").value == 32
    analysis = analyze(ModelSpec("vgg11"))
    frame = memory_frame(analysis, 32, True, 2)
    assert frame["training_bytes"][0] == analysis.training_bytes(32, True, 2)
    parts = ["parameters", "optimiser", "buffers", "images", "saved", "gradients", "temporaries"]
    assert sum(frame[f"{part}_bytes"][0] for part in parts) == frame["training_bytes"][0]


def test_measured_times_are_shown_beside_the_work():
    spec = CATALOGUE["lenet"].default
    layers = list(analyze(spec).layers)
    times = LayerTimes(
        "cpu", "a test", 16, 9, 0.01, tuple(LayerTime(one.path, 0.001, 0.002) for one in layers)
    )
    store = open_store()
    store.keep_measured(layer_times_name(spec, "cpu", 16), {"of": 9, "times": times.to_dict()})
    app = open_page(PAGE, net_network=label("lenet"), net_view="Time", net_level="every module")
    frame = app.dataframe[-1].value
    assert frame["layer"].tolist() == [one.path for one in layers]
    assert frame["forward ms"].tolist() == [1.0] * len(layers)
    said = " ".join(one.value for one in app.caption)
    assert "Medians of 9 passes with a batch of 16 on a test" in said


def test_a_measurement_that_failed_says_why():
    spec = CATALOGUE["lenet"].default
    open_store().keep_measured(layer_times_name(spec, "cpu", 16), {"error": "No room *here*."})
    app = open_page(PAGE, net_network=label("lenet"), net_view="Time")
    assert app.error[0].value == "No room \\*here\\*."
    assert "Measure every layer" in [button.label for button in app.button]


# torchvision's models


def test_a_model_of_torchvision_is_taken_apart_like_ours():
    app = open_page(PAGE, net_network="torchvision: any of its models", net_torchvision="vit_b_16")
    assert metric(app, "Parameters") == formats.short(86_567_656)
    assert metric(app, "Receptive field") == "all"
    assert "Train this network" not in [button.label for button in app.button]


def test_a_size_that_torchvision_s_model_cannot_take_is_one_sentence():
    app = open_page(
        PAGE,
        net_network="torchvision: any of its models",
        net_torchvision="vit_b_16",
        net_size="100",
    )
    assert "cannot be built for 100×100 pixels" in app.error[0].value


def test_torchvision_s_models_are_compared_like_ours():
    app = open_page(
        "pages/compare.py", networks="torchvision/resnet18/1/224/3/1000|alexnet/1/224/1/10"
    )
    assert app.dataframe[0].value["parameters"].tolist() == [11_689_512, 46_764_746]


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


def test_accuracy_stands_against_cost_where_there_are_runs():
    app = open_page("pages/compare.py", cmp_view="Accuracy against MACs")
    assert "No runs of these networks yet" in app.info[0].value
    finished_run(seed=0)
    finished_run(seed=1)
    app = open_page(
        "pages/compare.py",
        networks="course-residual/1/28/1/10;as_published=False;shortcut=identity|lenet/1/28/1/10",
        cmp_view="Accuracy against MACs",
    )
    assert app.selectbox(key="cmp_dataset").value == "fashion-mini"
    assert any("Without a run on fashion-mini: lenet" in one.value for one in app.caption)
    assert "Accuracy as CSV" in [button.label for button in app.get("download_button")]


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
    assert [one.textposition for one in points] == ["bottom right", "bottom center", "top left"]
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

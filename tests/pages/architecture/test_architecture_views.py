"""The Architecture page's views: what each shows, and that none breaks on any network."""

from __future__ import annotations

import pytest

from core.analysis import analyze
from core.jobs.store import JobState, open_store
from core.language import Message
from core.measure.requests import LayerTimesRequest
from core.report import formats
from core.report.tables.networks import memory_frame
from core.specs import ModelSpec
from core.training.records import LayerTime, LayerTimes
from core.zoo.catalogue import CATALOGUE
from core.zoo.libraries import Library
from pages.views.app.with_torch import code_of
from tests.pages.opening import as_read, layer_rows, metric, network_label, open_page

VIEWS = ("Layers", "Cost", "Memory", "Time", "Graph", "Explain", "Code", "Summary")
PAGE = "pages/architecture.py"


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", ["vgg11", "course-residual"])
def test_every_view_opens_without_an_error(view, name):
    app = open_page(PAGE, net_network=network_label(name), net_view=view)
    assert not app.error


def test_the_code_view_shows_the_exported_code():
    app = open_page(PAGE, net_network=network_label("lenet"), net_view="Code")
    assert app.code[0].value == code_of(CATALOGUE["lenet"].default).rstrip("\n")


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
        "cpu", "a test", 16, 9, 0.01, tuple(LayerTime(layer.path, 0.001, 0.002) for layer in layers)
    )
    store = open_store()
    store.keep_result(LayerTimesRequest(spec, "cpu", 16), times.to_dict())
    app = open_page(
        PAGE, net_network=network_label("lenet"), net_view="Time", net_level="every module"
    )
    frame = app.dataframe[-1].value
    assert frame["layer"].tolist() == [layer.path for layer in layers]
    assert frame["forward ms"].tolist() == [1.0] * len(layers)
    captions = as_read(" ".join(caption.value for caption in app.caption))
    assert "Medians of 9 passes with a batch of 16 on a test" in captions


def test_a_measurement_that_failed_says_why():
    spec = CATALOGUE["lenet"].default
    store = open_store()
    store.enqueue_measurement(LayerTimesRequest(spec, "cpu", 16))
    store.finish(store.claim(), JobState.FAILED, Message("No room *here*."))
    app = open_page(PAGE, net_network=network_label("lenet"), net_view="Time")
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


def test_a_model_of_timm_is_taken_apart_like_ours():
    pytest.importorskip("timm")
    asked = {"net_timm": "vit_tiny_patch16_224", "net_size": "96", "net_channels": "1"}
    app = open_page(PAGE, net_network="timm", **asked)
    assert metric(app, "Parameters") == formats.short(5_588_392)
    assert not app.warning and dict(app.query_params) == {"net_network": "timm"} | asked


def test_another_model_of_timm_starts_with_its_own_settings():
    pytest.importorskip("timm")
    app = open_page(PAGE, net_network="timm", net_size="96", net_channels="1")
    app.selectbox(key="net_timm").set_value("tinynet_e").run()
    assert app.slider(key="net_size").value == 106
    assert app.number_input(key="net_channels").value == 3


def test_without_timm_the_picker_has_no_such_entry_and_an_address_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(Library, "version", None)
    app = open_page(PAGE, net_network="timm", net_timm="resnet18")
    how = "timm is not installed here; `pip install timm` adds its models."
    assert how in [warning.value for warning in app.warning]
    assert not [title for title in app.selectbox[0].options if title.startswith("timm")]
    assert metric(app, "Parameters")  # of the page's own default


# Rows in other frameworks


def test_rows_in_other_frameworks_are_opened_by_the_address():
    app = open_page(PAGE, net_frameworks="true")
    frame = app.dataframe[-1].value.set_index("layer")
    assert len(frame) == 29
    assert frame.loc["block3.conv2", "MXNet"] == "3. sequential3"
    assert frame.loc["dense1.dropout", "MXNet"] == "7. dropout0"
    assert frame.loc["dense3.linear", "Keras"] == "6. Sequential"
    assert frame.loc["block5.pool", "output N×H×W×C"] == "1×7×7×512"
    assert any("MXNet prints 10" in text.value for text in app.markdown)
    assert "net_level" not in [control.key for control in app.button_group]
    assert not app.warning


def test_a_network_without_such_rows_says_why():
    app = open_page(PAGE, net_network=network_label("densenet"), net_frameworks="true")
    assert "known only for networks that are a chain" in app.info[-1].value
    app.toggle(key="net_frameworks").set_value(False).run()
    assert not app.info and len(layer_rows(app)) == 9
    assert "net_level" in [control.key for control in app.button_group]


# What costs the same, and another size


@pytest.mark.parametrize(("flops", "amount"), [("false", "115.6 M MACs"),
                                               ("true", "231.2 M FLOPs")])  # fmt: skip
def test_the_cost_view_says_how_many_convolutions_cost_the_same(flops, amount):
    app = open_page(PAGE, net_network=network_label("resnet34"), net_view="Cost", net_flops=flops)
    assert any(
        f"29 of the 36 convolutions take the same {amount}" in as_read(t.value)
        for t in app.markdown
    )


def test_a_size_that_is_not_the_network_s_own_says_what_it_changes():
    app = open_page(PAGE, net_ratio="4", net_size="96")
    [note] = app.info
    assert note.value.startswith("96 pixels instead of 224: the map of block5.pool has 3×3 cells")
    assert "VGG-11 at ratio 4 reaches" in note.value
    app.slider(key="net_ratio").set_value(2).run()
    assert "reaches" not in app.info[0].value
    app.slider(key="net_size").set_value(224).run()
    assert not app.info

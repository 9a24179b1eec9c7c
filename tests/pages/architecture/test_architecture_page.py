"""The Architecture page as a script: totals, addresses, and the table of layers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.analysis import analyze
from core.report import formats
from core.specs import ModelSpec
from core.zoo.catalogue import CATALOGUE, complete
from pages.views.forms.network import model_keys
from tests.pages.opening import metric, open_page

pytestmark = pytest.mark.slow

PAGE = "pages/architecture.py"


@pytest.mark.parametrize("name", CATALOGUE)
def test_architecture_shows_the_totals_that_core_computes_for_every_network(name):
    row = CATALOGUE[name]
    app = open_page(PAGE, net_network=f"{row.family}: {row.title}")
    totals = analyze(row.default).totals
    assert metric(app, "Parameters") == formats.short(totals.params)
    assert metric(app, "MACs an image") == formats.short(totals.macs)
    assert metric(app, "Depth") == f"{totals.depth} layers"


def test_an_address_reopens_the_same_network_ratio_size_and_options():
    app = open_page(
        PAGE,
        net_network="Residual: Course residual net",
        net_ratio="2",
        net_size="32",
        net_shortcut="conv shortcut",
        net_as_published="true",
    )
    spec = ModelSpec("course-residual", 2, 32, options={"shortcut": "conv", "as_published": True})
    analysis = analyze(spec)
    assert metric(app, "Parameters") == formats.short(analysis.totals.params)
    assert app.warning[0].value == analysis.warnings[0]


def test_a_broken_address_falls_back_to_the_defaults():
    app = open_page(PAGE, net_network="<script>", net_ratio="-3", net_size="a", net_level="?")
    assert metric(app, "Parameters") == formats.short(128_806_154)
    assert not app.error
    [told] = app.warning
    for asked in ("net_ratio=-3", "net_network=\\<script\\>", "net_size=a", "net_level=?"):
        assert asked in told.value
    app.run()
    assert not app.warning  # it is about the address, which now says what is shown


@pytest.mark.parametrize("name", CATALOGUE)
def test_an_address_that_asks_for_defaults_is_not_found_fault_with(name):
    asked = model_keys("net_", complete(CATALOGUE[name].default)) | {"net_level": "by block"}
    app = open_page(
        PAGE,
        **{key: str(value) for key, value in asked.items()},
        net_layout="N×C×H×W",
        net_flops="FALSE",
        net_unknown="1",
    )
    assert not app.warning


def test_how_much_of_the_image_one_unit_sees_stands_under_the_receptive_field():
    """Q3: 150 pixels are two thirds of 224 and more than 96."""
    for size, told in ((224, f"{formats.joined('67', '%')} of the side"), (96, "1.56 × the side")):
        app = open_page(PAGE, net_size=str(size))
        [field] = [card for card in app.metric if card.label == "Receptive field"]
        assert field.delta == told


def test_each_total_is_told_beside_the_default_as_a_person_says_it():
    deltas = {card.label: card.delta for card in open_page(PAGE).metric}
    assert deltas["Parameters"] == deltas["Depth"] == "the default"
    app = open_page(PAGE, net_ratio="4")
    spec = ModelSpec("vgg11")
    thin, own = analyze(replace(spec, ratio=4)).totals, analyze(spec).totals
    deltas = {card.label: card.delta for card in app.metric}
    assert deltas["MACs an image"] == f"1/{round(own.macs / thin.macs)} of the default"
    assert deltas["Parameters"] == f"1/{round(own.params / thin.params)} of the default"
    assert deltas["Depth"] == "the default"


def test_a_size_that_is_too_small_gets_one_sentence_with_the_smallest_that_works():
    app = open_page(PAGE, net_size="24")
    assert app.error[0].value.startswith("VGG-11 cannot take 24×24 pixels")
    assert "32×32" in app.error[0].value


def test_another_network_starts_with_its_own_settings():
    app = open_page(PAGE, net_ratio="4")
    app.selectbox(key="net_network").set_value("course-residual").run()
    assert app.slider(key="net_size").value == 28
    assert app.slider(key="net_ratio").value == 1
    assert not app.warning


@pytest.mark.parametrize(("level", "rows"), [("by block", 8), ("by weight layer", 11)])
def test_where_the_eleven_layers_of_vgg11_are(level, rows):
    """Q1: 8 rows are printed, the other 3 weight layers are inside blocks 3 to 5."""
    app = open_page(PAGE, net_level=level)
    table = app.dataframe[0].value
    assert len(table) == rows
    assert table["parameters"].sum() == 128_806_154


def test_shapes_come_in_the_order_of_keras_on_a_switch():
    app = open_page(PAGE, net_layout="N×H×W×C")
    assert app.dataframe[0].value["output"].iloc[0] == "1×112×112×64"


def test_flops_are_twice_the_macs():
    table = open_page(PAGE, net_flops="true").dataframe[0].value
    assert table["FLOPs"].sum() == 2 * analyze(ModelSpec("vgg11")).totals.macs


def test_the_summary_is_torchinfos():
    app = open_page(PAGE, net_view="Summary")
    assert "Total params: 128,806,154" in app.code[0].value


@pytest.mark.parametrize(
    ("shortcut", "settings"),
    [
        ("identity", set()),
        ("constant-scaling", {"as_published", "factor"}),
        ("conv", {"as_published"}),
        ("shortcut-gating", {"gate_bias"}),
        ("dropout", {"dropout"}),
    ],
)
def test_a_control_without_effect_for_the_shortcut_is_not_there(shortcut, settings):
    app = open_page(PAGE, net_network="course-residual", net_shortcut=shortcut)
    keys = {control.key for control in [*app.toggle, *app.number_input]}
    known = {"as_published", "factor", "gate_bias", "dropout"}
    assert {name for name in known if f"net_{name}" in keys} == settings


def test_an_address_may_ask_for_what_has_no_effect():
    """As those of earlier versions do."""
    app = open_page(
        PAGE,
        net_network="course-residual",
        net_shortcut="identity",
        net_factor="0.7",
        net_as_published="true",
        net_order="full-pre-activation",  # without BatchNorm it is another
    )
    assert not app.warning and not app.error
    order = app.selectbox(key="net_order")
    assert order.value == "relu-only-pre-activation"
    assert order.options == ["original", "ReLU before addition", "ReLU-only pre-activation"]
    app.toggle(key="net_batch_norm").set_value(True).run()
    assert len(app.selectbox(key="net_order").options) == 5
    app.selectbox(key="net_order").select("full pre-activation").run()
    app.toggle(key="net_batch_norm").set_value(False).run()
    assert app.selectbox(key="net_order").value == "relu-only-pre-activation"
    assert not app.warning and not app.error

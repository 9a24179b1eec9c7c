"""The Architecture page as a script: totals, addresses, and the table of layers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.analysis import analyze
from core.report import formats
from core.specs import ModelSpec
from core.zoo.catalogue import CATALOGUE, complete
from pages.views.forms.network import model_keys
from tests.pages.opening import as_read, layer_rows, metric, open_page

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
    assert as_read(app.warning[0].value) == as_read(analysis.warnings[0])


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
    within, beyond = f"{formats.joined('67', '%')} of the image's side", "1.6 × the image's side"
    for size, told in ((224, within), (96, beyond)):
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
    table = layer_rows(app)
    assert len(table) == rows
    assert table["parameters"].sum() == 128_806_154


def test_shapes_come_in_the_order_of_keras_on_a_switch():
    app = open_page(PAGE, net_layout="N×H×W×C")
    assert layer_rows(app)["output"].iloc[0] == "1×112×112×64"


def test_flops_are_twice_the_macs():
    table = layer_rows(open_page(PAGE, net_flops="true"))
    assert table["FLOPs"].sum() == 2 * analyze(ModelSpec("vgg11")).totals.macs


def test_seven_columns_are_shown_and_the_others_on_demand():
    app = open_page(PAGE)
    seven = ["layer", "output", "kernel", "parameters", "MACs", "output MiB", "receptive field"]
    assert layer_rows(app).columns.tolist() == [*seven, "inner"]
    assert layer_rows(app)["kernel"].iloc[0] == "3×3 +1, 2×2 /2"
    app.toggle(key="net_columns").set_value(True).run()
    shown = layer_rows(app)
    assert {*seven, "kind", "input", "element-wise", "backward MACs"} < {*shown.columns}
    analysis = analyze(ModelSpec("vgg11"))
    assert shown["sees px"].tolist() == [row.receptive_field for row in analysis.rows("block")]
    assert shown["backward MACs"].sum() == analysis.totals.backward_macs


def test_a_column_without_anything_in_it_is_not_there():
    app = open_page(PAGE, net_network="torchvision", net_torchvision="swin_t", net_columns="true")
    assert all(layer_rows(app)[name].notna().any() for name in layer_rows(app))


def test_the_address_says_which_block_is_chosen_and_its_layers_stand_below_it():
    app = open_page(PAGE, net_block="block3")
    shown = layer_rows(app)
    assert shown[shown["inner"]]["layer"].tolist() == [
        layer.path for layer in analyze(ModelSpec("vgg11")).layers if layer.block == "block3"
    ]
    at = shown["layer"].tolist().index("block3")
    assert shown["layer"].iloc[at + 1] == "block3.conv1" and not shown["inner"].iloc[at]
    assert app.query_params["net_block"] == "block3"
    app.selectbox(key="net_network").set_value("lenet").run()
    assert not layer_rows(app)["inner"].any() and "net_block" not in app.query_params
    [told] = open_page(PAGE, net_block="block9").warning
    assert "net_block=block9" in told.value


def test_a_network_that_is_nearly_one_block_is_shown_by_weight_layer_until_one_chooses():
    vit = {"net_network": "torchvision", "net_torchvision": "vit_b_16"}
    app = open_page(PAGE, **vit)
    assert len(layer_rows(app)) == 50
    app.button_group(key="net_level").set_value("block").run()
    assert len(layer_rows(app)) == 4
    app = open_page(PAGE, **vit)
    app.selectbox(key="net_network").set_value("vgg11").run()
    assert len(layer_rows(app)) == 8
    assert len(layer_rows(open_page(PAGE, **vit, net_level="by block"))) == 4


def test_the_summary_is_torchinfos_and_asked_for_only_when_unfolded(monkeypatch):
    app = open_page(PAGE, net_view="Summary")  # as older addresses say it
    assert "Total params: 128,806,154" in app.code[0].value
    assert app.button_group(key="net_view").value == "Code"
    asked = []
    monkeypatch.setattr("pages.views.architecture.code.summary_of", asked.append)
    open_page(PAGE, net_view="Code")
    assert not asked


@pytest.mark.parametrize(
    ("earlier", "view", "part"),
    [
        ("Memory", "Memory and time", "Memory"),
        ("Time", "Memory and time", "Time"),
        ("Picture", "Graph", None),
    ],
)
def test_views_keep_the_names_that_they_had_in_addresses(earlier, view, part):
    app = open_page(PAGE, net_view=earlier)
    assert not app.warning
    assert app.button_group(key="net_view").value == view
    if part:
        assert app.button_group(key="net_part").value == part


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


def test_a_size_that_is_too_small_has_a_button_for_one_that_works():
    app = open_page(PAGE, net_size="24")
    assert app.button(key="net_use_size").label == "Use 32 px"
    app.button(key="net_use_size").click().run()
    assert not app.error and app.slider(key="net_size").value == 32
    vit = {"net_network": "torchvision", "net_torchvision": "vit_b_16"}
    app = open_page(PAGE, **vit, net_size="100")
    assert app.button(key="net_use_size").label == "Use 224 px"

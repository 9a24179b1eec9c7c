"""Every page as a script: what it shows, what it queues, what it says to bad input."""

from __future__ import annotations

import pytest

from core.analysis import analyze
from core.report import formats
from core.specs import ModelSpec
from core.zoo.catalogue import CATALOGUE, complete
from pages.views.app.messages import escaped
from pages.views.forms.network import model_keys
from tests.pages.opening import finished_run, labels, metric, open_page


def test_the_overview_says_what_the_lab_is_and_offers_three_ways_to_start():
    app = open_page()
    assert app.title[0].value == "CNN Architecture Lab"
    assert labels(app) == ["Open VGG-11", "Set up the run", "Compare the blocks"]
    assert "No runs yet" in app.info[0].value


def test_the_overview_lists_the_newest_runs_with_their_state():
    run_id = finished_run()
    table = open_page().dataframe[0].value
    assert table["run"].tolist() == [f"train?run={run_id}"]
    assert table["state"].tolist() == ["✓ finished"]
    assert table["best accuracy"].tolist() == [81.25]


@pytest.mark.parametrize("name", CATALOGUE)
def test_architecture_shows_the_totals_that_core_computes_for_every_network(name):
    row = CATALOGUE[name]
    app = open_page("pages/architecture.py", net_network=f"{row.family}: {row.title}")
    totals = analyze(row.default).totals
    assert metric(app, "Parameters") == formats.short(totals.params)
    assert metric(app, "MACs an image") == formats.short(totals.macs)
    assert metric(app, "Depth") == f"{totals.depth} layers"


def test_an_address_reopens_the_same_network_ratio_size_and_options():
    app = open_page(
        "pages/architecture.py",
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
    app = open_page(
        "pages/architecture.py", net_network="<script>", net_ratio="-3", net_size="a", net_level="?"
    )
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
        "pages/architecture.py",
        **{key: str(value) for key, value in asked.items()},
        net_layout="N×C×H×W",
        net_flops="FALSE",
        net_unknown="1",
    )
    assert not app.warning


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a_b net_size=3", "a_b net_size=3"),
        ("__x__ *y*", "\\_\\_x\\_\\_ \\*y\\*"),
        ("[a](b) <b> $x$", "\\[a\\](b) \\<b\\> \\$x\\$"),
        (":red[hi] :smile: a: b 1:2", ":\u2060red\\[hi\\] :\u2060smile: a: b 1:\u20602"),
    ],
)
def test_a_reader_s_text_is_shown_as_it_is(text, expected):
    assert escaped(text) == expected


def test_more_networks_than_fit_are_told():
    held = "|".join(f"vgg11/{ratio}/32/1/10" for ratio in range(1, 15))
    app = open_page("pages/compare.py", networks=held)
    assert app.error[0].value.startswith("The address holds 14 networks; the first 12 are shown")
    assert len(app.dataframe[0].value) == 12


def test_how_much_of_the_image_one_unit_sees_stands_under_the_receptive_field():
    """Q3: 150 pixels are two thirds of 224 and more than 96."""
    for size, share in ((224, "67"), (96, "100")):
        app = open_page("pages/architecture.py", net_size=str(size))
        [field] = [one for one in app.metric if one.label == "Receptive field"]
        assert field.delta == f"{formats.joined(share, '%')} of the side"


def test_a_size_that_is_too_small_gets_one_sentence_with_the_smallest_that_works():
    app = open_page("pages/architecture.py", net_size="24")
    assert app.error[0].value.startswith("VGG-11 cannot take 24×24 pixels")
    assert "32×32" in app.error[0].value


def test_another_network_starts_with_its_own_settings():
    app = open_page("pages/architecture.py", net_ratio="4")
    app.selectbox(key="net_network").set_value("course-residual").run()
    assert app.slider(key="net_size").value == 28
    assert app.slider(key="net_ratio").value == 1
    assert not app.warning


@pytest.mark.parametrize(("level", "rows"), [("by block", 8), ("by weight layer", 11)])
def test_where_the_eleven_layers_of_vgg11_are(level, rows):
    """Q1: 8 rows are printed, the other 3 weight layers are inside blocks 3 to 5."""
    app = open_page("pages/architecture.py", net_level=level)
    table = app.dataframe[0].value
    assert len(table) == rows
    assert table["parameters"].sum() == 128_806_154


def test_shapes_come_in_the_order_of_keras_on_a_switch():
    app = open_page("pages/architecture.py", net_layout="N×H×W×C")
    assert app.dataframe[0].value["output"].iloc[0] == "1×112×112×64"


def test_flops_are_twice_the_macs():
    table = open_page("pages/architecture.py", net_flops="true").dataframe[0].value
    assert table["FLOPs"].sum() == 2 * analyze(ModelSpec("vgg11")).totals.macs


def test_the_summary_is_torchinfos():
    app = open_page("pages/architecture.py", net_view="Summary")
    assert "Total params: 128,806,154" in app.code[0].value


def test_what_an_address_says_is_never_markdown():
    """A link must not make the page load a picture from another host."""
    evil = "![x](http://other.example/x.png)"
    app = open_page("pages/compare.py", networks=evil)
    assert "!\\[x\\](http" in app.error[0].value


def test_compare_shows_each_network_of_the_address_and_says_which_cannot_be_built():
    app = open_page("pages/compare.py", networks="vgg11/4/96/1/10|vgg11/1/8/1/10|vgg11/4/96/1/10")
    assert app.dataframe[0].value["network"].tolist() == ["vgg11, ratio 4, 96 px"]
    assert "32×32" in app.error[0].value


def test_compare_tells_networks_apart_that_differ_only_in_an_option():
    texts = [
        ModelSpec("custom-vgg", 8, 32, options={"head_width": width}).to_text()
        for width in (16, 32)
    ]
    app = open_page("pages/compare.py", networks="|".join(texts))
    names = app.dataframe[0].value["network"].tolist()
    assert len(set(names)) == 2

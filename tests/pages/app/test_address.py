"""Addresses: by names, with the titles of older ones read, and nothing in them breaks a page."""

from __future__ import annotations

import pytest

from core.data import DATASETS
from core.jobs.store import open_store
from core.measure.gradient_records import INITIALIZATIONS
from core.specs import ModelSpec
from core.training.recipes import RECIPES
from core.zoo.catalogue import CATALOGUE
from core.zoo.libraries import installed_libraries
from core.zoo.variants import VARIANTS, variants_of
from pages.views.app.frame import PAGES
from pages.views.forms.network import network_label
from tests.pages.opening import finished_run, open_page

pytestmark = pytest.mark.slow

CHOICES = {  # the name of an option with choices → a network that has it, its choices
    option.name: (name, dict(option.choices))
    for name, row in CATALOGUE.items()
    for option in row.options
    if option.choices
}
TRAIN, RESIDUAL, GRADIENTS = (f"pages/{name}.py" for name in ("train", "residual", "gradients"))
NO_NUMBERS = ("inf", "-Infinity", "nan", "1e309", "9" * 400)


@pytest.mark.parametrize(
    ("page", "parameter", "value"),
    [
        ("architecture", "net_view", "Layer"),
        ("architecture", "net_classes", "0"),
        ("compare", "cmp_view", "<b>Table</b>"),
        ("compare", "cmp_batch", "1e999"),
        ("calculators", "calc_tool", "x" * 1000),
        ("train", "train_network", "nonsense"),
        ("train", "train_epochs", "1001"),
        ("train", "train_batch", "99999"),
        ("train", "train_rate", "1e9"),
        ("train", "train_seed", "-5"),
        ("train", "train_device", "npu"),
    ],
)
def test_a_value_that_no_control_takes_is_told_in_one_sentence(page, parameter, value):
    [told] = open_page(f"pages/{page}.py", **{parameter: value}).warning
    assert f"{parameter}=" in told.value and len(told.value) < 200
    assert "<b>" not in told.value.replace("\\<", "")


def shown(app, key: str) -> str:
    """The name that the list with this key has picked."""
    return app.selectbox(key=key).value


# By name, and by the titles of older addresses


@pytest.mark.parametrize("name", [*CATALOGUE, *(library.name for library in installed_libraries())])
def test_a_network_is_asked_for_by_its_name_and_by_its_title(name):
    for text in (name, network_label(name)):
        app = open_page(TRAIN, train_network=text)
        assert shown(app, "train_network") == name and not app.warning
        held = app.query_params.get("train_network")
        assert held == (None if name == "course-residual" else name)


@pytest.mark.parametrize(
    ("page", "key", "titles"),
    [
        (TRAIN, "train_dataset", {name: info.title for name, info in DATASETS.items()}),
        (TRAIN, "train_recipe", {name: row.title for name, row in RECIPES.items()}),
        (RESIDUAL, "res_network", {name: CATALOGUE[name].title for name in ("resnet20",)}),
        (RESIDUAL, "res_dataset", {name: info.title for name, info in DATASETS.items()}),
        (RESIDUAL, "res_recipe", {name: row.title for name, row in RECIPES.items()}),
        (GRADIENTS, "why_init", INITIALIZATIONS),
        (GRADIENTS, "why_quantity", {"variance": "variance of the output"}),
    ],
)
def test_lists_are_asked_for_by_name_and_by_title(page, key, titles):
    first, *_ = titles
    for name, title in titles.items():
        for text in (name, title):
            app = open_page(page, **{key: text})
            assert shown(app, key) == name
            assert all("address asks" not in warning.value for warning in app.warning)
            assert app.query_params.get(key) in (name, None if name == first else name)


@pytest.mark.parametrize(
    ("option", "name", "title"),
    [
        (option, name, title)
        for option, (_, choices) in CHOICES.items()
        for name, title in choices.items()
    ],
)
def test_an_option_is_asked_for_by_name_and_by_title(option, name, title):
    network, _ = CHOICES[option]
    for text in (name, title):
        app = open_page("pages/architecture.py", **{"net_network": network, f"net_{option}": text})
        assert shown(app, f"net_{option}") == name
        assert all("address asks" not in warning.value for warning in app.warning)


def test_variants_are_asked_for_by_names_and_by_titles():
    names = list(variants_of("course-residual"))
    for texts in (names, [VARIANTS[name].title for name in names]):
        app = open_page(RESIDUAL, res_variants=texts)
        assert app.multiselect(key="res_variants").value == names
        assert not app.warning and app.query_params["res_variants"] == names


def test_what_is_picked_stands_in_the_address_by_name_and_the_default_does_not():
    app = open_page(TRAIN, train_epochs="7")
    app.selectbox(key="train_network").set_value("vgg11").run()
    assert app.query_params["train_network"] == "vgg11"
    app.selectbox(key="train_network").set_value("course-residual").run()
    assert "train_network" not in app.query_params
    app = open_page(RESIDUAL)
    app.multiselect(key="res_variants").set_value([]).run()
    assert app.query_params["res_variants"] == ""
    again = open_page(RESIDUAL, res_variants="")
    assert again.multiselect(key="res_variants").value == [] and not again.warning


def test_an_option_leaves_the_address_with_its_network():
    app = open_page("pages/architecture.py", net_network="resnet20", net_shortcut="conv")
    assert app.query_params["net_shortcut"] == "conv"
    app.selectbox(key="net_network").set_value("lenet").run()
    assert app.query_params["net_network"] == "lenet" and "net_shortcut" not in app.query_params


def test_the_form_leaves_the_address_when_the_run_s_record_comes():
    app = open_page(TRAIN, train_network="lenet", train_images="640")
    app.button[0].click().run()
    app.run()
    assert app.query_params == {"run": str(open_store().runs()[0].id)}


def test_lists_keep_their_value_while_another_page_is_open():
    app = open_page(TRAIN, train_network="lenet")
    app.query_params.clear()
    app.switch_page("pages/runs.py").run()
    app.query_params.clear()
    app.switch_page(TRAIN).run()
    assert shown(app, "train_network") == "lenet"
    assert app.query_params["train_network"] == "lenet"


def test_what_a_list_does_not_have_is_told_and_leaves_the_address():
    app = open_page(RESIDUAL, res_variants=["identity", "zzz"], res_recipe="slow")
    [warning] = app.warning
    assert "res_variants=zzz" in warning.value and "res_recipe=slow" in warning.value
    assert app.multiselect(key="res_variants").value == ["identity"]
    assert app.query_params == {"res_variants": "identity"}


# Infinity and not-a-number


@pytest.mark.parametrize("text", NO_NUMBERS)
@pytest.mark.parametrize(
    ("page", "keys"),
    [
        ("train", ("train_seed", "train_ratio", "train_rate")),
        ("residual", ("res_seeds",)),
        ("gradients", ("why_seeds", "why_stack_depths")),
        ("runs", ("runs_state",)),
        ("architecture", ("net_classes",)),
        ("compare", ("cmp_batch",)),
        ("calculators", ("calc_in",)),
    ],
)
def test_infinity_and_not_a_number_are_told_in_one_sentence(page, keys, text):
    app = open_page(f"pages/{page}.py", **dict.fromkeys(keys, text))
    [warning] = [one for one in app.warning if "address asks" in one.value]
    for key in keys:
        assert f"{key}={text[:40]}" in warning.value
        assert key not in app.query_params
    app.run()
    assert not [one for one in app.warning if "address asks" in one.value]


def test_also_where_the_control_is_drawn_already():
    """The browser's Back leads to such an address again."""
    app = open_page(TRAIN, train_seed="5")
    app.query_params["train_seed"] = "inf"
    app.run()
    assert not app.exception and app.number_input(key="train_seed").value == 5


# Links that pages make


def test_every_page_of_the_menu_opens():
    for path, _, _ in PAGES:
        assert not open_page(path).error


def test_the_cards_of_the_overview_open_pages_by_name():
    for card in ("apart", "train", "blocks"):
        app = open_page()
        app.button(key=f"open_{card}").click().run()
        assert not app.exception and not app.warning and not app.error
        if card == "apart":
            assert shown(app, "net_network") == "vgg11"


def test_addresses_of_gradients_from_before_it_was_a_page_open_it():
    app = open_page(
        RESIDUAL,
        why_depths="20",
        why_shortcuts=["plain residual", "conv shortcut"],
        why_init="He normal, arXiv 1502.01852",
        why_stack_epochs="3",
        res_seeds="5",
    )
    assert app.title[0].value.startswith("Gradients") and not app.warning
    assert list(app.pills(key="why_depths").value) == [20]
    assert app.multiselect(key="why_shortcuts").value == ["identity", "conv"]
    assert shown(app, "why_init") == "he"
    assert app.number_input(key="why_stack_epochs").value == 3


def test_a_new_run_has_the_old_one_s_settings_whatever_the_form_had_before():
    run_id = finished_run(seed=3, model=ModelSpec("lenet", image_size=28))
    app = open_page(TRAIN, train_network="vgg11", train_seed="9")
    app.query_params.clear()
    app.query_params["run"] = str(run_id)
    app.run()
    app.button(key="train_again").click().run()
    assert shown(app, "train_network") == "lenet"
    assert app.number_input(key="train_seed").value == 3

"""The Compare page as a script: which networks it holds, and accuracy against cost."""

from __future__ import annotations

import pytest

from core.specs import ModelSpec
from core.zoo.libraries import Library
from tests.pages.opening import finished_run, open_page

PAGE = "pages/compare.py"


def test_compare_shows_each_network_of_the_address_and_says_which_cannot_be_built():
    app = open_page(PAGE, networks="vgg11/4/96/1/10|vgg11/1/8/1/10|vgg11/4/96/1/10")
    assert app.dataframe[0].value["network"].tolist() == ["vgg11, ratio 4, 96 px"]
    assert "32×32" in app.error[0].value


def test_more_networks_than_fit_are_told():
    held = "|".join(f"vgg11/{ratio}/32/1/10" for ratio in range(1, 15))
    app = open_page(PAGE, networks=held)
    assert app.error[0].value.startswith("The address holds 14 networks; the first 12 are shown")
    assert len(app.dataframe[0].value) == 12


def test_compare_tells_networks_apart_that_differ_only_in_an_option():
    texts = [
        ModelSpec("custom-vgg", 8, 32, options={"head_width": width}).to_text()
        for width in (16, 32)
    ]
    app = open_page(PAGE, networks="|".join(texts))
    names = app.dataframe[0].value["network"].tolist()
    assert len(set(names)) == 2


def test_what_an_address_says_is_never_markdown():
    """A link must not make the page load a picture from another host."""
    evil = "![x](http://other.example/x.png)"
    app = open_page(PAGE, networks=evil)
    assert "!\\[x\\](http" in app.error[0].value


def test_without_timm_a_network_of_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(Library, "version", None)
    app = open_page(PAGE, networks="timm/resnet18/1/224/3/1000|alexnet/1/224/1/10")
    assert "timm is not installed here; " in app.error[0].value


def test_timm_s_models_are_compared_like_ours():
    pytest.importorskip("timm")
    app = open_page(PAGE, networks="timm/resnet18/1/224/1/10|alexnet/1/224/1/10")
    assert not app.error and len([b for b in app.button if b.label.endswith("✕")]) == 2


def test_torchvision_s_models_are_compared_like_ours():
    app = open_page(PAGE, networks="torchvision/resnet18/1/224/3/1000|alexnet/1/224/1/10")
    assert app.dataframe[0].value["parameters"].tolist() == [11_689_512, 46_764_746]


def test_accuracy_stands_against_cost_where_there_are_runs():
    app = open_page(PAGE, cmp_view="Accuracy against MACs")
    assert "No runs of these networks yet" in app.info[0].value
    finished_run(seed=0)
    finished_run(seed=1)
    app = open_page(
        PAGE,
        networks="course-residual/1/28/1/10;as_published=False;shortcut=identity|lenet/1/28/1/10",
        cmp_view="Accuracy against MACs",
    )
    assert app.selectbox(key="cmp_dataset").value == "fashion-mini"
    assert any("Without a run on fashion-mini: lenet" in caption.value for caption in app.caption)
    assert "Accuracy as CSV" in [button.label for button in app.get("download_button")]

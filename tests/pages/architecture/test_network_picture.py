"""The control under the picture of a network: what opens first, what the address says."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def picture_page() -> None:
    """A page with nothing but a network picker and the picture."""
    import streamlit as st

    from core.analysis import analyze
    from core.zoo.catalogue import CATALOGUE, find
    from pages.views.app.network_picture import network_picture

    names = [*CATALOGUE, "torchvision/resnet152"]
    name = st.selectbox("Network", names, key="name", bind="query-params")
    network_picture(analyze(find(name).default), "picture")


def page(**parameters: str | list[str]) -> AppTest:
    app = AppTest.from_function(picture_page, default_timeout=60)
    for name, value in parameters.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def test_a_small_network_opens_whole():
    app = page(name="vgg11")
    assert app.multiselect[0].value == [f"block{number}" for number in range(1, 6)]


def test_the_address_says_which_blocks_are_open():
    app = page(name="vgg11", picture_open=["block2", "block9"])
    assert app.multiselect[0].value == ["block2"]
    assert page(name="vgg11", picture_open="").multiselect[0].value == []


def test_another_network_starts_with_its_own_blocks():
    app = page(name="vgg11", picture_open=["block2"])
    app.selectbox[0].select("densenet").run()
    assert not app.exception
    assert app.multiselect[0].value == ["stem", "dense_block1", "transition1", "head"]


def test_blocks_that_repeat_are_folded_at_first_and_the_address_can_open_them():
    opened = ["layer1", "layer1.0", "layer1.1", "layer2", "layer3", "layer4"]
    assert page(name="torchvision/resnet152").multiselect[0].value == opened
    app = page(name="torchvision/resnet152", picture_open=["layer3", "layer3.1–35", "layer3.1–9"])
    assert app.multiselect[0].value == ["layer3", "layer3.1–35"]


def test_the_graph_stands_unless_the_address_says_that_it_lies():
    assert page(name="vgg11").segmented_control[0].value == "Standing"
    app = page(name="vgg11", picture_direction="Lying")
    assert app.segmented_control[0].value == "Lying"
    assert page(name="vgg11", picture_direction="Upside down").segmented_control[0].value == (
        "Standing"
    )


def test_more_boxes_than_can_be_drawn_are_refused_in_a_sentence(monkeypatch):
    monkeypatch.setattr("core.report.picture.fold.MOST", 10)
    app = page(name="vgg11")
    assert [error.value for error in app.error] == [
        "This picture would have 16 boxes, at most 10 work: fold some."
    ]
    app.multiselect[0].unselect("block3").unselect("block4").unselect("block5").run()
    assert not app.error

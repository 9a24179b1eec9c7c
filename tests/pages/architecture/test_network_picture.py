"""The control under the picture of a network: what opens first, what the address says."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def picture_page() -> None:
    """A page with nothing but a network picker and the picture."""
    import streamlit as st

    from core.analysis import analyze
    from core.zoo.catalogue import CATALOGUE
    from pages.views.architecture.picture import network_picture

    name = st.selectbox("Network", list(CATALOGUE), key="name", bind="query-params")
    network_picture(analyze(CATALOGUE[name].default), "picture")


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


def test_more_boxes_than_can_be_drawn_are_refused_in_a_sentence(monkeypatch):
    monkeypatch.setattr("core.report.picture.fold.MOST", 10)
    app = page(name="vgg11")
    assert [error.value for error in app.error] == [
        "This picture would have 16 boxes, at most 10 work: fold some."
    ]
    app.multiselect[0].unselect("block3").unselect("block4").unselect("block5").run()
    assert not app.error

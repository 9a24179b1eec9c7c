"""Why this class: the view with a network as it begins, without and with a second one."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.opening import shown

pytestmark = pytest.mark.slow  # the first use of Captum takes seconds


def _view(with_other: bool) -> None:
    from core.data.arrays import read_arrays
    from core.data.catalogue import find_dataset
    from core.inside.weights import Weights
    from core.specs import ModelSpec
    from core.zoo.catalogue import complete
    from pages.views.app.with_torch import analysis_of
    from pages.views.inside.chosen import Chosen, Subject
    from pages.views.inside.why import why_view

    def subject(shortcut: str) -> Subject:
        options = (("shortcut", shortcut),)
        spec = complete(ModelSpec("course-residual", image_size=28, options=options))
        return Subject(
            Weights(spec), analysis_of(spec), None, "initial", lambda: f"Net, {shortcut}"
        )

    images, labels = read_arrays("fashion-mini", "test")
    chosen = Chosen(
        subject("identity"), find_dataset("fashion-mini"), images[5], "test image 5", 5, labels[5]
    )
    why_view(chosen, subject("constant-scaling") if with_other else None)


def _open(with_other: bool = False) -> AppTest:
    app = AppTest.from_function(_view, default_timeout=120, args=(with_other,)).run()
    assert not app.exception
    return app


def test_three_methods_stand_beside_their_sanity_check() -> None:
    app = _open()
    assert [title.value for title in app.header] == [
        "Grad-CAM",
        "Occlusion",
        "Integrated gradients",
    ]
    page = shown(app)
    assert page.count("<figure>") == 2 * 3 and page.count("random, seed 1") >= 3
    assert page.count("data:image/png") == page.count(' alt="') == 6
    assert "has not been trained" in page
    assert len(app.dataframe[0].value) == 6
    before = page
    app.selectbox(key="in_why_against").select("3").run()
    assert "rather than Dress" in shown(app) != before


def test_a_second_network_stands_beside_the_first() -> None:
    app = _open(with_other=True)
    page = shown(app)
    assert page.count("<figure>") == 3 * 3
    assert "Net, constant-scaling" in page
    assert app.dataframe[0].value["network"].nunique() == 2


def test_another_layer_gives_another_map_and_what_is_folded_works() -> None:
    app = _open()
    app.selectbox(key="in_why_layer").select("stem1.relu").run()
    assert "The 24×24 cells of stem1.relu" in shown(app)
    app.selectbox(key="in_why_baseline").select("mean").run()
    app.selectbox(key="in_why_random").select("residual2.conv2").run()
    assert not app.exception
    assert "random from the last layer up to residual2.conv2, seed 1" in shown(app)

"""The Gradients page as a script: what was measured, and nets of growing depth."""

from __future__ import annotations

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from core.jobs.store import JobState, open_store
from core.measure.gradient_records import GradientFlow, deep_net
from core.measure.requests import GradientFlowRequest
from core.measure.shipped import DEEP_LANDSCAPE
from core.report.figures.variants import style_of
from core.specs import ModelSpec, Recipe, RunSpec
from core.training.records import EpochMetrics
from core.zoo.catalogue import complete
from core.zoo.variants import variant_of
from pages.views.gradients.depth import depth_lines, stack_findings
from pages.views.gradients.looks import looks
from tests.core.measure.example_flows import flow
from tests.databases import database, postgresql_server, pytest_generate_tests  # noqa: F401
from tests.pages.opening import open_page

SHORT = Recipe("fast", epochs=1, batch_size=64, learning_rate=0.05)


def open_why(**parameters: str) -> AppTest:
    return open_page("pages/gradients.py", **parameters)


def test_why_invites_before_anything_is_measured():
    app = open_why()
    assert not app.error
    assert "Measure the gradients" in [button.label for button in app.button]
    assert app.title[0].value == "Gradients in nets of 20 and 110 layers"
    assert open_why(why_depths="56").title[0].value == "Gradients in nets of 56 layers"


@pytest.mark.parametrize("shown", ["Curves", "Heat map", "Table"])
def test_why_shows_what_was_measured_in_words(shown):
    specs = [
        complete(deep_net(depth, shortcut, norm))
        for depth in (20, 110)
        for norm in (False, True)
        for shortcut in ("identity", "none")
    ]
    found = GradientFlow(1.0, "fashion-mini", 16, "a test", (
        flow(1e-9, shortcut="none", batch_norm=False),
        flow(2.0, (1.1, 0.9), shortcut="identity", batch_norm=True),
    ))  # fmt: skip
    request = GradientFlowRequest(tuple(specs), "fashion-mini", 3, "default", 16)
    open_store().keep_result(request, found.to_dict())
    app = open_why(why_show=shown)
    assert any("1.00 × 10⁻⁹ of the gradient norm" in one.value for one in app.markdown)
    assert any("does not hold block by block" in one.value for one in app.markdown)
    assert any("gradient reaches layer 1" in one.value for one in app.info)
    if shown == "Table":
        table = next(one.value for one in app.dataframe if "gradient" in one.value.columns)
        assert table["first ÷ last, weights"].tolist() == pytest.approx([1e-9, 2.0])


def test_stacking_layers_queues_plain_and_residual_nets_and_shows_runs_by_depth():
    app = open_why()
    app.button(key="why_stack_start").click().run()
    runs = open_store().runs()
    assert len(runs) == 6 and len({run.study for run in runs}) == 1
    assert {str(run.spec.model.option("shortcut")) for run in runs} == {"identity", "none"}
    store = open_store()
    for accuracy in (0.8, 0.7, 0.8, 0.6, 0.8, 0.4):
        run = store.claim()
        store.record(run, EpochMetrics(1, 0.5, accuracy, 0.6, accuracy, 1.0, 0.1, 9.0, 0.01))
        store.finish(run, JobState.FINISHED)
    app = open_why()
    assert "Every epoch as CSV" in [button.label for button in app.get("download_button")]
    said = next(one.value for one in app.markdown if "from 20 to 110 layers" in one.value)
    assert "on training images (mean during the last epoch)" in said
    assert any("while the network still learned" in one.value for one in app.caption)
    [finding] = [one.value for one in app.info if "from 20 to 110 layers" in one.value]
    assert "No shortcut, BatchNorm: −30.0 points on test images" in finding
    numbers = next(one.value for one in app.dataframe if "test" in one.value.columns)
    assert numbers["test"].min() == pytest.approx(40) and set(numbers["seeds"]) == {1}
    assert "why_stack_runs" not in [one.key for one in app.selectbox]  # one setting: no choice


def test_a_variant_has_its_color_on_the_whole_page():
    """Whatever its depth and BatchNorm, and a run of it too."""
    for shortcut in ("identity", "none"):
        models = [deep_net(depth, shortcut, norm) for depth in (20, 110) for norm in (True, False)]
        flows = [flow(0.5, shortcut=shortcut, batch_norm=norm) for norm in (True, False)]
        run = replace(flows[0], run=7)
        drawn = looks([*flows, run, replace(run, trained=True)])
        lines = depth_lines(*made(models, (0.8, 0.7, 0.6, 0.5)))
        color = style_of(variant_of(models[0])).color
        assert {look.color for look in [*drawn, *(line.style for line in lines)]} == {color}
        assert [look.dash for look in drawn] == ["solid", "dash", "solid", "solid"]
        assert [look.marker for look in drawn[2:]] == ["star-open", "star"]


def made(models: list[ModelSpec], accuracies: tuple[float, ...]):
    """Runs of these networks, and what each got."""
    store = open_store()
    ids = [store.enqueue(RunSpec(complete(model), "fashion-mini", SHORT)) for model in models]
    return [store.get(run_id) for run_id in ids], dict(zip(ids, accuracies, strict=True))


@pytest.mark.parametrize(
    ("test", "train", "said"),
    [
        ((0.8, 0.7), (0.9, 0.8), "worse on its training images too, so that is no overfitting"),
        ((0.8, 0.7), (0.9, 0.95), "it may be overfitting"),
        ((0.8, 0.81), (0.9, 0.8), None),
    ],
)
def test_overfitting_is_judged_by_the_data(test, train, said):
    runs, last = made([deep_net(depth, "none", True) for depth in (20, 110)], test)
    text = stack_findings(
        depth_lines(runs, last),
        depth_lines(runs, dict(zip(last, train, strict=True))),
    )
    assert said in text if said else "overfitting" not in text


@pytest.mark.parametrize("shown", ["Contour", "Surface", "Table"])
def test_the_loss_around_the_course_nets_comes_with_the_lab(shown):
    app = open_why(why_land_show=shown)
    assert not app.error and not app.exception
    said = next(
        one.value for one in app.markdown if "Within a distance of 1 the loss of" in one.value
    )
    assert all(name in said for name in ("no shortcut", "plain residual", "conv shortcut"))
    assert "Compute the landscape" in [button.label for button in app.button]
    assert "Every point as CSV" in [button.label for button in app.get("download_button")]


def test_the_loss_around_other_networks_is_asked_for():
    app = open_why(why_land_nets="56 layers")
    app.button(key="why_land_start").click().run()
    [job] = open_store().measurements(10)
    assert job.request == DEEP_LANDSCAPE
    app = open_why(why_land_nets="finished runs")
    assert any("Choose finished runs" in one.value for one in app.info)

"""The record of a run: what it shows and where its buttons lead."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import replace

import pytest

from core.jobs.store import JobState, open_store
from core.language import Message
from core.report import formats
from core.report.tables.csv import to_csv
from core.report.tables.runs import step_frame
from core.specs import MAX_EPOCHS, ModelSpec, Recipe, RunSpec
from core.training import fit
from core.training.records import ComputePlan, EpochMetrics
from core.training.step_series import StepPoint, StepSeries
from tests.pages.opening import SHORT, as_read, finished_run, labels, metric, open_page


def test_the_record_of_a_run_marks_its_best_epoch_and_says_that_it_is_optimistic():
    run_id = finished_run()
    app = open_page("pages/train.py", run=str(run_id))
    best = next(one for one in app.metric if one.label == "Best test accuracy")
    assert (best.value, best.delta) == (formats.percent(0.8125), "epoch 1")
    assert "optimistic" in best.help
    assert metric(app, "Last test accuracy") == formats.percent(0.75)


@pytest.mark.parametrize("replicas", [1, 4])
def test_the_record_of_a_run_says_how_it_was_computed(replicas):
    store = open_store()
    store.enqueue(RunSpec(ModelSpec("lenet", image_size=28), "fashion-mini", SHORT))
    run = store.claim()
    store.record(
        run, EpochMetrics(1, 0.5, 0.8, 0.6, 0.8, 1.0, 0.1, 5_000.0, 0.01, forward_seconds=0.9)
    )
    store.describe(run, "a machine", "its bits", ComputePlan(4, True, replicas=replicas))
    store.finish(run, JobState.FINISHED)
    told = [one.value for one in open_page("pages/train.py", run=str(run.id)).caption]
    [how] = [text for text in told if "4 CPU threads" in text]
    assert "channels last" in how
    assert ("a batch in 4 parts at once" in how) == (replicas == 4)


@pytest.mark.parametrize("address", ["99", "-1", "1; DROP TABLE runs", "<b>", "9" * 400])
def test_an_address_that_names_no_run_gets_one_sentence(address):
    app = open_page("pages/train.py", run=address)
    assert len(app.error) == 1
    assert app.error[0].value.endswith(".")


def test_no_run_has_a_number_that_a_database_cannot_read():
    """PostgreSQL's integers end at 2,147,483,647, and the store would seem to be broken."""
    [error] = open_page("pages/train.py", run="9" * 10).error
    assert error.value.startswith("The address names no run")


def test_the_points_of_its_steps_are_a_file_of_a_run_that_has_any():
    store = open_store()
    run_id = store.enqueue(RunSpec(ModelSpec("lenet", image_size=28), "fashion-mini", SHORT))
    run = store.claim()
    names = [one.label for one in open_page("pages/train.py", run="1").get("download_button")]
    assert "Steps as CSV" not in names
    points = (StepPoint(500, 2.25, 0.125), StepPoint(4_000, math.nan, 0.5))
    store.heartbeat(run, None, StepSeries(points))
    names = [one.label for one in open_page("pages/train.py", run="1").get("download_button")]
    assert "Steps as CSV" in names
    text = to_csv(step_frame([store.get(run_id)], store.step_series([run_id])))
    first, second = csv.DictReader(io.StringIO(text))
    assert (first["images_trained"], first["epochs_trained"]) == ("500", "0.1")
    assert (first["train_loss"], first["train_accuracy"]) == ("2.25", "0.125")
    assert (second["train_loss"], second["train_accuracy"]) == ("", "0.5")


def failed_run(message: str, chosen: Recipe = SHORT, state: JobState = JobState.FAILED) -> int:
    """A run in the store that failed, or diverged, with this sentence."""
    store = open_store()
    run_id = store.enqueue(RunSpec(ModelSpec("lenet", image_size=28), "fashion-mini", chosen))
    store.finish(store.claim(), state, Message(message))
    return run_id


def test_a_run_that_diverged_offers_a_lower_rate_instead_of_going_on(monkeypatch):
    means = fit.EpochSums.means
    monkeypatch.setattr(fit.EpochSums, "means", lambda sums: (math.nan, means(sums)[1]))
    short = replace(SHORT, epochs=1, learning_rate=0.07)
    spec = RunSpec(ModelSpec("lenet", image_size=28), "fashion-mini", short, train_images=64)
    with pytest.raises(fit.Diverged) as caught:
        list(fit.fit(spec))
    run_id = failed_run(str(caught.value), short, JobState.DIVERGED)
    app = open_page("pages/train.py", run=str(run_id))
    assert "Continue" not in labels(app)
    app.button(key="train_lower").click().run()
    assert not app.exception and not app.warning
    assert app.number_input(key="train_rate").value == 0.007
    assert app.number_input(key="train_epochs").value == 1


def test_a_failed_run_says_why_and_can_be_continued():
    app = open_page("pages/train.py", run=str(failed_run("The disk is full; free some space.")))
    assert app.error[0].value == "The disk is full; free some space."
    assert "Continue" in labels(app) and "New run with a lower rate" not in labels(app)


@pytest.mark.parametrize(("epochs", "longer"), [(60, 120), (600, MAX_EPOCHS), (MAX_EPOCHS, None)])
def test_a_longer_run_is_set_up_with_the_epochs_that_its_button_names(epochs, longer):
    run_id = finished_run(recipe=replace(SHORT, epochs=epochs, schedule="one-cycle"))
    app = open_page("pages/train.py", run=str(run_id))
    named = [label for label in labels(app) if label.startswith("New run of")]
    assert named == ([f"New run of {longer} epochs"] if longer else [])
    if longer:
        app.button(key="train_longer").click().run()
        assert app.number_input(key="train_epochs").value == longer
        assert not app.warning


def test_a_run_that_is_no_better_than_guessing_is_told_as_such():
    run_id = finished_run(accuracies=(0.1005, 0.1))
    app = open_page("pages/train.py", run=str(run_id))
    assert not app.exception
    assert any("is what guessing one of 10 classes gives" in one.value for one in app.warning)
    assert not any("pay off" in one.value for one in app.markdown)


def test_the_record_is_called_after_its_run():
    run_id = finished_run()
    [title] = open_page("pages/train.py", run=str(run_id)).title
    net = "Course residual net, plain residual, 28 px"
    assert as_read(title.value) == f"Run {run_id}: {net} on Fashion-MNIST mini"


def test_a_run_that_waits_says_how_many_come_before_it(watching):
    store, spec = open_store(), RunSpec(ModelSpec("lenet", image_size=28), "fashion-mini", SHORT)
    first, second, third = (store.enqueue(replace(spec, seed=seed)) for seed in range(3))
    assert bar_text(open_page("pages/train.py", run=str(third))).endswith("2 runs come first.")
    store.claim()
    assert bar_text(open_page("pages/train.py", run=str(second))).endswith("1 run comes first.")
    app = open_page("pages/train.py", run=str(first))
    assert "is starting" in bar_text(app)
    app.button(key="train_stop").click().run()
    assert "Stopping after this step" in bar_text(app)
    assert app.button(key="train_stop").disabled and labels(app).count("Stopping…") == 1
    assert f"run-{first}" in watching


def bar_text(app) -> str:
    """What stands above the bar of the run."""
    [bar] = [one for one in app.get("html") if 'data-live="run-' in one.proto.body]
    return bar.proto.body.partition("<p>")[2].partition("</p>")[0]


def test_all_cards_have_the_same_parts_so_the_same_height():
    for run_id in (
        finished_run(),
        open_store().enqueue(RunSpec(ModelSpec("lenet", image_size=28), "fashion-mini", SHORT)),
    ):
        cards = open_page("pages/train.py", run=str(run_id)).metric
        assert len(cards) == 4 and all(card.delta for card in cards)

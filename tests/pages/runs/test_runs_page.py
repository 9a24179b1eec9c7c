"""The Runs page as a script: filters, ticks, and the clock that redraws it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import streamlit as st
from sqlalchemy import text

from core.jobs.store import JobState, Worker, open_store
from core.measure.requests import LayerTimesRequest
from core.report import formats
from core.specs import ModelSpec, RunSpec
from core.training.records import Device
from pages.views.app import offers
from tests.core.jobs.example_runs import unreadable
from tests.databases import database, postgresql_server, pytest_generate_tests  # noqa: F401
from tests.pages.opening import SHORT, finished_run, labels, open_page
from tests.run_files import folder_of


def captions(app) -> str:
    """What is said above the table of how many runs there are."""
    return next(one.value for one in app.caption if "Tick two" in one.value)


def test_runs_invites_when_there_are_none():
    assert "No runs yet" in open_page("pages/runs.py").info[0].value


def test_runs_filters_by_state_and_network():
    finished_run()
    finished_run(model=ModelSpec("lenet", image_size=28))
    app = open_page("pages/runs.py")
    assert len(app.dataframe[0].value) == 2
    app.multiselect(key="runs_network").set_value(["lenet"]).run()
    assert app.dataframe[0].value["network"].tolist() == ["LeNet-5, 28 px"]


def test_runs_is_drawn_again_while_a_run_is_not_over_and_keeps_ticks_and_filters(watching):
    store = open_store()
    finished_run()
    spec = RunSpec(ModelSpec("lenet", image_size=28), "fashion-mini", SHORT)
    run_id = store.enqueue(spec)
    app = open_page("pages/runs.py")
    assert "runs" in watching
    wanted = ["queued", "running", "stopped"]
    app.multiselect(key="runs_state").set_value(wanted).run()
    app.session_state["runs_ticked"] = [run_id]
    other = store.enqueue(replace(spec, model=ModelSpec("alexnet", image_size=96)))  # elsewhere
    run = store.claim()
    app.run()
    assert app.dataframe[0].value["state"].tolist() == ["○ queued", "▶ running"]
    assert app.session_state["runs_ticked"] == [run_id]
    assert app.multiselect(key="runs_state").value == wanted
    assert labels(app) == [f"Stop run {run_id}", f"Delete run {run_id}…"]
    store.request_stop([other])
    store.finish(run, JobState.STOPPED)
    watching.clear()
    app.run()
    assert not watching
    assert app.session_state["runs_ticked"] == [run_id]
    watching.clear()
    app.button(key="runs_continue").click().run()
    assert store.get(run_id).state is JobState.QUEUED and "runs" in watching


def test_runs_that_end_between_two_looks_are_not_watched_any_more(watching, monkeypatch):
    """The fragment then finds that everything is over, and draws the whole page once more."""
    store = open_store()
    store.enqueue(RunSpec(ModelSpec("lenet", image_size=28), "fashion-mini", SHORT))
    run, fragment = store.claim(), st.fragment

    def ending(function):
        if store.get(run.id).state is JobState.RUNNING:
            store.finish(run, JobState.FINISHED)
        return fragment(function)

    monkeypatch.setattr(st, "fragment", ending)
    app = open_page("pages/runs.py")
    assert not watching
    assert app.dataframe[0].value["state"].tolist() == ["✓ finished"]


def test_many_runs_come_by_the_page_and_are_exported_whole():
    store = open_store()
    spec = RunSpec(ModelSpec("lenet", image_size=28), "fashion-mini", SHORT)
    ids = store.enqueue_all(replace(spec, seed=seed) for seed in range(130))
    store.request_stop(ids)
    app = open_page("pages/runs.py")
    assert captions(app).startswith("Runs 1 to 100 of 130.")
    assert app.dataframe[0].value["run"].tolist()[0] == f"train?run={ids[-1]}"
    assert len(app.dataframe[0].value) == 100
    app.session_state["runs_page"] = 2
    app.run()
    assert captions(app).startswith("Runs 101 to 130")
    assert app.dataframe[0].value["run"].tolist()[-1] == f"train?run={ids[0]}"
    app.multiselect(key="runs_state").set_value(["queued"]).run()
    assert captions(app).startswith("0 of 130 runs.") and not app.dataframe


@pytest.mark.sqlite
def test_a_store_that_cannot_be_opened_gets_one_sentence(monkeypatch):
    monkeypatch.setenv("LAB_RUNS_DIR", "/proc/nowhere")
    app = open_page("pages/runs.py")
    assert "LAB_RUNS_DIR" in app.error[0].value


def test_one_broken_row_is_shown_as_that_and_hides_no_other():
    good, broken = finished_run(), finished_run(1)
    store = open_store()
    with store.writing() as connection:
        connection.execute(text(f"UPDATE jobs SET request = 'nonsense' WHERE id = {broken}"))
    for page in ("dashboard.py", "pages/runs.py", "pages/residual.py", "pages/gradients.py"):
        app = open_page(page)
        assert not app.error
    app = open_page("pages/runs.py")
    tables = [table.value for table in app.dataframe]
    assert tables[0]["run"].tolist() == [f"train?run={good}"]
    assert tables[-1]["run"].tolist() == [broken]
    app.button(key="runs_delete_unreadable").click().run()
    app.button(key="runs_delete_unreadable_now").click().run()
    assert unreadable(store) == [] and len(store.runs()) == 1


def test_measurements_are_listed_beside_the_runs():
    finished_run()
    store = open_store()
    request = LayerTimesRequest(ModelSpec("lenet", image_size=28), "cpu", 2)
    store.enqueue_measurement(request)
    app = open_page("pages/runs.py")
    table = app.dataframe[-1].value
    assert table["what"].tolist() == ["time of every layer"]
    assert table["state"].tolist() == ["○ queued"]


def test_a_number_can_be_sorted_and_nothing_is_empty():
    finished_run()
    store = open_store()
    store.enqueue(RunSpec(ModelSpec("lenet", image_size=28), "fashion-mini", SHORT))
    frame = open_page("pages/runs.py").dataframe[0].value
    assert list(frame.columns[:3]) == ["run", "best accuracy", "network"]  # what a phone shows
    for name in ("best accuracy", "seed", "duration (s)"):
        assert frame[name].dtype.kind in "fi"
    assert not [name for name in frame if not any(map(len, map(str, frame[name].dropna())))]
    assert "study" not in frame and "device" not in frame


def test_runs_of_a_study_stand_beside_each_other_and_name_it():
    early = finished_run(study="Four shortcuts")
    single = finished_run(1)
    late = finished_run(2, study="Four shortcuts")
    app = open_page("pages/runs.py")
    frame = app.dataframe[0].value
    assert frame["run"].tolist() == [f"train?run={run}" for run in (late, early, single)]
    assert frame["study"].tolist()[0].endswith("#Four%20shortcuts") and frame["study"].iloc[2] == ""
    app.multiselect(key="runs_study").set_value(["Four shortcuts"]).run()
    assert len(app.dataframe[0].value) == 2


def test_ticked_runs_are_in_the_address():
    first, second = finished_run(), finished_run(1)
    app = open_page("pages/runs.py", ticked=f"{first}-{second}-nonsense-99")
    assert app.session_state["runs_ticked"] == [second, first]
    assert app.query_params["ticked"] == f"{second}-{first}"


def test_delete_says_what_goes_and_can_be_left():
    runs = [finished_run(seed) for seed in range(2)]
    folder = folder_of(runs[0])
    folder.mkdir(parents=True)
    (folder / "best-1-1.safetensors").write_bytes(bytes(3 * 2**20))
    app = open_page("pages/runs.py", ticked=f"{runs[0]}-{runs[1]}")
    delete = app.button(key="runs_delete")
    assert delete.label == f"Delete 2 runs, {formats.mebibytes(3 * 2**20)}…"
    delete.click().run()
    assert app.button(key="runs_delete_now").label == delete.label.removesuffix("…")
    said = " ".join(one.value for one in app.markdown)
    assert all(f"run {run} · Course residual net" in said for run in runs)
    app.button(key="runs_delete_cancel").click().run()
    assert len(open_store().runs()) == 2 and folder.exists()
    app.button(key="runs_delete").click().run()
    app.button(key="runs_delete_now").click().run()
    assert not open_store().runs() and not folder.exists()


# Who executes what is queued


def test_the_living_workers_are_listed_with_what_they_have_and_do():
    store = open_store()
    assert "Workers" not in [expander.label for expander in open_page("pages/runs.py").expander]
    card = Device("cuda", "NVIDIA H100", 80 * 2**30)
    store.declare(Worker("card 1", "node-1", (card,), 16, 128 * 2**30))
    store.declare(Worker("plain 1", "node-2", (Device("cpu", "a CPU"),), 2, None))
    run_id = store.enqueue(RunSpec(ModelSpec("lenet", image_size=28), "mnist", SHORT))
    store.claim("plain 1")
    offers._living.cache_clear()
    app = open_page("pages/runs.py")
    assert app.expander[-1].label == "Workers (2)"
    frame = app.dataframe[-1].value
    assert frame["machine"].tolist() == ["node-1", "node-2"]
    assert frame["devices"].tolist() == ["cuda (NVIDIA H100)", "cpu (a CPU)"]
    assert frame["does"].tolist() == ["waits for a job", f"job {run_id}"]
    assert frame["memory"].tolist()[0] == formats.mebibytes(128 * 2**30)


def test_a_cluster_says_what_it_has_free_and_when_its_queue_is_done():
    store, cpu = open_store(), Device("cpu", "a CPU")
    store.declare(Worker("ray a", "node-1", (cpu,), 4, None))
    store.declare(Worker("ray a card 0", "node-1", (Device("cuda", "NVIDIA H100"),), 1, None))
    store.declare(Worker("ray b", "node-2", (cpu,), 2, None))
    spec = RunSpec(ModelSpec("lenet", image_size=28), "mnist", SHORT)
    store.enqueue_all([replace(spec, seed=seed) for seed in range(3)])
    store.claim("ray b")
    offers._living.cache_clear()
    app = open_page("pages/runs.py")
    assert "Ray cluster: 2 nodes, 5 of 6 cores free, 1 of 1 GPUs free. 2 runs wait." in [
        caption.value for caption in app.caption
    ]
    assert app.dataframe[-1].value["free cores"].tolist()[0::2] == [4, 1]


def test_runs_that_nobody_can_take_say_what_they_wait_for(monkeypatch, watching):
    monkeypatch.setattr(offers, "starts_workers", lambda: False)
    store = open_store()
    spec = RunSpec(ModelSpec("lenet", image_size=28), "mnist", SHORT, device="cuda")
    first, second = store.enqueue_all([spec, replace(spec, seed=1)])
    app = open_page("pages/runs.py")
    assert app.warning[0].value.startswith(f"Runs {second}, {first}: Nobody is there to compute")
    store.declare(Worker("plain 1", "node-2", (Device("cpu", "a CPU"),), 2, None))
    offers._living.cache_clear()
    app.run()
    assert app.warning[0].value == (
        f"Runs {second}, {first}: It waits for a worker with the device cuda; those that are there"
        " have cpu."
    )
    store.declare(Worker("card 1", "node-1", (Device("cuda", "NVIDIA H100"),), 16, None))
    offers._living.cache_clear()
    assert not app.run().warning

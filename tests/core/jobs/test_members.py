"""Whose a run is: everybody reads what is shared, its owner and teachers alone change it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace

import pytest

from core.jobs.files import delete_runs, delete_study
from core.jobs.members import Members
from core.jobs.people import NOBODY, OF_A_CLASS, Quotas
from core.jobs.queue import JOBS, Queue
from core.jobs.reading import Reader, RunFilter
from core.jobs.store import JobState, Store
from core.measure.requests import PredictRequest
from core.specs import LabError
from tests.core.jobs.class_of_people import ADA, BOB, TEACHER, signed_in
from tests.core.jobs.example_runs import SPEC, metrics


@pytest.fixture
def people(store) -> list[Store]:
    """The store as Ada, Bob and the teacher see it."""
    return signed_in(store, ADA, BOB, TEACHER)


@pytest.fixture
def of_ada(store, people) -> int:
    """A finished run of Ada's."""
    ada, *_ = people
    run_id = ada.enqueue(SPEC)
    run = store.claim()
    store.record(run, metrics(1))
    store.finish(run, JobState.FINISHED)
    return run_id


# What everybody does

# Each way to read a run, and what it says of one that is not there
READS: dict[str, tuple[Callable[[Store, int], object], object]] = {
    "get": (lambda store, run_id: store.get(run_id), LabError),
    "job": (lambda store, run_id: store.job(run_id), LabError),
    "has": (lambda store, run_id: store.has(run_id), False),
    "store_ids": (lambda store, run_id: store.store_ids([run_id]), {}),
    "runs": (lambda store, _: store.runs(), []),
    "listed": (lambda store, _: store.listed(), []),
    "count": (lambda store, _: store.count(), 0),
    "networks": (lambda store, _: store.networks(), []),
    "datasets": (lambda store, _: store.datasets(), []),
    "epochs": (lambda store, run_id: store.epochs([run_id]).get(run_id, []), []),
    "step_series": (lambda store, run_id: store.step_series([run_id]), {}),
    "accuracies": (lambda store, run_id: store.accuracies([run_id]).get(run_id, []), []),
    "best_accuracies": (lambda store, _: store.best_accuracies(), []),
    "rows": (lambda store, run_id: store.rows(_is(run_id)), []),
}
# Those that read no run, or only what the caller has read
OTHER_READS = {
    "ahead_of": "a count of everybody's",
    "unfinished": "tried below",
    "final_accuracies": "tried below",
    "step_curves": "as step_series",
}


def _is(run_id: int) -> object:
    return JOBS.id == run_id


def test_no_way_to_read_is_left_out():
    public = {
        name for name, _ in inspect.getmembers(Reader, inspect.isfunction) if name[0] != "_"
    } - set(dir(Queue))
    assert public == READS.keys() | OTHER_READS.keys()


@pytest.mark.parametrize("name", READS)
def test_others_read_what_is_shared_and_nothing_else(people, of_ada, name):
    read, nothing = READS[name]
    ada, bob, teacher = people
    for store in people:
        if name != "step_series":  # this run has none
            assert read(store, of_ada) != nothing
    ada.share([of_ada], False)
    if nothing is LabError:
        with pytest.raises(LabError, match=f"There is no run {of_ada}"):
            read(bob, of_ada)
    else:
        assert read(bob, of_ada) == nothing
    for store in (ada, teacher):
        assert read(store, of_ada) == read(store, of_ada)  # no error


def test_unshared_runs_count_in_no_figure_of_others(people, of_ada):
    ada, bob, _ = people
    ada.share([of_ada], False)
    [setting] = {row["setting"] for row in ada.rows(_is(of_ada))}
    assert ada.final_accuracies([setting]) == {setting: [0.5]}
    assert bob.final_accuracies([setting]) == {setting: []}
    ada.share([ada.enqueue(SPEC)], False)
    assert (ada.unfinished(), bob.unfinished()) == (1, 0)


# What its owner does

CHANGES: dict[str, Callable[[Store, int], object]] = {
    "request_stop": lambda store, run_id: store.request_stop([run_id]),
    "resume": lambda store, run_id: store.resume(run_id),
    "extend": lambda store, run_id: store.extend(run_id, 999),
    "delete": lambda store, run_id: store.delete([run_id]),
    "delete_runs": lambda store, run_id: delete_runs(store, [run_id]),
    "share": lambda store, run_id: store.share([run_id], True),
}


@pytest.mark.parametrize("name", CHANGES)
def test_nobody_changes_somebody_else_s_run(store, people, of_ada, name):
    _, bob, _ = people
    before = store.rows(_is(of_ada))
    with pytest.raises(LabError, match=f"Job {of_ada} belongs to Ada"):
        CHANGES[name](bob, of_ada)
    assert store.rows(_is(of_ada)) == before


@pytest.mark.parametrize("name", CHANGES)
def test_nor_one_that_is_not_shared_of_which_nothing_is_told(store, people, of_ada, name):
    ada, bob, _ = people
    ada.share([of_ada], False)
    before, nowhere = store.rows(_is(of_ada)), 4711
    said = _said(lambda: CHANGES[name](bob, of_ada))
    assert said == _said(lambda: CHANGES[name](bob, nowhere)).replace(str(nowhere), str(of_ada))
    assert store.rows(_is(of_ada)) == before


def _said(action: Callable[[], object]) -> str:
    try:
        action()
    except LabError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("who", [0, 2])
def test_its_owner_and_teachers_do(people, who):
    store, ada = people[who], people[0]
    run_id = ada.enqueue(SPEC)
    store.request_stop([run_id])
    assert ada.get(run_id).state is JobState.STOPPED
    store.resume(run_id)
    assert ada.get(run_id).state is JobState.QUEUED
    store.share([run_id], False)
    assert not ada.get(run_id).is_shared
    delete_runs(store, [run_id])
    assert not ada.has(run_id)


def test_a_run_tells_whose_it_is(people, of_ada):
    _, bob, _ = people
    run = bob.get(of_ada)
    assert (run.owner, run.is_shared) == (ADA.id, True)
    assert bob.names()[run.owner] == "Ada"
    assert [store.may_change(run) for store in people] == [True, False, True]
    assert [store.count(RunFilter(owners=[ADA.id])) for store in people] == [1, 1, 1]
    assert bob.count(RunFilter(owners=[BOB.id])) == 0


def test_what_nobody_owns_only_teachers_change(store, people):
    _, bob, teacher = people
    run_id = store.enqueue(SPEC)
    assert bob.get(run_id).owner == NOBODY
    with pytest.raises(LabError, match="nobody's who has signed in"):
        bob.request_stop([run_id])
    teacher.request_stop([run_id])
    assert store.get(run_id).state is JobState.STOPPED


# Studies


@pytest.fixture
def study(people) -> str:
    ada, *_ = people
    return ada.create_study("shortcuts", {}, [replace(SPEC, seed=seed) for seed in (0, 1)]).id


STUDY_CHANGES: dict[str, Callable[[Store, str], object]] = {
    "stop_study": lambda store, study: store.stop_study(study),
    "continue_study": lambda store, study: store.continue_study(study),
    "share_study": lambda store, study: store.share_study(study, False),
    "rename_study": lambda store, study: store.rename_study(study, "mine"),
    "delete_study": lambda store, study: delete_study(store, study),
    "add_to_study": lambda store, study: store.add_to_study(store.study(study), [SPEC]),
}


@pytest.mark.parametrize("name", STUDY_CHANGES)
def test_nobody_changes_somebody_else_s_study(store, people, study, name):
    _, bob, _ = people
    before = [dict(row) for row in store.rows(_all())]
    with pytest.raises(LabError, match="belongs to Ada"):
        STUDY_CHANGES[name](bob, study)
    assert [dict(row) for row in store.rows(_all())] == before


def test_no_way_to_change_is_left_out():
    public = {name for name, _ in inspect.getmembers(Store, inspect.isfunction) if name[0] != "_"}
    of_workers = {name for name in dir(Queue) if name[0] != "_"}
    told_elsewhere = {
        *READS, *OTHER_READS, "study", "studies", "measurement", "measurements", "result_of",
        "unreadable_measurements", "acting_for", "names", "participants", "quotas_of_class",
        "allowance", "may_change", "changeable", "check_room",
    }  # fmt: skip
    starts = {
        "enqueue", "enqueue_all", "start_here", "create_study", "enqueue_measurement",
        "keep_result", "meet", "set_quotas",
    }  # fmt: skip
    assert public - of_workers - told_elsewhere - starts == {*CHANGES, *STUDY_CHANGES} - {
        "delete_runs",
        "delete_study",
    }


def _all() -> object:
    return JOBS.id > 0


def test_a_study_is_shared_as_a_whole(people, study):
    ada, bob, _ = people
    assert bob.study(study).owner == ADA.id and bob.study(study).is_shared
    ada.share([ada.runs(study=study)[0].id], False)
    assert not ada.study(study).is_shared
    assert bob.studies() == [] and bob.runs(study=study) == []
    with pytest.raises(LabError, match="no such study"):
        bob.study(study)
    ada.share_study(study, True)
    assert len(bob.runs(study=study)) == 2


def test_what_is_added_to_a_study_is_shared_as_the_study_is(people, study):
    ada, bob, teacher = people
    for is_shared in (False, True):
        ada.share_study(study, is_shared)
        ada.add_to_study(ada.study(study), [SPEC])
        assert {run.is_shared for run in ada.runs(study=study)} == {is_shared}
    teacher.share_study(study, False)
    teacher.add_to_study(teacher.study(study), [SPEC])
    assert bob.runs(study=study) == []


def test_a_study_gets_another_title(people, study):
    ada, bob, _ = people
    ada.rename_study(study, "  Shortcuts,\n\ufdd0once\u202e more ")
    assert bob.study(study).title == "Shortcuts, once more"
    for title in (" \n", "x" * 121):
        with pytest.raises(LabError, match="1 to 120 letters"):
            ada.rename_study(study, title)


# Measurements


def test_a_measurement_of_a_run_is_seen_by_those_who_see_the_run(people, of_ada):
    ada, bob, _ = people
    request = PredictRequest(of_ada, "0" * 64)
    ada.enqueue_measurement(request)
    assert bob.measurement(request) and len(bob.measurements()) == 1
    ada.share([of_ada], False)
    assert bob.measurement(request) is None and bob.measurements() == []
    with pytest.raises(LabError, match="There is no run"):
        bob.enqueue_measurement(request)
    assert len(ada.measurements()) == 1


def test_whoever_asked_first_stops_it(people, of_ada):
    ada, bob, _ = people
    request = PredictRequest(of_ada, "0" * 64)
    asked = ada.enqueue_measurement(request)
    assert bob.enqueue_measurement(request).id == asked.id
    with pytest.raises(LabError, match="belongs to Ada"):
        bob.request_stop([asked.id])
    ada.request_stop([asked.id])
    again = bob.enqueue_measurement(request)
    assert (again.id, again.owner) == (asked.id, BOB.id)


# Who there is


def test_only_teachers_see_everybody(people, of_ada):
    *learners, teacher = people
    assert [row.person for row in teacher.participants()] == [ADA, BOB, TEACHER]
    for store in learners:
        with pytest.raises(LabError, match="for teachers"):
            store.participants()
        with pytest.raises(LabError, match="for teachers"):
            store.set_quotas(Quotas())


def test_a_person_is_met_again_under_a_new_name(store, people):
    store.meet(replace(ADA, name="Ada King"))
    assert store.names() == {ADA.id: "Ada King", BOB.id: "Bob", TEACHER.id: "Tess"}


def test_a_class_begins_with_quotas(store, people):
    ada, _, teacher = people
    assert store.quotas_of_class() == OF_A_CLASS == ada.allowance().quotas
    assert teacher.allowance().quotas == Quotas()
    teacher.set_quotas(Quotas(queued=3))
    teacher.set_quotas(Quotas(runs_at_once=7), ADA.id)
    assert ada.allowance().quotas == Quotas(runs_at_once=7, queued=3)
    with pytest.raises(LabError, match="nobody of that name"):
        teacher.set_quotas(Quotas(), "nobody")


def test_without_signing_in_all_is_allowed(store):
    run_id = store.enqueue(SPEC)
    assert store.allowance() is None and store.may_change(store.get(run_id))
    assert isinstance(store, Members) and store.names() == {}
    store.request_stop([run_id])
    store.delete([run_id])

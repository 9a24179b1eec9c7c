"""The queue is fair: people take turns by the work they ask for, and nobody waits for ever."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.jobs.people import Person, Quotas
from core.jobs.store import JobState, Store, StoredFile
from core.jobs.turns import work_of_run
from core.measure.requests import DeviceSpeedRequest
from core.specs import ModelSpec
from tests.core.jobs import example_runs
from tests.core.jobs.class_of_people import ADA, BOB, signed_in
from tests.core.jobs.example_runs import metrics

SPEC = replace(example_runs.SPEC, model=ModelSpec("lenet", image_size=28))
SHORT = replace(SPEC, recipe=replace(SPEC.recipe, epochs=1))
LONG = replace(SPEC, recipe=replace(SPEC.recipe, epochs=1000))


@pytest.fixture
def people(store) -> list[Store]:
    """The store as Ada and Bob see it, without any quota."""
    signed = signed_in(store, ADA, BOB)
    store.set_quotas(Quotas())
    return signed


def order(store: Store) -> str:
    """Whose jobs are taken, by the first letters of their owners, one worker after the other."""
    taken = ""
    while job := store.claim():
        taken += job.owner[:1] or "-"
        store.finish(job, JobState.FINISHED)
    return taken


def test_work_grows_with_epochs_images_and_the_network():
    work = work_of_run(SPEC)
    assert work_of_run(SHORT) < work
    assert work_of_run(replace(SPEC, train_images=100)) < work
    assert work_of_run(replace(SPEC, model=ModelSpec("lenet", image_size=32))) > work


def test_it_is_a_closed_form():
    convolutions = 6 * 28 * 28 * 25 + 16 * 10 * 10 * 6 * 25  # of LeNet-5 on 28 pixels
    macs = convolutions + 400 * 120 + 120 * 84 + 84 * 10
    images = SPEC.recipe.epochs * 400
    assert work_of_run(SPEC) == pytest.approx(5 + 3 * macs * images / 2e10)


def test_what_cannot_be_looked_up_counts_as_a_minute():
    assert work_of_run(replace(SPEC, dataset="of another lab", train_images=None)) == 60


def test_two_people_take_turns(store, people):
    ada, bob = people
    ada.enqueue_all([SPEC] * 4)
    bob.enqueue_all([SPEC] * 4)
    assert order(store) == "abababab"


def test_whoever_comes_later_does_not_wait_for_a_whole_study(store, people):
    ada, bob = people
    ada.create_study("many", {}, [SPEC] * 20)
    first = [store.claim() for _ in range(3)]
    bob.enqueue(SPEC)
    for job in first:
        store.finish(job, JobState.FINISHED)
    assert order(store).index("b") <= 1


def test_short_jobs_come_first_but_each_person_keeps_an_order(store, people):
    ada, bob = people
    ada.enqueue_all([LONG, LONG])
    bob.enqueue_all([SHORT] * 3)
    assert order(store) == "bbbaa"
    ids = ada.enqueue_all([LONG, SHORT])  # what was queued first is wanted first
    assert [store.claim().id for _ in ids] == ids


def test_a_long_job_is_not_passed_for_ever(store, people):
    """Short jobs that keep coming, each before the last has ended: the long one has its turn."""
    ada, bob = people
    ada.enqueue(LONG)
    bob.enqueue(SHORT)
    passed = 0
    while (job := store.claim()).owner == BOB.id:
        passed += 1
        bob.enqueue(SHORT)
        store.finish(job, JobState.FINISHED)
        assert passed < 1 + work_of_run(LONG) / work_of_run(SHORT)
    assert passed > 0


def test_people_get_equal_shares_of_the_work(store, people):
    """Bob's jobs are twice as long as Ada's: he gets half as many."""
    ada, bob = people
    ada.enqueue_all([SPEC] * 40)
    double = replace(SPEC, recipe=replace(SPEC.recipe, epochs=2 * SPEC.recipe.epochs))
    bob.enqueue_all([double] * 40)
    taken = {ADA.id: 0.0, BOB.id: 0.0}
    for _ in range(45):
        job = store.claim()
        taken[job.owner] += work_of_run(job.spec)
        store.finish(job, JobState.FINISHED)
    assert abs(taken[ADA.id] - taken[BOB.id]) <= 2 * work_of_run(double)


def test_a_hundred_people_each_get_one_before_anybody_gets_a_third(store):
    people = [Person(f"{number:020d}", str(number)) for number in range(100)]
    stores = signed_in(store, *people)
    store.set_quotas(Quotas())
    for seen in stores:
        seen.enqueue_all([SPEC] * 3)
    owners = [store.claim().owner for _ in range(200)]
    assert len(set(owners[:100])) == 100
    assert max(owners.count(owner) for owner in set(owners)) == 2


def test_a_job_taken_early_while_others_are_held_back_puts_nobody_back(store):
    """Cleo may run no more now, so Ada's long run begins; Bob is not behind all of Cleo's."""
    cleo, ada, bob = signed_in(store, Person("c" * 20, "Cleo"), ADA, BOB)
    store.set_quotas(Quotas(runs_at_once=2))
    cleo.enqueue_all([SHORT] * 30)
    cleo_s = [store.claim(), store.claim()]
    ada.enqueue(LONG)
    assert store.claim().owner == ADA.id
    bob.enqueue(SHORT)
    for run in cleo_s:
        store.finish(run, JobState.FINISHED)
    assert BOB.id in {store.claim().owner for _ in range(2)}


def test_whoever_comes_again_and_again_is_not_new_each_time(store, people):
    """Bob queues one short run after another; Ada's second one is not passed for ever."""
    ada, bob = people
    ada.enqueue_all([SPEC] * 2)
    first = store.claim()
    assert first.owner == ADA.id
    passed = 0
    while True:
        bob.enqueue(SHORT)
        job = store.claim()
        if job.owner == ADA.id:
            break
        store.finish(job, JobState.FINISHED)
        passed += 1
    assert 0 < passed <= 1 + 2 * work_of_run(SPEC) / work_of_run(SHORT)


def test_what_was_stopped_before_it_began_costs_no_turn(store, people):
    ada, bob = people
    ids = ada.enqueue_all([LONG] * 9)
    ada.request_stop(ids)
    ada.enqueue(SHORT)
    bob.enqueue(SHORT)
    assert order(store) == "ab"


def test_what_is_queued_again_stands_at_the_end_of_its_owner_s(store, people):
    ada, bob = people
    first, *_ = ada.enqueue_all([SPEC] * 3)
    ada.request_stop([first])
    bob.enqueue_all([SPEC] * 3)
    ada.resume(first)
    assert ada.get(first).turn == max(run.turn for run in ada.runs())
    assert order(store) == "bababa"


def test_to_stop_and_go_on_again_and_again_costs_no_turn(store, people):
    ada, bob = people
    bob.enqueue_all([SPEC] * 2)
    store.claim()
    run_id = ada.enqueue(SPEC)
    turn = ada.get(run_id).turn
    for _ in range(3):
        ada.request_stop([run_id])
        ada.resume(run_id)
    assert ada.get(run_id).turn == turn


def test_a_run_that_is_made_longer_waits_as_long_as_a_long_one(store, people):
    """Or whoever wants a long run would start a short one first."""
    ada, _ = people
    constant = replace(SHORT, recipe=replace(SHORT.recipe, schedule="constant"))
    run_id = ada.enqueue(constant)
    run = store.claim()
    store.record(run, metrics(1), StoredFile("c", "00"))
    store.finish(run, JobState.FINISHED)
    ada.extend(run_id, LONG.recipe.epochs)
    taken = work_of_run(constant)
    assert ada.get(run_id).turn == pytest.approx(taken + work_of_run(LONG))


def test_measurements_take_turns_too(store, people):
    ada, bob = people
    ada.enqueue_all([SPEC] * 5)
    bob.enqueue_measurement(DeviceSpeedRequest("cpu", "a CPU"))
    assert "b" in order(store)[:2]


def test_as_long_as_nobody_signs_in_the_oldest_is_next(store):
    ids = store.enqueue_all([LONG, SHORT, LONG, SHORT])
    store.request_stop(ids[:1])
    store.resume(ids[0])
    assert [store.claim().id for _ in ids] == ids


def test_a_run_knows_how_many_come_before_it(store, people):
    ada, bob = people
    of_ada = ada.enqueue_all([SPEC] * 4)
    of_bob = bob.enqueue_all([SPEC])
    assert [store.ahead_of(ada.get(run_id)) for run_id in of_ada] == [0, 2, 3, 4]
    assert store.ahead_of(bob.get(of_bob[0])) == 1

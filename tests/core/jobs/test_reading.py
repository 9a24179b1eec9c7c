"""What pages read: by the page, filtered and put together by the database."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text

from core.jobs.records import setting_key
from core.jobs.store import JobState, Run, RunFilter, StoredFile
from core.specs import ModelSpec, RunSpec
from tests.core.jobs.example_runs import SPEC, metrics

LENET = replace(SPEC, model=ModelSpec("lenet", image_size=28), dataset="mnist")
MORE_SEEDS = [replace(SPEC, seed=seed) for seed in range(1, 4)]


def trained(store, spec: RunSpec, *accuracies: float, state=JobState.FINISHED) -> int:
    """A run that reached these accuracies, epoch by epoch."""
    run = store.start_here(spec)
    for epoch, accuracy in enumerate(accuracies, start=1):
        store.record(run, metrics(epoch, accuracy))
    store.finish(run, state)
    return run.id


def test_a_page_holds_the_newest_and_the_next_page_those_before(store):
    ids = store.enqueue_all([SPEC, LENET, *MORE_SEEDS])
    pages = [store.listed(limit=2, offset=offset) for offset in (0, 2, 4)]
    assert [[run.id for run in page] for page in pages] == [ids[4:2:-1], ids[2:0:-1], ids[:1]]
    assert store.count() == 5


@pytest.mark.parametrize(
    ("run_filter", "wanted"),
    [
        (RunFilter(), {1, 2, 3}),
        (RunFilter(networks=["lenet"]), {2}),
        (RunFilter(datasets=["fashion-mini"]), {1, 3}),
        (RunFilter(states=["finished"]), {3}),
        (
            RunFilter(states=["finished", "queued"], networks=["lenet", "course-residual"]),
            {1, 2, 3},
        ),
        (RunFilter(states=["finished"], networks=["lenet"]), set()),
    ],
)
def test_a_filter_lets_through_what_passes_all_its_parts(store, run_filter, wanted):
    store.enqueue_all([SPEC, LENET])
    trained(store, MORE_SEEDS[0], 0.5)
    assert {run.id for run in store.listed(run_filter)} == wanted
    assert store.count(run_filter) == len(wanted)


def test_networks_and_data_sets_are_those_of_the_runs(store):
    assert store.networks() == store.datasets() == []
    store.enqueue_all([LENET, SPEC, *MORE_SEEDS])
    assert store.networks() == ["course-residual", "lenet"]
    assert store.datasets() == ["fashion-mini", "mnist"]


def test_unfinished_runs_wait_or_go_on(store):
    trained(store, SPEC, 0.5)
    store.enqueue_all(MORE_SEEDS)
    assert store.unfinished() == 3
    store.claim()
    assert store.unfinished() == 3
    store.request_stop([3, 4])
    assert store.unfinished() == 1


def test_accuracies_are_those_of_the_epochs(store):
    first, second = trained(store, SPEC, 0.5, 0.7, 0.6), trained(store, LENET, 0.9)
    assert store.accuracies([second, first, 99]) == {second: [0.9], first: [0.5, 0.7, 0.6], 99: []}


def test_the_last_accuracies_of_equal_runs_are_found_whatever_their_seed_and_device(store):
    trained(store, SPEC, 0.5, 0.7, 0.6)
    trained(store, replace(SPEC, seed=3, device="cuda"), 0.8)
    trained(store, MORE_SEEDS[0], 0.9, state=JobState.STOPPED)  # not finished
    trained(store, replace(SPEC, train_images=100), 0.4)  # another setting
    trained(store, LENET, 0.3)
    keys = [setting_key(SPEC), setting_key(LENET), "none"]
    assert store.final_accuracies(keys) == {keys[0]: [0.6, 0.8], keys[1]: [0.3], "none": []}


def test_all_images_are_as_many_as_there_are():
    whole = replace(SPEC, train_images=None)
    assert setting_key(whole) == setting_key(replace(SPEC, train_images=5_000))
    assert setting_key(whole) != setting_key(replace(whole, recipe=replace(whole.recipe, epochs=9)))


def test_best_accuracies_come_by_setting(store):
    trained(store, SPEC, 0.5, 0.7, 0.6)
    trained(store, MORE_SEEDS[0], 0.4)
    trained(store, LENET, 0.9)
    store.enqueue(LENET)  # has none yet
    best = {spec.model.arch: accuracies for spec, accuracies in store.best_accuracies()}
    assert best == {"course-residual": [0.7, 0.4], "lenet": [0.9]}


def test_a_broken_row_hides_the_accuracies_of_no_other(store):
    trained(store, SPEC, 0.5)
    for broken in (trained(store, MORE_SEEDS[0], 0.6), trained(store, LENET, 0.9)):
        with store.writing() as connection:
            connection.execute(text(f"UPDATE jobs SET request = 'nonsense' WHERE id = {broken}"))
    assert [spec for spec, _ in store.best_accuracies()] == [SPEC]


def test_a_row_without_its_columns_is_put_together_with_its_like(store):
    """As after an upgrade by a lab that could not read it."""
    trained(store, SPEC, 0.5)
    with store.writing() as connection:
        connection.execute(text("UPDATE jobs SET setting = NULL"))
    assert store.best_accuracies() == [(SPEC, [0.5])]


def test_equal_runs_have_equal_settings_however_their_numbers_are_written():
    one, one_point = (
        replace(SPEC, recipe=replace(SPEC.recipe, learning_rate=rate)) for rate in (1, 1.0)
    )
    assert one == one_point
    assert setting_key(one) == setting_key(one_point)


def test_a_run_that_was_extended_is_found_as_what_it_became(store):
    constant = replace(SPEC, recipe=replace(SPEC.recipe, schedule="constant"))
    run = store.start_here(constant)
    store.keep_checkpoint(run, StoredFile("checkpoint.pt", "0"))
    store.record(run, metrics(1, 0.5), StoredFile("checkpoint.pt", "0"))
    store.finish(run, JobState.FINISHED)
    store.extend(run.id, constant.recipe.epochs + 1)
    store.finish(store.claim(), JobState.FINISHED)
    longer = replace(constant, recipe=replace(constant.recipe, epochs=constant.recipe.epochs + 1))
    finals = store.final_accuracies([setting_key(constant), setting_key(longer)])
    assert list(finals.values()) == [[], [0.5]]


def test_a_broken_row_stands_where_it_would_be_listed(store):
    ids = store.enqueue_all([SPEC, *MORE_SEEDS])
    with store.writing() as connection:
        connection.execute(text(f"UPDATE jobs SET request = 'nonsense' WHERE id = {ids[1]}"))
    page = store.listed(limit=2, offset=2)
    assert [row.id for row in page] == [ids[1], ids[0]]
    assert [isinstance(row, Run) for row in page] == [False, True]

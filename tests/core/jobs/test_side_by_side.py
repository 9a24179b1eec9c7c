"""Runs that take turns on one device: each ends as if it had been alone.

On a machine without CUDA they take their turns on the CPU, on which all streams are one.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from core.jobs import heartbeat as heartbeat_module
from core.jobs import side_by_side
from core.jobs.side_by_side import SharedDevice, Trial
from core.jobs.store import JobState
from core.jobs.worker import this_worker, work
from core.measure.requests import RunsAtOnceRequest
from core.specs import ModelSpec
from core.training import fit as training_loop
from core.training.devices import describe
from tests.core.jobs.tiny_runs import TINY, claimed, history, uninterrupted

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
HERE = replace(TINY, device=DEVICE)
DROPOUT = replace(
    HERE,
    model=ModelSpec("custom-vgg", 4, 16, options={"conv_arch": "1x32 1x64", "head_width": 32}),
)
NORM = replace(HERE, model=ModelSpec("resnet18", 8, 32))
WORKER = this_worker()
LONG = replace(HERE, seed=7, recipe=replace(HERE.recipe, epochs=6))

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread", "few_test_images")]


@pytest.fixture
def three_at_once(monkeypatch) -> None:
    monkeypatch.setattr(side_by_side, "Trial", lambda *_, **__: Trial(3, is_over=True))
    monkeypatch.setattr(side_by_side, "_STEPS_IN_A_TURN", 1)


def share(store, *specs) -> list[int]:
    """The runs of these specs, carried out side by side by one worker."""
    ids = store.enqueue_all(specs)
    assert SharedDevice(store, store.claim(), WORKER).execute() == len(specs)
    return ids


def test_each_run_ends_with_the_figures_that_it_has_alone(store, three_at_once):
    specs = (HERE, DROPOUT, NORM, replace(DROPOUT, seed=1), LONG)
    ids = share(store, *specs)
    for spec, run_id in zip(specs, ids, strict=True):
        assert store.get(run_id).state is JobState.FINISHED
        assert history(store, run_id) == uninterrupted(store, spec)


def test_runs_really_take_turns_and_say_so(store, three_at_once, monkeypatch):
    steps: list[int] = []
    seed_dropout = training_loop.seed_dropout

    def noted(seed, epoch, step, device):
        steps.append(seed)
        seed_dropout(seed, epoch, step, device)

    monkeypatch.setattr(training_loop, "seed_dropout", noted)
    ids = share(store, *(replace(HERE, seed=seed) for seed in range(4)))
    assert set(steps[:9]) == {0, 1, 2}  # nine steps are a whole run
    assert set(steps[-9:]) == {3}
    notes = [store.get(run_id).note for run_id in ids]
    assert all("at the same time" in note for note in notes[:3])
    assert notes[3] == ""


def test_an_epoch_s_seconds_are_those_that_passed(store, three_at_once):
    """A run that waits for others trains fewer images a second: no time is left out."""
    for run_id in share(store, *(replace(LONG, device="cpu", seed=seed) for seed in range(3))):
        epochs = store.epochs([run_id])[run_id][1:]  # the others had not joined in all of the first
        waited = sum(epoch.train_seconds + epoch.evaluation_seconds for epoch in epochs)
        steps = sum(epoch.step_seconds for epoch in epochs)
        assert waited > 2 * steps


def test_one_that_is_stopped_or_diverges_leaves_the_others_alone(store, three_at_once, monkeypatch):
    monkeypatch.setattr(heartbeat_module, "HEARTBEAT_SECONDS", 0.01)
    wild = replace(
        HERE,
        model=ModelSpec("course-residual", image_size=28),
        recipe=replace(HERE.recipe, learning_rate=100.0, max_gradient_norm=0.0),
    )
    stopped, diverged, finished = store.enqueue_all((replace(LONG, seed=1), wild, LONG))
    device = SharedDevice(store, store.claim(), WORKER)
    store.request_stop([stopped])
    assert device.execute() == 3
    assert store.get(stopped).state is JobState.STOPPED
    assert store.get(diverged).state is JobState.DIVERGED
    assert store.get(finished).state is JobState.FINISHED
    assert history(store, finished) == uninterrupted(store, LONG)
    store.resume(stopped)
    share_again = SharedDevice(store, store.claim(), WORKER)
    assert share_again.execute() == 1
    assert history(store, stopped) == uninterrupted(store, replace(LONG, seed=1))


def test_who_ends_the_worker_gets_all_its_runs_back_into_the_queue(store, three_at_once):
    ids = store.enqueue_all(replace(LONG, seed=seed) for seed in range(3))
    device = SharedDevice(store, store.claim(), WORKER)
    device._take_turns = interrupted(device)
    with pytest.raises(KeyboardInterrupt):
        device.execute()
    assert [store.get(run_id).state for run_id in ids] == [JobState.QUEUED] * 3
    work(store, drain=True)
    for seed, run_id in enumerate(ids):
        assert history(store, run_id) == uninterrupted(store, replace(LONG, seed=seed))


def interrupted(device):
    """Twenty steps each, then Ctrl-C."""

    def take_turns() -> int:
        for _ in range(20):
            for member in device.members:
                member.take_turn()
        raise KeyboardInterrupt

    return take_turns


def test_nobody_in_the_queue_is_passed_over(store, three_at_once):
    other = replace(HERE, train_images=64)
    _first, second, third = store.enqueue_all((HERE, other, replace(HERE, seed=1)))
    assert SharedDevice(store, store.claim(), WORKER).execute() == 1
    assert store.get(second).state is JobState.QUEUED
    assert store.get(third).state is JobState.QUEUED


def test_what_has_no_room_waits(store, three_at_once, monkeypatch):
    monkeypatch.setattr(side_by_side, "available_bytes", lambda _device: 1000)
    store.enqueue_all((HERE, replace(HERE, seed=1)))
    assert SharedDevice(store, store.claim(), WORKER).execute() == 1


# How many at once


def tried(trial: Trial, *rates: float) -> Trial:
    """After as many runs as it wanted have trained so fast, in turn, each with an unlucky try."""
    for rate in rates:
        trial.note(trial.wanted, rate / 2)
        trial.note(trial.wanted, rate)
    return trial


def test_four_times_as_many_as_long_as_that_pays():
    assert tried(Trial(), 100.0, 300.0).wanted == 16
    assert tried(Trial(), 100.0, 300.0, 310.0) == tried(Trial(4, is_over=True))
    assert tried(Trial(), 100.0, 300.0, 400.0, 410.0) == tried(Trial(16, is_over=True))


def test_what_they_gain_over_one_is_known():
    """Four at once train 300 images a second, of which 16 gain nothing more."""
    assert tried(Trial(), 100.0, 300.0, 310.0).gain == pytest.approx(3.0)
    assert tried(Trial(), 100.0, 103.0).gain == pytest.approx(1.0)
    assert tried(Trial(), 100.0, 200.0, 300.0, 400.0).gain == pytest.approx(4.0)  # 32 at once


def test_a_network_that_fills_the_device_goes_alone():
    assert tried(Trial(), 100.0, 103.0) == Trial(1, is_over=True)


def test_a_queue_that_is_too_short_decides_nothing():
    trial = tried(Trial(), 100.0)
    for _ in range(9):
        trial.note(3, 50.0)
    assert trial.wanted == 4 and not trial.is_over


def test_no_more_than_there_are_streams():
    trial = tried(Trial(), 100.0, 200.0, 300.0, 400.0)
    assert trial == Trial(side_by_side.MOST_AT_ONCE, is_over=True)


def test_what_was_found_is_kept_for_the_next_worker(store, monkeypatch):
    monkeypatch.setattr(side_by_side, "_TRIAL_SECONDS", 0.01)
    monkeypatch.setattr(side_by_side, "_SETTLED_STEPS", 1)
    monkeypatch.setattr(side_by_side, "_STEPS_IN_A_TURN", 1)
    monkeypatch.setattr(side_by_side, "_PAYS", 1e6)  # never
    share(store, *(replace(LONG, seed=seed) for seed in range(4)))
    request = RunsAtOnceRequest(LONG, hardware=describe(LONG.device))
    assert store.result_of(request) == {"runs": 1, "gain": 1.0}
    again = SharedDevice(store, claimed(store, LONG), WORKER)
    assert again.trial == Trial(1, is_over=True)
    assert again.execute() == 1

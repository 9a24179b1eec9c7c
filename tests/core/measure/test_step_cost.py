"""What a run's own steps take: timed with short epochs of that run, and added up to a whole one."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from core.data.load import load
from core.measure import step_cost
from core.measure.step_cost import measure_step_cost
from core.specs import LabError
from core.training.estimate import OWN_STEPS, estimate
from core.training.fit import fit, start
from core.training.records import StepCost
from tests.core.training.tiny_training import TINY, analysis_of, change

pytestmark = pytest.mark.usefixtures("one_thread")

COST = StepCost(1.0, "a card", 2.0, 1e-4, 0.01, 1e-3, 5_000_000, 0.9)


def test_a_run_takes_its_start_once_and_its_epochs_each():
    """2 s + 700 images resized once + 3 × (8 steps + 100 test images)."""
    assert COST.seconds(3, 8, 600, 100) == pytest.approx(2 + 0.07 + 3 * (0.08 + 0.1))
    spec = change(replace(TINY, train_images=250), batch_size=32)
    told = estimate(spec, analysis_of(TINY.model), None, 250, 100, own_steps=COST)
    assert told.seconds == pytest.approx(COST.seconds(3, 8, 250, 100))  # 7 steps and a smaller one
    assert told.basis == OWN_STEPS


def test_its_own_steps_count_more_than_an_equal_run():
    told = estimate(TINY, analysis_of(TINY.model), None, 96, 100, measured_rate=1.0, own_steps=COST)
    assert told.basis == OWN_STEPS


def test_memory_is_the_measured_peak_and_the_data():
    """Images of 28² bytes with labels of 8, and once more at 16² where they are kept resized."""
    count, free = 96 + 2_000, 2**30
    told = estimate(TINY, analysis_of(TINY.model), None, 96, 2_000, free_bytes=free, own_steps=COST)
    assert told.memory_bytes == 5_000_000 + count * (28**2 + 8) + count * 16**2
    untold = replace(COST, memory_bytes=None)
    analysed = estimate(TINY, analysis_of(TINY.model), None, 96, 2_000, free_bytes=free)
    assert analysed.memory_bytes == (
        estimate(
            TINY, analysis_of(TINY.model), None, 96, 2_000, free_bytes=free, own_steps=untold
        ).memory_bytes
    )


@pytest.fixture
def quick(monkeypatch) -> None:
    monkeypatch.setattr(step_cost, "_SECONDS", 0.05)
    monkeypatch.setattr(step_cost, "_EPOCH_SECONDS", 0.01)
    monkeypatch.setattr("core.training.compute_plan.TRIAL_SECONDS", 0.0)


def test_what_is_known_grows_until_the_end(quick):
    known = list(measure_step_cost(replace(TINY, train_images=None)))
    shares = [cost.share for cost in known]
    assert shares == sorted(shares) and shares[-1] == 1 and shares.count(1) == 1
    cost = known[-1]
    assert cost.step_seconds > 0 and cost.evaluation_seconds > 0
    assert cost.resize_seconds > 0 and cost.start_seconds >= 0
    assert cost.machine and cost.memory_bytes is None and cost.kernel_share is None


def test_nothing_is_resized_where_images_have_their_size(quick):
    spec = replace(TINY, model=replace(TINY.model, image_size=28), train_images=None)
    *_before, cost = measure_step_cost(spec)
    assert cost.resize_seconds == 0


def test_a_rate_at_which_the_run_diverges_changes_no_time(quick):
    *_before, cost = measure_step_cost(change(TINY, learning_rate=100.0, optimizer="sgd"))
    assert cost.share == 1


def test_threads_and_random_numbers_are_afterwards_as_before(quick):
    torch.set_num_threads(1)
    torch.manual_seed(0)
    wanted = torch.rand(3)
    torch.manual_seed(0)
    list(measure_step_cost(TINY))
    assert torch.get_num_threads() == 1
    assert torch.equal(torch.rand(3), wanted)


def test_a_batch_that_is_larger_than_the_data_is_refused():
    with pytest.raises(LabError, match="A batch of 128"):
        next(measure_step_cost(change(TINY, batch_size=128)))


def test_the_device_computes_for_a_share_of_exactly_one_epochs_steps(monkeypatch):
    """Not of the evaluation that comes after them."""
    events = fit(TINY, load("fashion-mini").first(96), start(TINY))
    monkeypatch.setattr(step_cost, "kernels_of", lambda work: (0.25, len(work())))
    share = step_cost._kernel_share(events, 3, 0.1, torch.device("cuda"))
    assert share == pytest.approx(0.25 / 0.3)
    assert next(events).phase == "evaluating"
    assert step_cost._kernel_share(events, 3, 0.1, torch.device("cpu")) is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_a_card_tells_its_memory_and_how_long_it_computes():
    *_before, cost = measure_step_cost(replace(TINY, device="cuda", train_images=None))
    assert 0 < cost.kernel_share <= 1
    assert 0 < cost.memory_bytes < 2**30

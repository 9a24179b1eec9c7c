"""A range test takes the steps that train: held against closed forms, and against a run's epoch."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import islice

import pytest
import torch
from torch import Tensor, nn

from core.data.batches import Images
from core.data.load import load
from core.measure import learning_rates as learning_rates_module
from core.measure.learning_rate_records import SWEEPS, LearningRates
from core.measure.learning_rates import measure_learning_rates, sweep_losses
from core.specs import LabError, ModelSpec, Recipe, RunSpec
from core.training.fit import fit, image_sets, start
from core.training.sgd import SGD
from core.training.state import EpochSums, Training
from tests.core.training.tiny_training import TINY, epochs

pytestmark = pytest.mark.usefixtures("one_thread")

LENET = RunSpec(
    ModelSpec("lenet", image_size=28),
    "fashion-mini",
    Recipe("by hand", 1, 16, 0.05, initialization="xavier"),
    train_images=320,
)
DROPOUT = ModelSpec("custom-vgg", 4, 16, options={"conv_arch": "1x32 1x64", "head_width": 32})


# A step of the engine, where the largest rate is known -------------------------------------------

COUNT, SIDE, CLASSES, DECAY = 64, 4, 3, 0.05


class Softmax(nn.Module):
    """A linear layer, which cross-entropy makes softmax regression: convex, known to the last."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(SIDE * SIDE, CLASSES).double()

    def forward(self, images: Tensor) -> Tensor:
        return self.linear(images.double().flatten(1))


class Problem:
    """Softmax regression with weight decay: its minimum, and the curvature there."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        pixels = torch.randint(0, 256, (COUNT, 1, SIDE, SIDE), dtype=torch.uint8)
        labels = torch.randint(0, CLASSES, (COUNT,))
        self.images = Images(pixels, labels, (SIDE, SIDE), 1, None, None)
        self.inputs, self.labels = self.images.batch(slice(0, COUNT))
        self.minimum = torch.zeros(CLASSES * (SIDE * SIDE + 1), dtype=torch.float64)
        for _ in range(20):  # Newton's method
            gradient = torch.autograd.functional.jacobian(self.objective, self.minimum)
            self.minimum = self.minimum - torch.linalg.solve(self.curvature(), gradient)
        self.curvatures, self.directions = torch.linalg.eigh(self.curvature())

    def objective(self, parameters: Tensor) -> Tensor:
        """Cross-entropy, and the decay that the optimizer adds to its gradient."""
        weight, bias = parameters[:-CLASSES].reshape(CLASSES, -1), parameters[-CLASSES:]
        logits = self.inputs.double().flatten(1) @ weight.T + bias
        loss = nn.functional.cross_entropy(logits, self.labels)
        return loss + DECAY / 2 * parameters.square().sum()

    def curvature(self) -> Tensor:
        """The Hessian at `minimum`."""
        hessian: Tensor = torch.autograd.functional.hessian(self.objective, self.minimum)
        return hessian

    def trained(self, start: Tensor, rates: list[float], recipe: Recipe) -> list[Tensor]:
        """The parameters before each step of a sweep from `start`, and after the last."""
        network = Softmax()
        with torch.no_grad():
            network.linear.weight.copy_(start[:-CLASSES].reshape(CLASSES, -1))
            network.linear.bias.copy_(start[-CLASSES:])
        device = torch.device("cpu")
        training = Training(network, SGD(network.parameters(), recipe), device, EpochSums(device))
        path = [start]
        for loss in sweep_losses(replace(LENET, recipe=recipe), training, self.images, rates):
            decayed = self.objective(path[-1]) - DECAY / 2 * path[-1].square().sum()
            assert loss == pytest.approx(decayed.item(), rel=1e-6)  # before its step
            path.append(torch.cat([p.detach().flatten() for p in network.parameters()]))
        return path


@pytest.fixture(scope="module")
def problem() -> Problem:
    return Problem()


@pytest.mark.parametrize(
    ("momentum", "nesterov", "largest"),
    [
        (0.0, False, 2.0),  # gradient descent
        (0.9, False, 2 * (1 + 0.9)),  # Polyak's heavy ball
        (0.9, True, 2 * (1 + 0.9) / (1 + 2 * 0.9)),
    ],
    ids=["plain", "momentum", "nesterov"],
)
def test_steps_are_stable_up_to_the_rate_that_the_curvature_allows(
    problem, momentum, nesterov, largest
):
    """`largest` ÷ the largest eigenvalue of the Hessian, for each of the optimizers."""
    recipe = Recipe("by hand", 1, COUNT, 0.1, momentum, nesterov, weight_decay=DECAY)
    bound = largest / problem.curvatures[-1].item()
    away = problem.minimum + 1e-6 * problem.directions[:, -1]
    for factor, is_stable in ((0.95, True), (1.05, False)):
        path = problem.trained(away, [factor * bound] * 300, recipe)
        distance = (path[-1] - problem.minimum).norm().item()
        assert (distance < 1e-6) is is_stable, factor


def test_a_sweep_follows_the_closed_form_of_a_quadratic(problem):
    """Along each eigenvector of the Hessian the distance is multiplied by 1 − rate · curvature."""
    recipe = Recipe("by hand", 1, COUNT, 0.1, weight_decay=DECAY)
    rates = [2.5 / problem.curvatures[-1].item() * 1.2 ** (step - 20) for step in range(21)]
    generator = torch.Generator().manual_seed(1)
    away = 1e-5 * torch.randn(len(problem.minimum), generator=generator, dtype=torch.float64)
    path = problem.trained(problem.minimum + away, rates, recipe)
    expected = problem.directions.T @ away
    for rate, parameters in zip(rates, path[1:], strict=True):
        expected = expected * (1 - rate * problem.curvatures)
        found = problem.directions.T @ (parameters - problem.minimum)
        assert (found - expected).norm() < 1e-3 * expected.norm()


# Of a network ------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [LENET.model, DROPOUT], ids=["lenet", "dropout"])
def test_a_sweep_at_one_rate_is_an_epoch_of_a_run(model):
    spec = replace(LENET, model=model, train_images=312)  # the last batch has half as many
    [epoch] = epochs(fit(spec))
    training, data = start(spec), load(spec.dataset).first(spec.train_images)
    train, _ = image_sets(spec, data, training.device)
    steps = math.ceil(312 / 16)
    losses = list(sweep_losses(spec, training, train, [0.05] * (steps + 3)))
    sizes = [16] * (steps - 1) + [8]
    mean = sum(loss * size for loss, size in zip(losses, sizes, strict=False)) / 312
    assert mean == pytest.approx(epoch.train_loss, rel=1e-6)
    assert len(losses) == steps + 3  # and goes on into the next epoch


def test_the_same_sweeps_give_the_same_bits(monkeypatch):
    *_, first = measure_learning_rates(TINY, 100, sweeps=2)
    torch.rand(7)  # whatever else draws
    monkeypatch.setattr(learning_rates_module, "_NEWS_SECONDS", 0.01)
    events = list(measure_learning_rates(TINY, 100, sweeps=2))
    assert events[-1] == first and len(events) > 4
    assert [event.share for event in events] == sorted(event.share for event in events)
    assert events[-1].share == 1.0
    assert LearningRates.from_dict(first.to_dict()) == first


def test_a_measurement_leaves_nothing_behind_not_even_while_it_waits(monkeypatch):
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    monkeypatch.setattr(learning_rates_module, "threads", lambda: threads + 1)
    monkeypatch.setattr(learning_rates_module, "_NEWS_SECONDS", 0.0001)
    for _ in islice(measure_learning_rates(TINY, 100), 3):
        assert torch.get_num_threads() == threads
        assert torch.equal(torch.get_rng_state(), state)


def test_where_the_loss_rises_is_found():
    *_, found = measure_learning_rates(TINY, 100, sweeps=2)
    assert [sweep.seed for sweep in found.sweeps] == [0, 1]
    for sweep, reading in zip(found.sweeps, found.readings, strict=True):
        assert math.isclose(sweep.losses[0], math.log(10), rel_tol=0.3)  # of guessing
        assert reading.lowest_loss < 2.1
        assert 0.001 < reading.steepest < reading.rise < 2


@pytest.mark.parametrize(("seconds", "sweeps"), [(0.0, 1), (1e6, SWEEPS)])
def test_the_time_decides_how_many_sweeps_there_are(monkeypatch, seconds, sweeps):
    monkeypatch.setattr(learning_rates_module, "SECONDS", seconds)
    *_, found = measure_learning_rates(TINY, steps=50)
    assert [sweep.seed for sweep in found.sweeps] == list(range(sweeps))


@pytest.mark.parametrize(
    ("changes", "steps", "sweeps", "words"),
    [
        ({"train_images": 15}, 50, 3, "batch of 16 is larger than the 15"),
        ({"device": "abacus"}, 50, 3, "no device 'abacus'"),
        ({}, 49, 3, "steps must be a whole number from 50"),
        ({}, 2_001, 3, "to 2,000"),
        ({}, 50, 0, "sweeps must be a whole number from 1"),
    ],
)
def test_what_cannot_be_measured_is_one_sentence(changes, steps, sweeps, words):
    with pytest.raises(LabError, match=words):
        next(measure_learning_rates(replace(LENET, **changes), steps, sweeps))


def test_a_network_that_gives_no_numbers_is_one_sentence(monkeypatch):
    monkeypatch.setattr(learning_rates_module, "sweep_losses", lambda *_: iter([math.nan]))
    with pytest.raises(LabError, match="no number; look at its initialization"):
        next(measure_learning_rates(LENET))


def test_a_batch_that_does_not_fit_is_refused_before_anything_is_computed(monkeypatch):
    monkeypatch.setattr(learning_rates_module, "available_bytes", lambda device: 2**20)
    with pytest.raises(LabError, match="only 0.0 GiB are free"):
        next(measure_learning_rates(LENET))

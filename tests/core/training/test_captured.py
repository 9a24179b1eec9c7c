"""Captured steps beside plain ones: the same bits, whoever dies and goes on, whatever is dead.

On a machine without CUDA a replay is replaced by a call of the same step over the same buffers.
"""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from core.analysis import analyze
from core.specs import ModelSpec
from core.training import captured as captured_module
from core.training import fit as fit_module
from core.training.captured import CapturedSteps, capture
from core.training.compute_plan import candidates
from core.training.estimate import WORKING_BYTES
from core.training.fit import fit, start
from core.training.records import ComputePlan, EpochMetrics, Progress
from core.zoo.catalogue import complete
from tests.core.training.tiny_training import TINY, change, epochs, equal_weights, learnt

SHORT = change(TINY, batch_size=8)  # 96 images: 12 steps an epoch, of which 5 are plain
UNEVEN = replace(SHORT, train_images=92)  # the last batch of an epoch has four images
DROPOUT = replace(
    SHORT,
    model=ModelSpec("custom-vgg", 4, 16, options={"conv_arch": "1x32 1x64", "head_width": 32}),
)
NORM = replace(SHORT, model=ModelSpec("resnet18", 8, 32))
DEAD = replace(
    SHORT,
    model=ModelSpec("course-residual", 4, 16, options={"shortcut": "conv", "as_published": True}),
)
CLIPPED = change(SHORT, max_gradient_norm=0.1)
GRADIENT_DESCENT = change(SHORT, optimizer="sgd", label_smoothing=0.0)
PLAIN, CAPTURED = ComputePlan(1, True), ComputePlan(1, True, captured=True)

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]


@pytest.fixture
def replays(monkeypatch) -> dict[str, int]:
    """A replay is a call; how often there was one, of training steps and of evaluations."""
    calls = {"training": 0, "evaluation": 0}

    def called(step, _memory):
        phase = "training" if isinstance(step.__self__, CapturedSteps) else "evaluation"

        def replay() -> None:
            calls[phase] += 1
            step()

        return replay

    monkeypatch.setattr(captured_module, "capture", called)
    return calls


@pytest.mark.parametrize(
    ("spec", "count"),
    [(SHORT, 31), (UNEVEN, 28), (DROPOUT, 31), (NORM, 31), (CLIPPED, 31), (GRADIENT_DESCENT, 31)],
    ids=["residual", "a smaller batch at the end", "dropout", "batch norm", "clipped", "no Muon"],
)
def test_captured_steps_give_the_bits_of_plain_ones(tiny, replays, spec, count):
    plain, captured = start(spec, PLAIN), start(spec, CAPTURED)
    rows = learnt(epochs(fit(spec, tiny, plain)))
    assert replays["training"] == 0
    assert learnt(epochs(fit(spec, tiny, captured))) == rows
    assert replays["training"] == count
    assert equal_weights(plain, captured)
    assert captured.dead == plain.dead == {}


def test_dead_parameters_are_found_by_captured_steps_too(tiny, replays):
    spec = change(DEAD, epochs=4, batch_size=8)
    plain, captured = start(spec, PLAIN), start(spec, CAPTURED)
    rows = learnt(epochs(fit(spec, tiny, plain)))
    assert learnt(epochs(fit(spec, tiny, captured))) == rows
    assert replays["training"] == 4 * 12 - 32  # as long as one waits for the others' gradients
    assert captured.dead == plain.dead and plain.dead


@pytest.mark.parametrize("spec", [SHORT, DROPOUT, DEAD], ids=["residual", "dropout", "dead"])
@pytest.mark.parametrize("stop", [9, 15, 40])
def test_a_captured_run_goes_on_to_the_same_bits(tiny, replays, spec, stop, tmp_path):
    spec = change(spec, epochs=4)
    unbroken = start(spec, PLAIN)
    rows = learnt(epochs(fit(spec, tiny, unbroken)))
    first = start(spec, CAPTURED)
    events, begun = fit(spec, tiny, first), []
    while sum(is_step(event) for event in begun) < stop:
        begun.append(next(events))
    events.close()
    torch.save(first.state(), tmp_path / "state.pt")

    second = start(spec, CAPTURED)
    second.restore(torch.load(tmp_path / "state.pt", weights_only=True))
    ended = list(fit(spec, tiny, second))
    assert learnt(epochs(begun)) + learnt(epochs(ended)) == rows
    assert equal_weights(second, unbroken)
    assert second.dead == unbroken.dead


def is_step(event: Progress | EpochMetrics) -> bool:
    return isinstance(event, Progress) and event.phase == "training"


def test_time_of_captured_steps_is_charged_to_them(tiny, replays):
    row = epochs(fit(SHORT, tiny, start(SHORT, CAPTURED)))[-1]
    assert 0 < row.captured_seconds <= row.train_seconds
    assert row.step_seconds >= row.captured_seconds
    assert row.images_per_second == pytest.approx(96 / row.train_seconds)


def test_a_network_that_cannot_be_captured_trains_plainly_and_says_why(tiny, monkeypatch):
    def refuse(_step, _memory):
        raise RuntimeError("operation not permitted when stream is capturing\nmore")

    monkeypatch.setattr(captured_module, "capture", refuse)
    plain, refused = start(SHORT, PLAIN), start(SHORT, CAPTURED)
    rows = learnt(epochs(fit(SHORT, tiny, plain)))
    assert learnt(epochs(fit(SHORT, tiny, refused))) == rows
    assert refused.capture_error == "operation not permitted when stream is capturing"
    assert not refused.is_captured


DECIDED_IN_PYTHON = """
import random
import numpy as np
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.sometimes = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 3)
        self.head = nn.Linear(4, 10)
        self.batches = 0

    def is_chosen(self):
        return True

    def forward(self, x):
        features = self.conv(x).relu()
        if not self.training or self.is_chosen():
            features = self.sometimes(features).relu()
        return self.scores(features.mean((2, 3)))

    def scores(self, features):
        return self.head(features)

class Counts(Net):
    def is_chosen(self):
        self.batches += 1
        return self.batches % 3 < 2

class Draws(Net):
    def is_chosen(self):
        return random.random() < 0.5

class DrawsInNumPy(Net):
    def is_chosen(self):
        return np.random.random() < 0.5

class DrawsByItself(Net):
    def __init__(self):
        super().__init__()
        self.lots = random.Random(0)

    def is_chosen(self):
        return self.lots.random() < 0.5

class DrawsWhenTested(Net):
    def scores(self, features):
        return self.head(features) * (1 if self.training else 1 + random.random())
"""


@pytest.mark.parametrize(
    ("name", "is_captured"),
    [
        ("Net", True),
        *((name, False) for name in ("Counts", "Draws", "DrawsInNumPy", "DrawsByItself")),
    ],
)
def test_what_python_decides_in_each_step_is_not_frozen(
    tiny, replays, networks_file, name, is_captured
):
    networks_file(DECIDED_IN_PYTHON)
    spec = replace(SHORT, model=complete(ModelSpec(f"nets.py:{name}", image_size=16)))
    rows = {}
    for plan in (PLAIN, CAPTURED):
        random.seed(0)
        np.random.seed(0)
        training = start(spec, plan)
        rows[plan] = learnt(epochs(fit(spec, tiny, training)))
    assert rows[PLAIN] == rows[CAPTURED]
    assert (replays["training"] > 0) == training.is_captured == is_captured
    assert ("in Python" in training.capture_error) == (not is_captured)


def test_what_python_decides_in_an_evaluation_is_not_frozen(
    tiny, replays, networks_file, monkeypatch
):
    monkeypatch.setattr(fit_module, "evaluation_batch_size", lambda _spec: 10)
    networks_file(DECIDED_IN_PYTHON)
    spec = replace(SHORT, model=complete(ModelSpec("nets.py:DrawsWhenTested", image_size=16)))
    training = start(spec, CAPTURED)
    epochs(fit(spec, tiny, training))
    assert training.is_captured and replays["training"] > 0 == replays["evaluation"]
    assert "in Python" in training.capture_error


@pytest.mark.parametrize("size", [10, 16], ids=["all are full", "a smaller batch at the end"])
def test_captured_evaluations_give_the_bits_of_plain_ones(tiny, replays, monkeypatch, size):
    """All but the very first batch, and a smaller one at the end."""
    monkeypatch.setattr(fit_module, "evaluation_batch_size", lambda _spec: size)
    full, rest = divmod(len(tiny.test_labels), size)
    rows = learnt(epochs(fit(NORM, tiny, start(NORM, PLAIN))))
    assert learnt(epochs(fit(NORM, tiny, start(NORM, CAPTURED)))) == rows
    assert replays["evaluation"] == NORM.recipe.epochs * full - 1
    assert (rest == 0) == (size == 10)


def test_evaluations_that_cannot_be_captured_are_done_plainly_and_that_is_said(tiny, monkeypatch):
    def only_training(step, _memory):
        if isinstance(step.__self__, CapturedSteps):
            return step
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr(captured_module, "capture", only_training)
    monkeypatch.setattr(fit_module, "evaluation_batch_size", lambda _spec: 16)
    plain, half = start(SHORT, PLAIN), start(SHORT, CAPTURED)
    rows = learnt(epochs(fit(SHORT, tiny, plain)))
    assert learnt(epochs(fit(SHORT, tiny, half))) == rows
    assert half.is_captured and half.capture_error


def test_a_captured_evaluation_takes_no_more_memory_than_a_step_or_what_is_left_for_it():
    roomy = change(TINY, batch_size=64)
    for spec in (roomy, replace(roomy, model=ModelSpec("vgg11", 4, 64, 1, 10))):
        usual = fit_module.evaluation_batch_size(spec)
        size = fit_module._batch_of_no_more_memory(spec, usual)
        analysis = analyze(spec.model)
        step = analysis.training_bytes(spec.recipe.batch_size, bool(spec.recipe.momentum))
        held = analysis.inference_bytes(0)
        assert 1 <= size <= usual
        assert analysis.inference_bytes(size) - held <= max(step - held, WORKING_BYTES)


def test_only_cuda_devices_capture():
    network = nn.Sequential(nn.Conv2d(1, 8, 3))
    assert not any(plan.captured for plan in candidates(network, torch.device("cpu")))
    assert all(plan.captured for plan in candidates(network, torch.device("cuda")))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@pytest.mark.parametrize("bfloat16", [True, False])
@pytest.mark.parametrize(
    "spec",
    [SHORT, UNEVEN, DROPOUT, NORM, CLIPPED, GRADIENT_DESCENT, DEAD],
    ids=lambda spec: spec.model.arch,
)
def test_a_graph_gives_the_bits_of_plain_steps(tiny, spec, bfloat16):
    spec = change(spec, bfloat16=bfloat16, epochs=4)
    spec = replace(spec, device="cuda", deterministic=True)
    plain, captured = start(spec, PLAIN), start(spec, CAPTURED)
    rows = learnt(epochs(fit(spec, tiny, plain)))
    assert learnt(epochs(fit(spec, tiny, captured))) == rows
    assert captured.is_captured and not captured.capture_error
    assert equal_weights(plain, captured) and captured.dead == plain.dead


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_a_step_that_waits_for_the_device_is_refused():
    total = torch.zeros((), device="cuda")

    def step() -> None:
        total.add_(1)
        total.item()

    with pytest.raises(RuntimeError):
        capture(step)
    assert total.item() == 0

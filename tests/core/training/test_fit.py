"""The training loop: it learns, and gives the same bits twice and after a break."""

from __future__ import annotations

import math
import time
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.data.batches import prepare
from core.data.load import load
from core.specs import LabError, ModelSpec, Recipe, RunSpec
from core.training.devices import available_devices, find_device
from core.training.fit import fit, start
from core.training.recipes import (
    learning_rate_at,
    recipe,
)
from core.training.records import EpochMetrics, Progress
from core.training.state import EpochSums
from tests.core.training.tiny_training import (
    RESIDUAL,
    TINY,
    change,
    epochs,
    equal_weights,
    learnt,
)

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]


def test_the_residual_net_learns_from_400_images(mini):
    spec = RunSpec(RESIDUAL, "fashion-mini", recipe("fast", 400, epochs=4), train_images=400)
    rows = epochs(fit(spec, mini))
    assert [row.epoch for row in rows] == [1, 2, 3, 4]
    assert rows[-1].test_accuracy > 0.68  # 70 to 75 % over ten seeds, 10 % by guessing
    assert rows[-1].train_loss < 0.6 * rows[0].train_loss


def test_events_come_in_order(tiny):
    events = list(fit(TINY, tiny))
    kinds = [event.phase if isinstance(event, Progress) else "epoch" for event in events]
    once = ["preparing"] * 2  # 96 training and 50 test images are resized from 28 to 16 pixels
    assert kinds == once + [*["training"] * 3, "evaluating", "epoch"] * 3
    progress = [event for event in events if isinstance(event, Progress)][2:]
    assert [event.step for event in progress[:4]] == [1, 2, 3, 1]
    fractions = [event.fraction for event in progress]
    assert fractions == sorted(fractions) and fractions[-1] == 1
    assert all(event.epochs == 3 and event.images_per_second > 0 for event in progress)


def test_metrics_are_means_and_fractions(tiny):
    for row in epochs(fit(TINY, tiny)):
        assert (row.train_accuracy * 96) == pytest.approx(round(row.train_accuracy * 96))
        assert (row.test_accuracy * 50) == pytest.approx(round(row.test_accuracy * 50), abs=1e-4)
        assert row.images_per_second == pytest.approx(96 / row.train_seconds)


def test_the_test_figures_are_those_of_the_network(tiny):
    training = start(TINY)
    last = epochs(fit(TINY, tiny, training))[-1]
    with torch.no_grad():
        images = prepare(tiny.test_images, (16, 16), 1, tiny.info.mean, tiny.info.std)
        logits = training.network.eval()(images)
        loss = torch.nn.functional.cross_entropy(logits, tiny.test_labels)
    assert last.test_accuracy * 50 == (logits.argmax(1) == tiny.test_labels).sum()
    assert last.test_loss == pytest.approx(loss.item(), rel=1e-5)


def test_a_step_is_plain_sgd(tiny):
    """One step written out by hand: the weights move against the gradient, times the rate."""
    plain = Recipe("published-vgg", 1, 96, 0.05)
    spec = replace(TINY, recipe=plain)
    expected = start(spec).network
    part = tiny.first(96)
    logits = expected.train()(prepare(part.train_images, (16, 16), 1))
    torch.nn.functional.cross_entropy(logits, part.train_labels).backward()
    training = start(spec)
    list(fit(spec, tiny, training))
    for name, parameter in expected.named_parameters():
        moved = training.network.get_parameter(name)
        torch.testing.assert_close(moved, parameter - 0.05 * parameter.grad, rtol=1e-4, atol=1e-6)


def test_smoothed_labels_are_targets_of_the_gradient_and_not_of_the_figures(tiny):
    """One step beside PyTorch's own smoothing; the loss that is told is the plain one."""
    smoothed = replace(TINY, recipe=Recipe("published-vgg", 1, 96, 0.05, label_smoothing=0.2))
    expected, training = start(smoothed).network, start(smoothed)
    part = tiny.first(96)
    logits = expected.train()(prepare(part.train_images, (16, 16), 1))
    F.cross_entropy(logits, part.train_labels, label_smoothing=0.2).backward()
    row = epochs(fit(smoothed, tiny, training))[0]
    for name, parameter in expected.named_parameters():
        moved = training.network.get_parameter(name)
        torch.testing.assert_close(moved, parameter - 0.05 * parameter.grad, rtol=1e-4, atol=1e-6)
    assert row.train_loss == pytest.approx(F.cross_entropy(logits, part.train_labels).item())


def test_the_learning_rate_is_applied(tiny):
    assert {row.last_learning_rate for row in epochs(fit(replace(TINY, recipe=Recipe(
        "published-course", 2, 32, 0.0625)), tiny))} == {0.0625}  # fmt: skip
    rows = epochs(fit(TINY, tiny))
    assert [row.last_learning_rate for row in rows] == [
        learning_rate_at(TINY.recipe, step, 9) for step in (2, 5, 8)
    ]
    faster = epochs(fit(change(TINY, learning_rate=0.01), tiny))
    assert faster[0].train_loss != rows[0].train_loss


DROPOUT = RunSpec(
    ModelSpec("custom-vgg", 4, 16, options={"conv_arch": "1x32 1x64", "head_width": 32}),
    "fashion-mini",
    TINY.recipe,
    train_images=96,
)
NORM = replace(TINY, model=ModelSpec("resnet18", 8, 32))
GRADIENT_DESCENT = change(TINY, optimizer="sgd", label_smoothing=0.0)
THIN = replace(TINY, model=ModelSpec("resnet18", 16, 32))  # see memory_format in core.training.fit
seeded = pytest.mark.parametrize(
    "spec",
    [TINY, GRADIENT_DESCENT, DROPOUT, NORM, THIN],
    ids=["residual", "without Muon", "dropout", "batch norm", "four channels"],
)


@seeded
def test_the_same_seed_gives_the_same_history_and_another_another(tiny, spec):
    first, second = start(spec), start(spec)
    rows = learnt(epochs(fit(spec, tiny, first)))
    torch.rand(7)  # what else draws random numbers is of no concern
    second = start(spec)
    torch.rand(3)
    assert learnt(epochs(fit(spec, tiny, second))) == rows
    assert equal_weights(first, second)
    assert learnt(epochs(fit(replace(spec, seed=1), tiny))) != rows


@seeded
def test_a_run_continued_after_epoch_1_is_bit_for_bit_the_uninterrupted_one(tiny, spec, tmp_path):
    whole = start(spec)
    rows = learnt(epochs(fit(spec, tiny, whole)))

    first = start(spec)
    events = fit(spec, tiny, first)
    begun = [next(event for event in events if isinstance(event, EpochMetrics))]
    torch.save(first.state(), tmp_path / "state.pt")
    events.close()

    torch.manual_seed(99)
    second = start(spec)
    second.restore(torch.load(tmp_path / "state.pt", weights_only=True))
    ended = epochs(fit(spec, tiny, second))
    assert [row.epoch for row in ended] == [2, 3]
    assert learnt(begun + ended) == rows
    assert equal_weights(second, whole)


def test_every_step_of_every_epoch_and_seed_drops_other_units(tiny):
    def dropped(spec: RunSpec) -> list[bytes]:
        """Which of a layer's units are zero at each step, where all were one before."""
        training, masks = start(spec), []

        def note(module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
            if module.training:
                masks.append((output == 0).numpy().tobytes())

        dropout = next(m for m in training.network.modules() if isinstance(m, nn.Dropout))
        dropout.register_forward_pre_hook(lambda _, inputs: (torch.ones_like(inputs[0]),))
        dropout.register_forward_hook(note)
        list(fit(spec, tiny, training))
        return masks

    masks = dropped(DROPOUT) + dropped(replace(DROPOUT, seed=1))
    assert len(masks) == len(set(masks)) == 2 * 3 * 3


def test_a_finished_run_has_nothing_left_to_do(tiny):
    training = start(TINY)
    list(fit(TINY, tiny, training))
    assert list(fit(TINY, tiny, training)) == []


def test_evaluation_and_the_readers_time_are_no_training_time(tiny, monkeypatch):
    add = EpochSums.add

    def slow_on_test_images(self, *batch):
        time.sleep(0 if torch.is_grad_enabled() else 0.3)
        add(self, *batch)

    monkeypatch.setattr(EpochSums, "add", slow_on_test_images)
    row = None
    for event in fit(change(TINY, epochs=1), tiny):
        if isinstance(event, EpochMetrics):
            row = event
        else:
            time.sleep(0.1)
    assert row.evaluation_seconds >= 0.3
    assert row.train_seconds < 0.3


@pytest.mark.parametrize("shortcut", ["constant-scaling", "conv"])
def test_parameters_that_never_get_a_gradient_are_named(tiny, shortcut):
    """The homework's blocks as published throw away what conv1 computes."""
    options = {"shortcut": shortcut, "as_published": True}
    published = replace(TINY, model=replace(TINY.model, options=options))
    training = start(published)
    list(fit(published, tiny, training))
    parameters = dict(training.network.named_parameters())
    names = [f"residual{block}.conv1.{part}" for block in (1, 2) for part in ("weight", "bias")]
    assert training.dead == {name: parameters[name].numel() for name in names}

    training = start(TINY)
    list(fit(TINY, tiny, training))
    assert training.dead == {}


def test_closing_stops_at_once(tiny):
    training = start(TINY)
    events = fit(TINY, tiny, training)
    next(events)
    before = {name: value.clone() for name, value in training.network.state_dict().items()}
    events.close()
    assert list(events) == [] and training.epoch == 0
    assert all(
        torch.equal(value, before[name]) for name, value in training.network.state_dict().items()
    )


def test_a_loss_that_is_no_number_is_one_sentence(tiny):
    wild = RunSpec(RESIDUAL, "fashion-mini", Recipe("fast", 5, 32, 100.0, 0.9), train_images=96)
    with pytest.raises(LabError, match=r"diverged; try a learning rate below 100") as caught:
        list(fit(wild, tiny))
    assert "\n" not in str(caught.value)


def test_a_network_needs_an_output_for_each_class(tiny):
    spec = replace(TINY, model=replace(TINY.model, num_classes=9))
    with pytest.raises(LabError, match="has 10 classes, so the network needs at least 10 outputs"):
        next(fit(spec, tiny))
    more = replace(TINY, model=replace(TINY.model, num_classes=11))
    assert len(epochs(fit(more, tiny))) == 3


def test_a_batch_larger_than_the_set_is_one_sentence(tiny):
    with pytest.raises(LabError, match="A batch of 97 is larger than the 96 training images"):
        next(fit(change(TINY, batch_size=97), tiny))
    assert len(epochs(fit(change(TINY, batch_size=96), tiny))) == 3


def test_more_images_than_there_are_is_one_sentence(tiny):
    with pytest.raises(LabError, match=r"5,000 training images: take from 1 to 5,000"):
        next(fit(replace(TINY, train_images=5_001), tiny))


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "CPU", "", "cpu:1"])
def test_a_device_that_is_not_here_gets_the_list(name):
    with pytest.raises(LabError, match=f"no device '{name}' on this machine; it has .*cpu"):
        find_device(name)


def test_an_unknown_device_ends_a_run_before_it_starts(tiny):
    with pytest.raises(LabError, match="no device 'npu'"):
        next(fit(replace(TINY, device="npu"), tiny))


def test_devices_here_can_be_used():
    assert available_devices()[-1] == "cpu"
    for name in available_devices():
        assert torch.zeros(1, device=find_device(name)).device.type == name.split(":")[0]


@pytest.mark.parametrize("device", [name for name in available_devices() if name != "cpu"])
def test_training_works_on_the_accelerator(mini, device):
    spec = RunSpec(RESIDUAL, "fashion-mini", recipe("fast", 400, 4), 400, device)
    assert epochs(fit(spec, mini))[-1].test_accuracy > 0.65


def test_xavier_is_the_books(tiny):
    """Uniform within √(6 / (fan in + fan out)), for convolutions and linear layers."""
    training = start(change(TINY, initialization="xavier"))
    weight = training.network.stem2.conv.weight  # (8, 4, 5, 5)
    bound = math.sqrt(6 / (4 * 25 + 8 * 25))
    assert 0.95 * bound < weight.abs().max() <= bound
    assert weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.1)


def test_whole_mnist_trains(full_data, monkeypatch):
    monkeypatch.setenv("LAB_DATA_DIR", str(full_data))
    spec = RunSpec(RESIDUAL, "mnist", recipe("fast", 1_000, 1), train_images=1_000)
    data = load("mnist")
    data = replace(data, test_images=data.test_images[:1_000], test_labels=data.test_labels[:1_000])
    [row] = epochs(fit(spec, data))
    assert row.test_accuracy > 0.8

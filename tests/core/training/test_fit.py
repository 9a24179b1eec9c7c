"""Training: the recipes, the loop, and what a run will cost before it starts."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import asdict, replace
from functools import cache, partial
from itertools import pairwise

import pytest
import torch

from core.analysis import analyze
from core.data.batches import prepare
from core.data.load import Dataset, load
from core.specs import LabError, ModelSpec, Recipe, RunSpec
from core.training import fit as fit_module
from core.training.devices import available_devices, find_device
from core.training.estimate import (
    AROUND_LAYERS,
    WORKING_BYTES,
    Speed,
    check_memory,
    estimate,
    largest_batch,
    layer_seconds,
    needed_bytes,
    predict_seconds,
    shorter_runs,
)
from core.training.fit import Training, fit, start
from core.training.recipes import (
    FAST_BATCH_SIZES,
    FAST_PEAK,
    RECIPES,
    learning_rate_at,
    recipe,
)
from core.training.records import TIMES, EpochMetrics, Progress
from core.zoo.catalogue import CATALOGUE

pytestmark = pytest.mark.usefixtures("one_thread")

RESIDUAL = ModelSpec("course-residual", image_size=28)
TINY = RunSpec(
    ModelSpec("course-residual", ratio=4, image_size=16),
    "fashion-mini",
    recipe("fast", 96, epochs=3, batch_size=32, learning_rate=0.05),
    train_images=96,
)
analysis_of = cache(analyze)
SPEED = Speed((1e9, 4e9, 16e9), 8e9, 1e9, 1e-5, 1e-10)


@pytest.fixture(scope="module")
def mini() -> Dataset:
    return load("fashion-mini")


@pytest.fixture(scope="module")
def tiny(mini) -> Dataset:
    """fashion-mini with 50 test images, for tests that ask nothing of the accuracy."""
    return replace(mini, test_images=mini.test_images[:50], test_labels=mini.test_labels[:50])


def epochs(events: Iterable[Progress | EpochMetrics]) -> list[EpochMetrics]:
    return [event for event in events if isinstance(event, EpochMetrics)]


def learnt(rows: list[EpochMetrics]) -> list[dict]:
    """The rows without the times, which no two runs share."""
    return [
        {name: value for name, value in asdict(row).items() if name not in TIMES} for row in rows
    ]


def change(spec: RunSpec, **changes) -> RunSpec:
    """`spec` with another recipe."""
    return replace(spec, recipe=replace(spec.recipe, **changes))


def equal_weights(first: Training, second: Training) -> bool:
    ours, theirs = first.network.state_dict(), second.network.state_dict()
    return all(torch.equal(value, theirs[name]) for name, value in ours.items())


# Recipes


def test_the_chapters_recipe_is_as_published():
    chosen = recipe("published-vgg", 60_000)
    assert (chosen.epochs, chosen.batch_size, chosen.learning_rate) == (5, 128, 0.05)
    assert (chosen.momentum, chosen.nesterov, chosen.weight_decay) == (0, False, 0)
    assert (chosen.schedule, chosen.initialization) == ("constant", "xavier")
    assert chosen.normalize is False and chosen.max_gradient_norm == 0


def test_the_course_notes_recipe_is_as_published():
    chosen = recipe("published-course", 60_000)
    assert (chosen.epochs, chosen.batch_size, chosen.learning_rate) == (10, 64, 0.01)
    assert (chosen.momentum, chosen.nesterov, chosen.weight_decay) == (0.5, False, 0)
    assert (chosen.schedule, chosen.initialization) == ("constant", "default")
    assert chosen.normalize is True and chosen.max_gradient_norm == 0


def test_published_recipes_do_not_depend_on_the_number_of_images():
    for name in ("published-vgg", "published-course"):
        assert recipe(name, 10) == recipe(name, 60_000)


@pytest.mark.parametrize(
    ("train_images", "epochs", "batch_size", "learning_rate"),
    [(100, 5, 16, 0.035), (5_000, 5, 32, 0.05), (20_000, 3, 128, 0.1), (60_000, 1, 128, 0.1)],
)
def test_the_fast_recipe_fits_the_number_of_images(train_images, epochs, batch_size, learning_rate):
    chosen = recipe("fast", train_images)
    assert chosen.epochs == epochs
    assert (chosen.batch_size, chosen.learning_rate) == (batch_size, learning_rate)
    assert (chosen.schedule, chosen.nesterov) == ("one-cycle", True)


def test_more_images_never_make_the_fast_batch_or_rate_smaller():
    chosen = [recipe("fast", count) for count in range(1, 70_000, 997)]
    for smaller, larger in pairwise(chosen):
        assert smaller.batch_size <= larger.batch_size
        assert smaller.learning_rate <= larger.learning_rate <= FAST_PEAK
    assert {made.batch_size for made in chosen} == set(FAST_BATCH_SIZES)


@pytest.mark.parametrize("name", RECIPES)
def test_what_the_person_changes_is_changed_and_nothing_else(name):
    assert recipe(name, 5_000).name == name == RECIPES[name].name
    changed = recipe(name, 5_000, epochs=3, batch_size=7, learning_rate=0.125)
    assert changed == replace(
        recipe(name, 5_000), epochs=3, batch_size=7, learning_rate=0.125
    )  # fmt: skip


def test_an_unknown_recipe_gets_the_list():
    with pytest.raises(LabError, match="no recipe named 'slow'; try fast, published-vgg"):
        recipe("slow", 100)


@pytest.mark.parametrize(
    ("change", "words"), [({"epochs": 0}, "epochs"), ({"learning_rate": 0}, "learning_rate")]
)
def test_a_changed_recipe_is_checked(change, words):
    with pytest.raises(LabError, match=words):
        recipe("fast", 100, **change)


# Schedules


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5, 39, 780])
def test_one_cycle_rises_to_the_peak_then_falls_towards_zero(steps):
    chosen = recipe("fast", 5_000)
    rates = [learning_rate_at(chosen, step, steps) for step in range(steps)]
    assert all(0 < rate <= chosen.learning_rate for rate in rates)
    top = rates.index(max(rates))
    assert top <= max(0.25 * steps, 1)
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)


def test_one_cycle_is_two_straight_lines():
    chosen = recipe("fast", 5_000)
    rates = [learning_rate_at(chosen, step, 400) for step in range(400)]
    assert rates[99] == chosen.learning_rate  # a quarter of the way
    slopes = [after - before for before, after in pairwise(rates)]
    assert slopes[:99] == pytest.approx([chosen.learning_rate / 100] * 99)
    assert slopes[99:] == pytest.approx([slopes[-1]] * 300)
    assert 0 < rates[-1] < chosen.learning_rate / 100


def test_a_constant_rate_is_constant():
    chosen = recipe("published-vgg", 5_000)
    assert {learning_rate_at(chosen, step, 20) for step in range(20)} == {0.05}


# The loop


@pytest.mark.slow
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
        images = prepare(tiny.test_images, 16, 1, tiny.info.mean, tiny.info.std)
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
    logits = expected.train()(prepare(part.train_images, 16, 1))
    torch.nn.functional.cross_entropy(logits, part.train_labels).backward()
    training = start(spec)
    list(fit(spec, tiny, training))
    for name, parameter in expected.named_parameters():
        moved = training.network.get_parameter(name)
        torch.testing.assert_close(moved, parameter - 0.05 * parameter.grad, rtol=1e-4, atol=1e-6)


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
THIN = replace(TINY, model=ModelSpec("resnet18", 16, 32))  # see memory_format in core.training.fit
seeded = pytest.mark.parametrize(
    "spec", [TINY, DROPOUT, NORM, THIN], ids=["residual", "dropout", "batch norm", "four channels"]
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


def test_a_finished_run_has_nothing_left_to_do(tiny):
    training = start(TINY)
    list(fit(TINY, tiny, training))
    assert list(fit(TINY, tiny, training)) == []


def test_evaluation_and_the_readers_time_are_no_training_time(tiny, monkeypatch):
    add = fit_module.EpochSums.add

    def slow_on_test_images(self, *batch):
        time.sleep(0 if torch.is_grad_enabled() else 0.3)
        add(self, *batch)

    monkeypatch.setattr(fit_module.EpochSums, "add", slow_on_test_images)
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


# What a run will cost


def run_of(model: ModelSpec, batch_size: int) -> RunSpec:
    return RunSpec(model, "fashion-mini", Recipe("fast", 1, batch_size, 0.1, momentum=0.9))


@pytest.mark.slow
@pytest.mark.parametrize("name", CATALOGUE)
@pytest.mark.parametrize("gigabytes", [0.5, 2, 8])
def test_the_batch_that_is_named_fits_and_the_next_does_not(name, gigabytes):
    model = CATALOGUE[name].default
    analysis = analysis_of(model)
    free = int(gigabytes * 2**30)
    needs = lambda batch: needed_bytes(run_of(model, batch), analysis)  # noqa: E731
    largest = largest_batch(run_of(model, 2**16), analysis, free)
    if largest:
        check_memory(run_of(model, largest), analysis, free)
        assert needs(largest) <= free
        assert largest == 2**16 - 1 or needs(largest + 1) > free
    else:
        assert needs(1) > free
    with pytest.raises(LabError) as caught:
        check_memory(run_of(model, 2**16), analysis, min(free, needs(2**16) - 1))
    fits = f"a batch of {largest} fits." if largest else "not even a batch of 1 fits"
    assert fits in str(caught.value) and "GiB are free" in str(caught.value)


def test_the_batch_that_is_named_is_smaller_than_the_one_that_did_not_fit():
    analysis = analyze(RESIDUAL)
    assert largest_batch(run_of(RESIDUAL, 64), analysis, 2**40) == 63
    assert largest_batch(run_of(RESIDUAL, 1), analysis, 2**40) == 0


def test_without_momentum_a_larger_batch_may_fit():
    model = ModelSpec("vgg11", 4, 32)
    with_momentum = run_of(model, 2**16)
    without = change(with_momentum, momentum=0.0)
    analysis = analysis_of(model)
    free = needed_bytes(change(without, batch_size=512), analysis)
    assert largest_batch(without, analysis, free) == 512
    assert 256 < largest_batch(with_momentum, analysis, free) < 512


def test_unknown_free_memory_refuses_nothing():
    check_memory(run_of(RESIDUAL, 2**16), analyze(RESIDUAL), None)


def test_memory_needed_grows_with_the_batch():
    spec = RunSpec(RESIDUAL, "fashion-mini", recipe("published-course", 5_000))
    analysis = analyze(RESIDUAL)
    needed = []
    for batch in (1, 64, 128):
        found = estimate(change(spec, batch_size=batch), analysis, None, 5_000, 2_000)
        step = analysis.training_bytes(batch, momentum=True)
        images = 7_000 * (28 * 28 + 8)  # bytes of pixels, and of an int64 label each
        assert found.memory_bytes == step + images + WORKING_BYTES
        assert found.seconds is None and found.basis == "not measured yet"
        needed.append(found.memory_bytes)
    assert needed == sorted(set(needed))


def test_predicted_time_is_the_sum_of_its_parts():
    spec = RunSpec(RESIDUAL, "fashion-mini", Recipe("fast", 3, 100, 0.1))
    analysis = analyze(RESIDUAL)
    predict = partial(predict_seconds, analysis=analysis, speed=SPEED)
    step = sum(layer_seconds(layer, SPEED, 100, 3.0) for layer in analysis.layers)
    step += analysis.totals.params * SPEED.parameter_seconds
    step += AROUND_LAYERS * SPEED.operation_seconds
    training = predict(spec, train_images=950, test_images=0)
    assert training == pytest.approx(3 * 10 * step)  # ten steps, the last one smaller
    evaluation = predict(spec, train_images=950, test_images=2_000) - training
    assert (
        0
        < evaluation
        == pytest.approx(
            3
            * 2_000
            / 256
            * sum(layer_seconds(layer, SPEED, 256, 1.0) for layer in analysis.layers)
        )
    )
    found = estimate(spec, analysis, SPEED, 950, 2_000)
    assert found.seconds == pytest.approx(training + evaluation)


@pytest.mark.slow
def test_a_layers_time_is_its_macs_over_the_rate_of_its_width():
    analysis = analyze(ModelSpec("vgg11"))
    layers = {layer.path: layer for layer in analysis.layers}
    quiet = replace(SPEED, operation_seconds=0.0, elementwise=math.inf)
    for path, rate in (("block2.conv1", 4e9), ("block5.conv1", 16e9), ("block1.conv1", 1e9)):
        layer = layers[path]  # 64 to 128 channels, 512 to 512, 1 to 64: the narrower side decides
        assert layer_seconds(layer, quiet, 10, 3.0) == pytest.approx(30 * layer.macs / rate)
    linear = layers["dense2.linear"]
    assert layer_seconds(linear, quiet, 10, 1.0) == pytest.approx(10 * 4096**2 / 8e9)


def test_a_long_run_is_offered_shorter_by_as_little_as_does():
    spec = RunSpec(ModelSpec("vgg11", 2, 96), "fashion-mnist", recipe("published-vgg", 60_000))

    def seconds_of(run: RunSpec) -> float | None:
        """As if time went with images and pixels, and nothing could be built below 64 pixels."""
        images = (run.train_images or 60_000) / 60_000
        if run.model.image_size < 64:
            return None
        return 4_000 * images * (run.model.image_size / 96) ** 2 / (run.model.ratio / 2) ** 2

    found = list(shorter_runs(spec, seconds_of, limit=600))
    assert [(words, round(seconds)) for words, _, seconds in found] == [
        ("6,000 images", 400),
        ("ratio 8", 250),
    ]
    assert found[0][1] == replace(spec, train_images=6_000)
    assert found[1][1].model == replace(spec.model, ratio=8)
    assert list(shorter_runs(spec, lambda run: None, limit=600)) == []


def test_a_run_is_never_offered_with_fewer_images_than_a_batch():
    spec = RunSpec(ModelSpec("vgg11", 16, 32), "fashion-mini", recipe("fast", 40, batch_size=16))
    spec = replace(spec, train_images=40)
    assert list(shorter_runs(spec, lambda run: 1_000.0, limit=600)) == []


def test_an_equal_run_tells_the_time_better():
    spec = RunSpec(RESIDUAL, "fashion-mini", Recipe("fast", 3, 100, 0.1))
    found = estimate(spec, analyze(RESIDUAL), SPEED, 5_000, 3_000, measured_rate=500.0)
    assert found.seconds == pytest.approx(3 * (5_000 + 1_000) / 500)
    assert found.basis == "an equal run here"


def test_a_speed_survives_the_store():
    import json

    assert Speed.from_dict(json.loads(json.dumps(asdict(SPEED)))) == SPEED


def test_a_loss_that_fails_only_on_the_test_images_is_named_before_anything_is_saved(monkeypatch):
    import core.training.fit as fit_module

    means = iter(((1.0, 0.5), (math.nan, 0.1)))  # of the training images, then of the test images
    monkeypatch.setattr(fit_module.EpochSums, "means", lambda self: next(means))
    with pytest.raises(LabError, match="no longer a number"):
        list(fit(TINY))

"""What a run will cost before it starts."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from functools import partial

import pytest

from core.analysis import analyze
from core.specs import LabError, ModelSpec, Recipe, RunSpec
from core.training.estimate import (
    AROUND_LAYERS,
    WORKING_BYTES,
    Speed,
    check_feasible,
    estimate,
    largest_batch,
    layer_seconds,
    needed_bytes,
    predict_seconds,
    shorter_runs,
)
from core.training.fit import fit
from core.training.recipes import (
    recipe,
)
from core.training.state import EpochSums
from core.zoo.catalogue import CATALOGUE
from tests.core.training.tiny_training import (
    RESIDUAL,
    SPEED,
    TINY,
    analysis_of,
    change,
)

pytestmark = pytest.mark.usefixtures("one_thread")


def run_of(model: ModelSpec, batch_size: int) -> RunSpec:
    return RunSpec(model, "fashion-mini", Recipe("fast", 1, batch_size, 0.1, momentum=0.9))


def test_images_that_are_resized_once_are_counted_where_there_is_room_for_them():
    """VGG-11/4 on Fashion-MNIST: 70,000 gray images of 224² bytes, beside their originals."""
    model = ModelSpec("vgg11", 4, 224, 1, 10)
    spec = RunSpec(model, "fashion-mnist", recipe("published-vgg", 60_000), device="cuda")
    resized = 70_000 * 224 * 224
    analysis = analysis_of(model)
    roomy, tight = (
        estimate(spec, analysis, None, 60_000, 10_000, free_bytes=free).memory_bytes
        for free in (4 * resized, 4 * resized - 1)
    )
    assert tight == needed_bytes(spec, analysis)
    assert roomy == tight + resized


def test_images_of_the_right_size_are_resized_nowhere():
    spec = run_of(RESIDUAL, 64)
    analysis = analysis_of(RESIDUAL)
    cost = estimate(spec, analysis, None, 5_000, 2_000, free_bytes=2**40)
    assert RESIDUAL.image_size == 28
    assert cost.memory_bytes == needed_bytes(spec, analysis)


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
        check_feasible(run_of(model, largest), analysis, free)
        assert needs(largest) <= free
        assert largest == 2**16 - 1 or needs(largest + 1) > free
    else:
        assert needs(1) > free
    fits = f"a batch of {largest} fits." if largest else "not even a batch of 1 fits"
    for is_elsewhere, words in ((False, "GiB are free"), (True, "no machine offers more than")):
        with pytest.raises(LabError, match=words) as caught:
            check_feasible(
                run_of(model, 2**16), analysis, min(free, needs(2**16) - 1), is_elsewhere
            )
        assert fits in str(caught.value)


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
    check_feasible(run_of(RESIDUAL, 2**16), analyze(RESIDUAL), None)


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


def test_muon_s_time_grows_with_the_kernels_and_not_with_the_batch():
    analysis = analyze(RESIDUAL)
    plain = RunSpec(RESIDUAL, "fashion-mini", Recipe("fast", 1, 100, 0.1))
    predict = partial(
        predict_seconds, analysis=analysis, speed=SPEED, train_images=100, test_images=0
    )
    muon = predict(change(plain, optimizer="muon")) - predict(plain)
    kernels = [(16, 25), (16, 144), (16, 144), (32, 400), (32, 288), (32, 288)]
    macs = sum(2 * short**2 * long + 20 * short**3 for short, long in kernels)
    small = muon - macs / SPEED.linear
    assert small == pytest.approx(6 * 6 * SPEED.operation_seconds)
    larger = change(plain, batch_size=50, optimizer="muon")
    assert predict(larger) - predict(change(plain, batch_size=50)) == pytest.approx(2 * muon)


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

    means = iter(((1.0, 0.5), (math.nan, 0.1)))  # of the training images, then of the test images
    monkeypatch.setattr(EpochSums, "means", lambda self: next(means))
    with pytest.raises(LabError, match="no longer a number"):
        list(fit(TINY))


def test_where_the_recipe_allows_it_and_it_is_faster_time_is_that_of_bfloat16():
    fast, course = (recipe(name, 5_000) for name in ("fast", "published-course"))
    analysis = analyze(RESIDUAL)

    def predicted(allowed: Recipe, bfloat16: tuple[float, ...]) -> float:
        spec, speed = RunSpec(RESIDUAL, "fashion-mini", allowed), replace(SPEED, bfloat16=bfloat16)
        return predict_seconds(spec, analysis, speed, 5_000, 2_000)

    twice = tuple(2 * rate for rate in SPEED.convolution)
    half = tuple(rate / 2 for rate in SPEED.convolution)
    starts = 2 * SPEED.operation_seconds  # numbers are converted first
    as_if = replace(SPEED, convolution=twice, operation_seconds=starts)
    spec = RunSpec(RESIDUAL, "fashion-mini", fast)
    assert predicted(fast, twice) == predict_seconds(spec, analysis, as_if, 5_000, 2_000)
    assert predicted(fast, twice) < predicted(fast, half) == predicted(fast, ())
    assert predicted(course, twice) == predicted(course, ())


def test_a_speed_that_an_older_lab_has_measured_has_none_in_bfloat16():
    values = {name: value for name, value in vars(SPEED).items() if name != "bfloat16"}
    older = Speed.from_dict(values)
    assert older == SPEED and older.bfloat16 == ()
    newer = replace(older, bfloat16=(1.0, 5.0, 3.0))
    assert older.best_of(newer).bfloat16 == newer.best_of(older).bfloat16 == (1.0, 5.0, 3.0)
    assert newer.best_of(replace(newer, bfloat16=(2.0, 4.0, 3.0))).bfloat16 == (2.0, 5.0, 3.0)

"""The published loop is the published one, and both loops can be measured."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import islice

import pytest
import torch

from core.__main__ import main
from core.data.batches import prepare
from core.data.load import load
from core.measure import roofs
from core.measure import throughput as throughput_module
from core.measure.conventional_loop import PilImages, conventional_network, conventional_steps
from core.measure.throughput import lab_steps, measure_throughput
from core.report.sentences.speed import throughput_verdict
from core.specs import LabError, ModelSpec, RunSpec
from core.training.fit import start
from core.training.recipes import recipe

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]

LENET = RunSpec(
    ModelSpec("lenet", image_size=28),
    "fashion-mini",
    recipe("published-course", 400, batch_size=32),
    train_images=400,
)


@pytest.fixture
def short_turns(monkeypatch) -> None:
    monkeypatch.setattr(throughput_module, "TURN_SECONDS", 0.01)
    monkeypatch.setattr(throughput_module, "LOADER_WORKERS", (0,))
    monkeypatch.setattr(roofs, "PEAK_SIDES", {"cpu": 64})
    monkeypatch.setattr("core.training.compute_plan.TRIAL_SECONDS", 0.0)


def test_the_labs_loop_goes_on_after_the_longest_run(monkeypatch):
    """A small set has few steps an epoch, and a measurement may need more than all of them."""
    monkeypatch.setattr(throughput_module, "MAX_EPOCHS", 2)
    few = replace(LENET, train_images=64)
    steps = lab_steps(few, load("fashion-mini").first(64), start(few))
    assert list(islice(steps, 9)) == [32] * 9


@pytest.mark.parametrize(("size", "normalize"), [(28, True), (28, False), (32, True)])
def test_both_loops_see_the_same_images(size, normalize):
    spec = replace(
        LENET,
        model=replace(LENET.model, image_size=size),
        recipe=replace(LENET.recipe, normalize=normalize),
    )
    data = load("fashion-mini").first(20)
    theirs = torch.stack([image for image, _ in islice(PilImages(spec, data), 20)])
    mean, std = (data.info.mean, data.info.std) if normalize else (None, None)
    ours = prepare(data.train_images, (size, size), 1, mean, std)
    gray_level = 1 / 255 / (std or 1)
    assert (ours - theirs).abs().max() <= 1.1 * gray_level  # PIL rounds after each of two passes


def test_both_loops_begin_with_the_same_network():
    theirs, optimizer = conventional_network(LENET)
    ours = start(LENET)
    for name, value in theirs.state_dict().items():
        assert torch.equal(value, ours.network.state_dict()[name])
    kept = ("lr", "momentum", "nesterov", "weight_decay")
    [group] = ours.optimizer.state_dict()["param_groups"]
    assert [optimizer.param_groups[0][k] for k in kept] == [group[k] for k in kept]


def test_the_published_loop_goes_on_epoch_after_epoch():
    data = load("fashion-mini").first(70)
    assert list(islice(conventional_steps(LENET, data, 0), 6)) == [32, 32, 6, 32, 32, 6]


@pytest.mark.slow
def test_rates_of_both_loops_are_measured(short_turns):
    *_, before, last = measure_throughput(LENET, [16, 32], ["cpu"], rounds=2)
    assert (before.share, last.share) == (0.5, 1.0)
    assert [(p.loop, p.batch_size) for p in last.points] == [
        ("lab", 16),
        ("conventional", 16),
        ("lab", 32),
        ("conventional", 32),
    ]
    for point in last.points:
        assert 0 < point.slowest <= point.images_per_second <= point.fastest
        assert point.flops_per_second > 0
    assert last.points[0].step_images_per_second >= last.points[0].slowest
    assert last.peaks["cpu"] > 0 and throughput_verdict(last)


@pytest.mark.parametrize(
    ("batches", "words"), [([401], "batch of 401 is larger"), ([], "at least one batch size")]
)
def test_what_cannot_be_measured_is_one_sentence(short_turns, batches, words):
    with pytest.raises(LabError, match=words):
        next(measure_throughput(LENET, batches, ["cpu"]))


def test_bench_writes_what_it_measured(short_turns, capsys):
    command = ["bench", "lenet", "--train-images", "100", "--batch-sizes", "16", "--rounds", "1"]
    assert main([*command, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [point["loop"] for point in found["points"]] == ["lab", "conventional"]
    assert main(command) == 0
    assert "images_per_second" in capsys.readouterr().out

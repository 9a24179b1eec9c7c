"""How a run is computed: the trial that chooses, and what may be chosen."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from core.specs import LabError, ModelSpec, RunSpec
from core.training import compute_plan as execution_module
from core.training.compute_plan import (
    TRIAL_STEPS,
    candidates,
    choose_compute_plan,
    compute_plan_key,
    fingerprint,
    memory_format,
    pool_before_relu,
)
from core.training.fit import fit, start
from core.training.recipes import recipe
from core.training.records import ComputePlan
from core.zoo.building import build
from core.zoo.catalogue import complete

pytestmark = pytest.mark.slow

LENET = RunSpec(ModelSpec("lenet", image_size=28), "fashion-mini", recipe("fast", 5_000))
THIN = RunSpec(ModelSpec("resnet18", 16, 32), "fashion-mini", recipe("fast", 5_000))
CPU = torch.device("cpu")


@pytest.fixture
def four_threads(monkeypatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: True)


def trial_that_takes(monkeypatch, seconds: dict[ComputePlan, float]) -> list[ComputePlan]:
    """A trial in which each way takes so long, and those that were tried."""
    tried: list[ComputePlan] = []

    def step(spec, network, way, images, labels) -> float:
        tried.append(way)
        return seconds[way]

    monkeypatch.setattr(execution_module, "TRIAL_SECONDS", 0.0)
    monkeypatch.setattr(execution_module, "trial_step", step)
    return tried


WAYS = [ComputePlan(count, layout) for count in (4, 2, 1) for layout in (True, False)]
DIVIDED = [ComputePlan(count, True, replicas=count) for count in (4, 2)]
ONE_BY_ONE = [ComputePlan(count, True, bfloat16=True) for count in (4, 2, 1)]
IN_BFLOAT16 = ONE_BY_ONE + [replace(plan, bfloat16=True) for plan in DIVIDED]
ALL = WAYS + DIVIDED + IN_BFLOAT16


def test_fewer_threads_and_both_memory_formats_are_candidates(four_threads):
    assert candidates(build(LENET.model), CPU) == WAYS


@pytest.mark.parametrize(("most", "counts"), [(16, [4, 2]), (3, [3, 2]), (2, [2]), (1, [])])
def test_a_batch_is_divided_by_no_more_than_cores_and_images_allow(four_threads, most, counts):
    found = candidates(build(LENET.model), CPU, most_replicas=most)
    divided = [ComputePlan(count, True, replicas=count) for count in counts]
    assert found == WAYS + divided
    assert {plan.threads_of_an_operation for plan in divided} <= {1}


def test_replicas_have_no_more_gradients_than_a_run_is_told_to_need(four_threads, monkeypatch):
    images = torch.rand((64, 1, 28, 28))
    assert execution_module._most_replicas(build(LENET.model), images) == 8
    gradients = 4 * sum(one.numel() for one in build(LENET.model).parameters())
    monkeypatch.setattr(execution_module, "_GRADIENTS_OF_REPLICAS", 2 * gradients)
    assert execution_module._most_replicas(build(LENET.model), images) == 3
    monkeypatch.setattr(execution_module, "_GRADIENTS_OF_REPLICAS", gradients - 1)
    assert execution_module._most_replicas(build(LENET.model), images) == 1


@pytest.mark.parametrize("is_there", [True, False])
def test_bfloat16_is_a_candidate_where_the_recipe_and_the_processor_have_it(
    four_threads, monkeypatch, is_there
):
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: is_there)
    network = build(LENET.model)
    found = candidates(network, CPU, bfloat16=True)
    assert found == WAYS + (ONE_BY_ONE if is_there else [])
    assert not any(way.bfloat16 for way in candidates(network, torch.device("cuda"), True))


def test_on_an_accelerator_both_memory_formats_are_candidates(four_threads):
    found = candidates(build(LENET.model), torch.device("cuda"), bfloat16=True, most_replicas=4)
    assert found == [ComputePlan(4, layout, captured=True) for layout in (True, False)]


@pytest.mark.parametrize("name", ["fast", "published-course"])
def test_only_a_recipe_that_allows_it_computes_in_bfloat16(name):
    plan = ComputePlan(1, True, bfloat16=True)
    spec = replace(LENET, recipe=recipe(name, 64, epochs=1), train_images=64)
    assert start(spec, plan).bfloat16 == (name == "fast")
    assert not start(spec, ComputePlan(1, True)).bfloat16  # as in older labs


def test_in_bfloat16_a_run_computes_the_same_bits_again_and_nearly_those_of_float32():
    spec = replace(LENET, recipe=recipe("fast", 64, epochs=1, batch_size=16), train_images=64)

    def losses(bfloat16: bool) -> tuple[float, ...]:
        *_, last = fit(spec, training=start(spec, ComputePlan(1, True, bfloat16=bfloat16)))
        return last.train_loss, last.test_loss

    again = losses(True)
    assert again == losses(True)
    assert again != losses(False) and again == pytest.approx(losses(False), rel=0.02)


def test_a_network_that_breaks_with_channels_last_is_not_tried_with_it(four_threads):
    network = build(THIN.model)
    assert {way.channels_last for way in candidates(network, CPU)} == {False}
    assert memory_format(network) is torch.contiguous_format


@pytest.mark.parametrize("fastest", ALL)
def test_the_fastest_way_is_chosen(four_threads, monkeypatch, fastest):
    tried = trial_that_takes(monkeypatch, {way: 0.1 + 0.1 * (way != fastest) for way in ALL})
    assert choose_compute_plan(LENET, TRIAL_STEPS) == fastest
    assert all(tried.count(way) >= 3 for way in ALL)


@pytest.mark.parametrize("plan", ALL)
def test_a_run_goes_on_as_the_store_has_kept_its_plan(plan):
    assert ComputePlan.from_dict(json.loads(json.dumps(vars(plan)))) == plan
    assert ComputePlan.from_dict({"threads": 4, "channels_last": 1}) == WAYS[0]  # by an older lab


@pytest.mark.parametrize("bfloat16", [True, False])
def test_of_one_number_format_the_fastest_is_chosen(four_threads, monkeypatch, bfloat16):
    fastest = IN_BFLOAT16[-1] if bfloat16 else WAYS[-1]
    seconds = {way: 0.1 * (way != fastest) + 0.1 * (way.bfloat16 == bfloat16) for way in ALL}
    tried = trial_that_takes(monkeypatch, seconds)
    assert choose_compute_plan(LENET, TRIAL_STEPS, bfloat16) == fastest
    assert {way.bfloat16 for way in tried} == {bfloat16}


def test_a_format_that_a_device_does_not_have_is_not_waited_for(four_threads, monkeypatch):
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: False)
    trial_that_takes(monkeypatch, dict.fromkeys(ALL, 0.1))
    assert choose_compute_plan(LENET, TRIAL_STEPS, bfloat16=True) == WAYS[0]


def test_what_is_hardly_faster_may_be_noise(four_threads, monkeypatch):
    trial_that_takes(monkeypatch, {way: 0.2 - 0.008 * (way != WAYS[0]) for way in ALL})
    assert choose_compute_plan(LENET, TRIAL_STEPS) == WAYS[0]


def test_where_a_step_takes_long_only_bfloat16_is_tried(four_threads, monkeypatch):
    seconds = dict.fromkeys(WAYS, 3.0) | dict.fromkeys(IN_BFLOAT16, 2.0) | {WAYS[1]: 0.1}
    tried = trial_that_takes(monkeypatch, seconds)
    assert choose_compute_plan(LENET, TRIAL_STEPS) == IN_BFLOAT16[0]
    assert set(tried) == {WAYS[0], IN_BFLOAT16[0]}


def test_a_short_run_is_not_worth_a_trial(four_threads, monkeypatch):
    tried = trial_that_takes(monkeypatch, {})
    assert choose_compute_plan(LENET, TRIAL_STEPS - 1) == WAYS[0] and tried == []


def test_a_real_trial_leaves_threads_and_random_numbers_as_they_were(monkeypatch):
    monkeypatch.setattr(execution_module, "TRIAL_SECONDS", 0.0)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    ways = candidates(build(LENET.model), CPU, LENET.recipe.bfloat16, most_replicas=2)
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    assert choose_compute_plan(LENET, TRIAL_STEPS) in ways
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)


def test_a_trial_on_a_device_that_is_not_here_is_one_sentence():
    with pytest.raises(LabError, match="no device 'npu'"):
        choose_compute_plan(replace(LENET, device="npu"), TRIAL_STEPS)


def test_a_trial_is_known_by_what_decides_it(monkeypatch):
    monkeypatch.setattr(
        execution_module, "describe", lambda device: f"a {device}"
    )  # also without one
    other = (
        replace(LENET, model=replace(LENET.model, ratio=2)),
        replace(LENET, recipe=replace(LENET.recipe, batch_size=7)),
        replace(LENET, device="cuda"),
    )
    names = {compute_plan_key(spec) for spec in (LENET, *other)}
    assert len(names) == 4 and all(len(name) <= 200 for name in names)
    assert compute_plan_key(replace(LENET, seed=9)) == compute_plan_key(LENET)
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert compute_plan_key(LENET) not in names
    assert len({compute_plan_key(LENET, wanted) for wanted in (None, True, False)}) == 3


def test_a_fingerprint_does_not_depend_on_the_threads(monkeypatch):
    before = fingerprint("cpu")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert fingerprint("cpu") == before and torch.__version__ in before


def test_a_way_to_compute_changes_only_the_last_digits():
    images = torch.rand(4, 1, 28, 28)
    torch.manual_seed(0)
    network = build(LENET.model)
    plain = network(images)
    assert isinstance(network, nn.Module)
    network.to(memory_format=memory_format(network))
    torch.testing.assert_close(network(images), plain)


@pytest.mark.parametrize(
    "model",
    [
        ModelSpec("course-residual"),
        ModelSpec("vgg11", 16, 32),
        ModelSpec("alexnet", 8, 67),
        ModelSpec("resnet18", 8, 32),
    ],
    ids=lambda model: model.arch,
)
def test_pooling_before_relu_changes_no_bit_of_values_and_gradients(model):
    model = complete(model)
    torch.manual_seed(0)
    published = build(model).eval()  # no dropout
    faster = pool_before_relu(deepcopy(published))
    assert str(faster) != str(published)
    images = torch.randn(4, model.in_channels, model.image_size, model.image_size)
    labels = torch.arange(4)
    logits = [network(images) for network in (published, faster)]
    for one in logits:
        F.cross_entropy(one, labels).backward()
    assert torch.equal(*logits)
    pairs = zip(published.named_parameters(), faster.named_parameters(), strict=True)
    for (name, one), (same_name, other) in pairs:
        assert name == same_name and torch.equal(one.grad, other.grad)


def test_pooling_before_relu_leaves_everything_else_in_its_place():
    layers = [nn.Conv2d(1, 1, 1), nn.Sigmoid(), nn.MaxPool2d(2), nn.ReLU(), nn.AvgPool2d(2)]
    assert list(pool_before_relu(nn.Sequential(*layers))) == layers
    swapped = pool_before_relu(nn.Sequential(nn.ReLU(), nn.MaxPool2d(2)))
    assert [type(layer) for layer in swapped] == [nn.MaxPool2d, nn.ReLU]

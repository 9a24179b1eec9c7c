"""A batch in parts at once: the gradients of the whole, the same bits again, and for whom it is."""

from __future__ import annotations

import threading
from functools import partial

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from core.data.load import load
from core.measure.predict import predict
from core.specs import ModelSpec, RunSpec
from core.training.compute_plan import pool_before_relu
from core.training.fit import fit, start
from core.training.passes import DividedPasses, Losses, can_be_divided
from core.training.recipes import recipe
from core.training.records import ComputePlan, EpochMetrics, Progress
from core.zoo.building import build
from core.zoo.catalogue import complete

RUN = RunSpec(
    complete(ModelSpec("course-residual", image_size=28)),
    "fashion-mini",
    recipe("fast", 100, epochs=2, batch_size=32),
    train_images=100,  # the last batch has 4
)
WHOLE, PARTS = ComputePlan(1, True), ComputePlan(2, True, replicas=2)


def losses_of(network: nn.Module, images: Tensor, labels: Tensor) -> Losses:
    logits = network(images)
    return Losses(
        logits,
        F.cross_entropy(logits, labels),
        F.cross_entropy(logits, labels, label_smoothing=0.1),
    )


def batch(count: int) -> tuple[Tensor, Tensor]:
    """Images (count, 1, 28, 28) in double precision, and labels (count,)."""
    drawn = torch.Generator().manual_seed(count)
    images = torch.rand((count, 1, 28, 28), generator=drawn, dtype=torch.float64)
    return images, torch.randint(10, (count,), generator=drawn)


def network_of(name: str) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return pool_before_relu(build(complete(ModelSpec(name, image_size=28)))).double()


@pytest.mark.parametrize("name", ["lenet", "course-residual", "course-inception"])
@pytest.mark.parametrize(("count", "images"), [(2, 8), (2, 7), (3, 8), (4, 5), (4, 1)])
def test_parts_have_the_losses_and_gradients_of_the_whole(name, count, images):
    network = network_of(name)
    whole = losses_of(network, *batch(images))
    whole.wanted.backward()
    expected = [parameter.grad for parameter in network.parameters()]
    network.zero_grad()
    in_parts = DividedPasses(network, count)
    for _again in range(2):  # nothing is left of the step before
        network.zero_grad()
        found = in_parts.backward(losses_of, *batch(images))
    for one, other in zip(vars(found).values(), vars(whole).values(), strict=True):
        torch.testing.assert_close(one, other.detach())
    for parameter, gradient in zip(network.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient)


def test_all_parts_see_what_the_optimizer_has_moved():
    network = network_of("lenet")
    in_parts = DividedPasses(network, 2)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(0.5)
    images, labels = batch(8)
    found = in_parts.backward(losses_of, images, labels)
    torch.testing.assert_close(found.logits, network(images).detach())
    network.load_state_dict(network_of("lenet").state_dict())
    torch.testing.assert_close(
        in_parts.logits(lambda one, part: one(part), images), network(images)
    )


def test_parts_are_trained_and_tested_as_the_network_is():
    network = network_of("lenet")
    in_parts = DividedPasses(network, 3)
    for is_training in (False, True):
        network.train(is_training)
        modes = in_parts.logits(lambda one, _: torch.tensor([one.training]), batch(6)[0])
        assert modes.tolist() == [is_training] * 3


def test_what_one_part_cannot_do_stops_the_step():
    network = network_of("lenet")

    def fails(one: nn.Module, images: Tensor) -> Tensor:
        if one is not network:
            raise RuntimeError("no memory")
        return images

    with pytest.raises(RuntimeError, match="no memory"):
        DividedPasses(network, 2).logits(fails, batch(4)[0])


def curves(plan: ComputePlan) -> list[tuple[float, ...]]:
    return [
        (event.train_loss, event.train_accuracy, event.test_loss, event.test_accuracy)
        for event in fit(RUN, training=start(RUN, plan))
        if isinstance(event, EpochMetrics)
    ]


def test_a_run_in_parts_computes_the_same_bits_again_and_those_of_the_whole_but_for_rounding():
    in_parts = curves(PARTS)
    assert in_parts == curves(PARTS)
    for one, other in zip(in_parts, curves(WHOLE), strict=True):
        assert one == pytest.approx(other, abs=1e-3)


def test_a_run_that_goes_on_in_the_middle_of_an_epoch_computes_the_same_bits():
    begun = start(RUN, PARTS)
    events = fit(RUN, training=begun)
    while not (isinstance(event := next(events), Progress) and event.step == 2):
        pass
    events.close()
    continued = start(RUN, PARTS)
    continued.restore(begun.state())
    *_, last = fit(RUN, training=continued)
    assert (last.train_loss, last.test_loss) == (curves(PARTS)[-1][0], curves(PARTS)[-1][2])


def test_predictions_come_out_as_the_run_was_tested(tmp_path):
    training = start(RUN, PARTS)
    *_, last = fit(RUN, training=training)
    saved = tmp_path / "parameters.safetensors"
    save_file(
        {name: one.contiguous() for name, one in training.network.state_dict().items()}, saved
    )
    probabilities = torch.from_numpy(predict(RUN, saved, PARTS))
    assert torch.equal(probabilities, torch.from_numpy(predict(RUN, saved, PARTS)))
    right = (probabilities.argmax(1) == load(RUN.dataset).test_labels).double().mean().item()
    assert right == pytest.approx(last.test_accuracy, abs=1e-9)


@pytest.mark.parametrize("replicas", [1, 2])
def test_in_bfloat16_too_losses_are_summed_in_float32(tmp_path, replicas):
    plan = ComputePlan(replicas, True, bfloat16=True, replicas=replicas)
    training = start(RUN, plan)
    *_, last = fit(RUN, training=training)
    saved = tmp_path / "parameters.safetensors"
    save_file(
        {name: one.contiguous() for name, one in training.network.state_dict().items()}, saved
    )
    probabilities = torch.from_numpy(predict(RUN, saved, plan)).double()
    losses = -probabilities.log()[range(len(probabilities)), load(RUN.dataset).test_labels]
    assert last.test_loss == pytest.approx(losses.mean().item(), rel=1e-5)


class Gated(nn.Module):
    """Dark and bright images take another layer each."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(784, 10).double() for _ in range(2))

    def forward(self, images: Tensor) -> Tensor:
        bright = images.mean((1, 2, 3)) > 0.5
        logits = images.new_zeros(len(images), 10)
        for layer, chosen in zip(self.layers, (~bright, bright), strict=True):
            if chosen.any():
                logits[chosen] = layer(images[chosen].flatten(1))
        return logits


def test_a_parameter_that_only_one_part_uses_gets_its_gradient_and_keeps_none_for_later():
    images, labels = batch(8)
    images[:4] *= 0.1  # the first part is dark, the second bright
    images[4:] += 1
    network = Gated()
    losses_of(network, images, labels).wanted.backward()
    expected = [parameter.grad for parameter in network.parameters()]
    in_parts = DividedPasses(network, 2)
    for _again in range(2):
        network.zero_grad()
        in_parts.backward(losses_of, images, labels)
        for parameter, gradient in zip(network.parameters(), expected, strict=True):
            torch.testing.assert_close(parameter.grad, gradient)


class Own(nn.Module):
    """What its forward pass does beside its layers, nobody knows."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(784, 10)

    def forward(self, images: Tensor) -> Tensor:
        return self.linear(images.flatten(1))


def plain() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, 8, 3), nn.GroupNorm(2, 8), nn.ReLU(), nn.Flatten())


def listened_to() -> nn.Module:
    network = plain()
    network[0].register_forward_hook(lambda *_: None)
    return network


def masked() -> nn.Module:
    network = plain()
    network[0].weight.register_hook(lambda gradient: 0 * gradient)
    return network


def noted() -> nn.Module:
    network = plain()
    network[0].weight.register_post_accumulate_grad_hook(lambda parameter: None)
    return network


def made_anew() -> nn.Module:
    network = plain()
    nn.utils.parametrizations.weight_norm(network[0])
    return network


def replaced() -> nn.Module:
    network = plain()
    network.forward = lambda images: images.flatten(1)
    return network


def locked() -> nn.Module:
    network = plain()
    network.lock = threading.Lock()
    return network


def counting() -> nn.Module:
    network = plain()
    network.register_buffer("seen", torch.zeros(()))
    return network


@pytest.mark.parametrize(
    "make", [plain, *(partial(network_of, f"course-{name}") for name in ("residual", "inception"))]
)
def test_layers_that_treat_each_image_alone_are_divided(make):
    assert can_be_divided(make())


@pytest.mark.parametrize(
    "make",
    [
        *(Own, Gated, listened_to, masked, noted, made_anew, replaced, locked, counting),
        lambda: build(complete(ModelSpec("alexnet", 16, 96))),  # dropout
        lambda: build(complete(ModelSpec("resnet18", 16, 32))),  # BatchNorm
        lambda: nn.Sequential(nn.Flatten(0), nn.Unflatten(0, (-1, 784))),
        lambda: nn.Sequential(nn.Conv2d(1, 8, 3), nn.Softmax(0)),
        lambda: nn.Sequential(nn.Conv2d(1, 8, 3), nn.RReLU()),
    ],
)
def test_what_may_do_anything_else_gets_whole_batches(make):
    assert not can_be_divided(make())

"""What a network under training makes of eight images; its training goes on to the same bits.

The pass runs in evaluation, without gradients, in float32, and gives back every generator as it
was. Hooks are there only while it runs, so that captured steps never meet them.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from math import gcd
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from core.analysis.chance import unmoved
from core.data.batches import prepare
from core.data.load import Dataset
from core.specs import RunSpec
from core.training.trail_records import BINS, IMAGES, MapPlan, Moment, TrailPlan

_MOST_WEIGHTS = 20_000  # of a layer that its histogram is made of


@dataclass(frozen=True, eq=False)
class TrailImages:
    """The first test image of each of the first eight classes."""

    indices: tuple[int, ...]  # in the test set
    labels: tuple[int, ...]
    pixels: Tensor  # float32 (images, in_channels, *sides) as the network reads them

    @classmethod
    def of(cls, spec: RunSpec, data: Dataset, device: torch.device) -> TrailImages:
        """The same for every run on a data set."""
        labels = data.test_labels.cpu()
        classes = labels.unique().tolist()[:IMAGES]
        firsts = [int((labels == label).nonzero()[0]) for label in classes]
        model, info = spec.model, data.info
        mean, std = (info.mean, info.std) if spec.recipe.normalize else (None, None)
        cut = data.test_images[firsts].to(device)
        pixels = prepare(cut, model.sides, model.in_channels, mean, std)
        return cls(tuple(firsts), tuple(classes), pixels)


def what_there_is(plan: TrailPlan, network: nn.Module, images: Tensor) -> TrailPlan:
    """The plan without what this network does not give: operations that are no module's, outputs
    that are no maps, weights that are no tensors.
    """
    modules = dict(network.named_modules())
    plan = replace(
        plan,
        maps=tuple(one for one in plan.maps if one.path in modules),
        layers=tuple(path for path in plan.layers if _has_weight(modules.get(path))),
    )
    outputs, _ = _pass(network, plan, images)
    return replace(
        plan,
        maps=tuple(one for one in plan.maps if one.path in outputs),
        kernels_of=plan.kernels_of if _has_weight(modules.get(plan.kernels_of)) else "",
    )


def _has_weight(module: nn.Module | None) -> bool:
    weight = getattr(module, "weight", None)
    return isinstance(weight, Tensor) and weight.is_floating_point()


def _weight(network: nn.Module, path: str) -> Tensor:
    weight = network.get_submodule(path).weight
    assert isinstance(weight, Tensor)
    return weight.detach()


def moment_of(network: nn.Module, plan: TrailPlan, images: Tensor, epoch: int) -> Moment:
    """What is kept of the network as it is now, after `epoch` epochs."""
    outputs, scores = _pass(network, plan, images)
    maps, ranges = [], np.zeros((len(plan.maps), 2), np.float32)
    for index, one in enumerate(plan.maps):
        values, ranges[index] = _as_bytes(outputs[one.path])
        maps.append(values)
    rows = [_histogram(_weight(network, path)) for path in plan.layers]
    return Moment(
        epoch=epoch,
        probabilities=_probabilities(scores, plan.classes),
        maps=tuple(maps),
        ranges=ranges,
        histograms=np.array([shares for shares, _ in rows], np.float32).reshape(-1, BINS),
        weights=np.array([stats for _, stats in rows], np.float32).reshape(-1, 4),
        kernels=_kernels(network, plan),
    )


def parameters_of(network: nn.Module) -> dict[str, NDArray[np.float16]]:
    """All parameters by their names."""
    return {
        name: parameter.detach().to("cpu", torch.float16).numpy()
        for name, parameter in network.named_parameters()
    }


def _pass(network: nn.Module, plan: TrailPlan, images: Tensor) -> tuple[dict[str, Tensor], Any]:
    """The planned maps by path, each float32 (images, channels, *sides); what the network gives."""
    outputs: dict[str, Tensor] = {}
    was_training = network.training
    with ExitStack() as stack:
        stack.enter_context(unmoved())  # generators of devices are seeded before each step
        stack.enter_context(torch.no_grad())
        for one in plan.maps:
            handle = network.get_submodule(one.path).register_forward_hook(_keep(one, outputs))
            stack.callback(handle.remove)
        network.eval()
        stack.callback(network.train, was_training)
        scores = network(images)
    return outputs, scores


def _keep(one: MapPlan, outputs: dict[str, Tensor]) -> Callable[[nn.Module, Any, Any], None]:
    """A hook that keeps the channels of a map at once, before anything writes over them."""

    def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
        shape = (one.of_channels, *one.full_sides)
        if not isinstance(output, Tensor) or output.shape[1:] != shape:
            return
        if one.is_last or one.path not in outputs:  # of a module that is called again
            channels = output[:, list(one.channels)].float()
            outputs[one.path] = F.adaptive_avg_pool2d(channels, one.sides)

    return hook


def _as_bytes(values: Tensor) -> tuple[NDArray[np.uint8], tuple[float, float]]:
    """The values on a scale of 0 to 255, and what these ends stand for."""
    array = values.cpu().numpy()
    low, high = float(array.min()), float(array.max())
    scaled = (array - low) * (255 / (high - low) if high > low else 0.0)
    return scaled.round().astype(np.uint8), (low, high)


def _probabilities(scores: Any, classes: int) -> NDArray[np.float32] | None:
    """(images, classes); None where the network gives no scores, or for too many classes."""
    if not isinstance(scores, Tensor) or scores.dim() != 2 or scores.shape[1] != classes:
        return None
    found: NDArray[np.float32] = scores.float().softmax(1).cpu().numpy()
    return found


def _histogram(weight: Tensor) -> tuple[NDArray[np.float64], tuple[float, ...]]:
    """Shares of the weights in BINS bins from the lowest to the highest; these, mean and deviation.

    Of a large layer every n-th weight, for an n that meets all places of its kernels alike.
    """
    weights = weight.reshape(-1)
    step = max(1, len(weights) // _MOST_WEIGHTS)
    while gcd(step, len(weights)) > 1:
        step += 1
    sample = weights[::step].cpu().float().numpy()
    low, high = float(sample.min()), float(sample.max())
    counts, _ = np.histogram(sample, BINS, (low, high))
    return counts / len(sample), (low, high, float(sample.mean()), float(sample.std()))


def _kernels(network: nn.Module, plan: TrailPlan) -> NDArray[np.float16] | None:
    """(kernels, in, H, W) of the first convolution."""
    if not plan.kernels_of:
        return None
    weight = _weight(network, plan.kernels_of)[: plan.kernels]
    found: NDArray[np.float16] = weight.to("cpu", torch.float16).numpy()
    return found

"""Which places of an image speak for a class: Grad-CAM, occlusion, integrated gradients.

Occlusion (Zeiler & Fergus 2013, arXiv 1311.2901, section 4.2) and integrated gradients
(Sundararajan et al. 2017, arXiv 1703.01365) are Captum's. Its Grad-CAM (Selvaraju et al. 2016,
arXiv 1610.02391, section 3) needs a module for the map, and many maps of the analysis are results
of a function, such as the ReLU at the end of a residual block: here it takes any row, and the tests
hold it to Captum's.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cached_property
from math import isfinite
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge, get_gradient_edge
from torch.nn import functional

from core.analysis.kept import analyze_once
from core.analysis.records import Analysis
from core.analysis.tensors import storage_key, tensors_in
from core.inside.attribution_records import (
    Attribution,
    Finding,
    Map,
    Method,
    Question,
    default_layer,
    finding_of,
    integration_steps,
    layers_down_to,
    occlusion_grid,
)
from core.inside.one_image import Recorder, check_size, network_of, read, scores_in
from core.inside.weights import Weights
from core.language import lazy
from core.specs import LabError

_BATCH, _BATCH_BYTES = 32, 2**28  # images at once, and of their maps
_NO_SCORES = lazy(
    "This network gives no scores of classes, so there is no class to speak for; choose one that"
    " ends in (images, classes)."
)


@dataclass(frozen=True, eq=False)
class _Case:
    """A question with all that answers it."""

    weights: Weights
    question: Question
    analysis: Analysis
    network: nn.Module  # shared with others: never changed
    image: Tensor  # (1, C, H, W) as the network reads it

    def explain(self, images: Tensor) -> Tensor:
        """(N,): the score that is explained; networks may write over what they are given."""
        return self.score_in(self.network(images.clone()))

    def score_in(self, result: Any) -> Tensor:
        """(N,): the class's score in what the network gives, less that of the class `against`."""
        output = scores_in(result, fewest=1)
        if output is None:
            raise LabError(_NO_SCORES)
        classes, question = output.shape[1], self.question
        if not all(0 <= index < classes for index in (question.target, question.against or 0)):
            raise LabError(
                "This network has the classes 0 to {last}; choose one of these.", last=classes - 1
            )
        score = output[:, question.target]
        return score if question.against is None else score - output[:, question.against]

    @cached_property
    def score(self) -> float:
        """Of the image."""
        with torch.no_grad():
            return float(self.explain(self.image))

    @property
    def baseline(self) -> Tensor:
        """An image of one gray value, as the network reads it."""
        value, weights = self.question.baseline, self.weights
        if weights.mean is not None and weights.std is not None:
            value = (value - weights.mean) / weights.std
        return torch.full_like(self.image, value)

    @property
    def batch_size(self) -> int:
        """Images that the network reads at once."""
        bytes_each = max(1, self.analysis.totals.output_bytes)
        return max(1, min(_BATCH, _BATCH_BYTES // bytes_each))

    def without_map(self, why: Finding) -> Attribution:
        """The answer where there is nothing to show."""
        nothing = np.zeros(self.image.shape[2:], np.float32)
        return Attribution(self.question, nothing, nothing, why, self.score)


def attribution(weights: Weights, pixels: NDArray[np.uint8], question: Question) -> Attribution:
    """How much each place of the image speaks for the class.

    `pixels`: uint8 (H, W) or (C, H, W). The network stays as it is. Raises LabError for a class or
    a layer that it does not have, and as `see`.
    """
    check_size(weights)
    analysis = analyze_once(weights.spec)
    case = _Case(
        weights,
        question,
        analysis,
        _network(weights, question, analysis),
        read(weights, pixels).contiguous(),
    )
    methods = {
        Method.GRAD_CAM: _grad_cam,
        Method.OCCLUSION: _occlusion,
        Method.INTEGRATED: _integrated,
    }
    found = methods[question.method](case)
    if all(map(isfinite, (found.score, found.baseline_score or 0.0))):
        return found
    return replace(found, finding=Finding.NOT_FINITE)  # its gradients may be numbers all the same


# Networks with random weights --------------------------------------------------------------------


def _network(weights: Weights, question: Question, analysis: Analysis) -> nn.Module:
    """With the learned weights, or with random ones (Adebayo et al. 2018, arXiv 1810.03292)."""
    if question.random_seed is None:
        return network_of(weights)
    drawn = network_of(replace(weights.as_initialized, seed=question.random_seed))
    if not question.random_down_to:
        return drawn
    mixed = deepcopy(network_of(weights))
    for path in layers_down_to(analysis, question.random_down_to):
        mixed.get_submodule(path).load_state_dict(drawn.get_submodule(path).state_dict())
    return mixed


# The methods -------------------------------------------------------------------------------------


class _MapRecorder(Recorder):
    """Finds where in autograd's graph a row's result stands, before others write over it."""

    def __init__(self, network: nn.Module, path: str) -> None:
        super().__init__(network)
        self.path = path
        self.result: Tensor | None = None  # of the row, whose place is not known yet
        self.place: GradientEdge | None = None

    def note_place(self) -> None:
        """Autograd places the result of an operation after the operation has returned."""
        if self.result is not None and self.result.requires_grad:
            self.place = get_gradient_edge(self.result)
        self.result = None

    def open_leaf(self, name: str, module: nn.Module, inputs: list[Tensor]) -> None:
        """What comes may write over the result."""
        self.note_place()
        super().open_leaf(name, module, inputs)

    def close_leaf(self, module: nn.Module, outputs: list[Tensor]) -> None:
        """A module's result has its place already."""
        is_new = self.path not in self.steps
        super().close_leaf(module, outputs)
        if is_new and self.path in self.steps:
            self.result = outputs[0]
            self.note_place()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """An operation's result has its place once the next one begins."""
        self.note_place()
        is_new = self.path not in self.steps
        result = super().__torch_dispatch__(func, types, args, kwargs)
        if is_new and self.path in self.steps:
            self.result = tensors_in(result)[0]
        return result


def _grad_cam(case: _Case) -> Attribution:
    """Channels weighted by their mean gradient, added up, ReLU (equations 1 and 2)."""
    path = case.question.layer or default_layer(case.analysis)
    if not path:
        return case.without_map(Finding.NO_MAP)
    recorder = _MapRecorder(case.network, path)
    given = case.image.clone().requires_grad_().clone()  # no leaf: networks may write over it
    recorder.of_image[storage_key(given)] = given
    with torch.enable_grad():
        with recorder.watching():
            result = case.network(given)
        explained = case.score_in(result).sum()
    recorder.note_place()
    if path not in recorder.steps or recorder.steps[path].output.dim() != 4:
        raise LabError(
            "{path} is no map (N, C, H, W) of this network; choose one of its maps.",
            path=repr(path),
        )
    maps = recorder.steps[path].output[0]  # (C, h, w)
    gradient = _gradient(explained, recorder.place)
    if gradient is None:
        return case.without_map(Finding.NO_GRADIENT)
    summed = (gradient[0].mean((1, 2), keepdim=True) * maps).sum(0)  # (h, w)
    cells = summed.relu()  # what is no number stays none
    return Attribution(
        case.question,
        _enlarged(cells, case.image),
        cells.numpy(),
        _map_finding(maps, summed, cells),
        float(explained.detach()),
        layer=path,
        channels=len(maps),
        before_relu=(float(summed.min()), float(summed.max())),
    )


def _gradient(explained: Tensor, place: GradientEdge | None) -> Tensor | None:
    """Of the score with respect to what stands there; None where it does not depend on it."""
    if place is None or not explained.requires_grad:
        return None
    (gradient,) = torch.autograd.grad(explained, [place], allow_unused=True)
    return gradient


def _map_finding(maps: Tensor, summed: Tensor, cells: Tensor) -> Finding:
    """Why Grad-CAM's map says nothing, the cause that lies deepest first."""
    if not summed.isfinite().all():
        return Finding.NOT_FINITE
    if cells.numel() == 1:
        return Finding.ONE_CELL
    if not maps.any():
        return Finding.DEAD_MAP
    if summed.any() and not cells.any():
        return Finding.NOTHING_FOR
    return finding_of(cells.numpy())


def _enlarged(cells: Tensor, image: Tensor) -> Map:
    """(h, w) at the size of the image, with straight lines between the cells' centers."""
    sides = image.shape[2:]
    large: Map = functional.interpolate(cells[None, None], sides, mode="bilinear")[0, 0].numpy()
    return large


def _occlusion(case: _Case) -> Attribution:
    """By how much the score falls where a window is covered, averaged over the windows there."""
    from captum.attr import Occlusion  # brings matplotlib: seconds, at the first use

    grid = occlusion_grid(case.weights.spec.sides, case.analysis.totals.macs)
    channels = case.image.shape[1]
    with torch.no_grad():
        found = Occlusion(case.explain).attribute(
            case.image,
            sliding_window_shapes=(channels, *grid.window),
            strides=(channels, *grid.stride),
            baselines=case.baseline,
            perturbations_per_eval=case.batch_size,
        )
    values = found[0, 0].float().numpy()  # a window covers all channels: each holds the same
    return Attribution(case.question, values, values, finding_of(values), case.score, grid=grid)


def _integrated(case: _Case) -> Attribution:
    """Gradients added up along the straight way from the baseline to the image; of all channels."""
    from captum.attr import IntegratedGradients

    steps = integration_steps(case.analysis.totals.macs)
    with torch.enable_grad():
        if not case.explain(case.image.clone().requires_grad_()).requires_grad:
            return case.without_map(Finding.NO_GRADIENT)
        found = IntegratedGradients(case.explain).attribute(
            case.image,
            baselines=case.baseline,
            n_steps=steps,
            internal_batch_size=case.batch_size,
        )
    with torch.no_grad():
        begin = float(case.explain(case.baseline))
    values = found[0].detach().float().sum(0).numpy()
    return Attribution(
        case.question,
        values,
        values,
        finding_of(values),
        case.score,
        steps=steps,
        baseline_score=begin,
    )

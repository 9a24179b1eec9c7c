"""One number of a map, explained: the numbers and the weights that it was computed from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from math import sqrt
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.analysis import analyze
from core.analysis.records import IMAGE
from core.inside.maps import as_maps
from core.inside.number_records import (
    Applied,
    Copied,
    Explanation,
    Gated,
    How,
    Joined,
    Normalized,
    Pooled,
    Shared,
    Source,
    Term,
    Unit,
)
from core.inside.one_image import Seen, see
from core.inside.one_number import OneNumber
from core.inside.sums import cell, convolved, multiplied, pool_of, pooled, slide_of
from core.inside.weights import Weights
from core.specs import LabError, ModelSpec
from core.zoo.networks.residual_units import PadChannels
from core.zoo.own import version_of

_ROUNDING = 1e-5  # of float32, against the sum of all terms without their signs


def explain(
    weights: Weights, pixels: NDArray[np.uint8], path: str, channel: int, row: int, column: int
) -> Explanation:
    """How the number at this place of the layer's result came about.

    Places of a vector are its channels, at row 0 and column 0. Raises LabError as `see`, and for
    what the network does not have.
    """
    seen = see(weights, pixels)
    step = seen.steps.get(path)
    if step is None:
        raise LabError("No layer {path} has run; choose one of the network's layers.", path=path)
    shape = as_maps(step.of_image).shape
    place = (channel, row, column)
    if not all(0 <= at < side for at, side in zip(place, shape, strict=True)):
        raise LabError(
            "{path} has {shape} numbers (channels × rows × columns), none at {place}; places are"
            " counted from 0.",
            path=path,
            shape=" × ".join(map(str, shape)),
            place=".".join(map(str, place)),
        )
    inputs_of = _inputs_of(weights.spec, version_of(weights.spec.arch))
    inputs = tuple(_that_ran(seen, inputs_of, inputs_of.get(path, ())))
    return _explanation(OneNumber(seen, step, inputs, path, place))


def one_map(
    weights: Weights, pixels: NDArray[np.uint8], path: str, channel: int
) -> NDArray[np.float32]:
    """A channel (H, W) of a layer's result, of IMAGE as the network reads it; LabError as `see`."""
    seen = see(weights, pixels)
    tensor = seen.image[0] if path == IMAGE else seen.steps[path].of_image
    values: NDArray[np.float32] = as_maps(tensor.float())[channel].numpy().copy()
    return values


def circular_layers(weights: Weights, pixels: NDArray[np.uint8]) -> frozenset[str]:
    """Those whose padding goes on at the other side of what they read. Raises LabError as `see`."""
    steps = see(weights, pixels).steps
    return frozenset(
        path
        for path, step in steps.items()
        if getattr(step.module, "padding_mode", "") == "circular"
    )


@lru_cache(maxsize=4)
def _inputs_of(spec: ModelSpec, version: str) -> Mapping[str, tuple[str, ...]]:
    """Which layers each layer reads in training; `version`: of the file that the network is in."""
    return {layer.path: layer.inputs for layer in analyze(spec).layers}


def _that_ran(
    seen: Seen, inputs_of: Mapping[str, tuple[str, ...]], paths: Iterable[str]
) -> Iterator[str]:
    """These layers; in place of one that does nothing in evaluation, such as dropout by a function,
    what it reads."""
    for path in paths:
        if path == IMAGE or path in seen.steps:
            yield path
        else:
            yield from _that_ran(seen, inputs_of, inputs_of.get(path, ()))


def _explanation(number: OneNumber) -> Explanation:
    explained_by = _EXPLAINED if number.shape else ()  # one number of all images together
    how = next((how for explained in explained_by if (how := explained(number))), None)
    if how is not None and not _comes_to(how, number.value):
        how = None  # something was not understood: nothing is shown rather than another sum
    operation = type(number.module).__name__ if number.module else number.name
    return Explanation(Unit(number.path, *number.place), operation, number.value, how)


def _comes_to(how: How, value: float) -> bool:
    """Whether an explanation ends where the network did, but for float32's rounding."""
    return abs(how.total - value) <= _ROUNDING * max(1e-3, _size(how), abs(value))


def _size(how: How) -> float:
    """The sum of all terms without their signs."""
    match how:
        case Joined(terms=terms, sign="+"):
            return sum(abs(term.value) for term in terms)
        case Normalized():
            kept = abs(how.before.value) + abs(how.mean)
            return kept / how.spread * abs(how.scale) + abs(how.shift)
        case Shared(is_log=True):
            return abs(how.before.value) + abs(how.log_sum)
        case Applied() | Copied() | Gated() | Joined() | Pooled() | Shared():
            return abs(how.total)
        case _:
            return float(abs(how.products).sum()) + abs(how.bias or 0)


# What is explained ------------------------------------------------------------------------------


def _sum_of_products(number: OneNumber) -> How | None:
    x = number.step.inputs[0] if number.step.inputs else None
    slide = slide_of(number.module, number.name, list(number.arguments()))
    if x is None or slide is None or x.dim() != 4 or len(number.shape) != 4:
        return None
    return convolved(slide, x[0], number.source_of(x), number.place)


def _linear(number: OneNumber) -> How | None:
    feature = number.index[-1]
    arguments = list(number.arguments())
    if isinstance(number.module, nn.Linear):
        x = number.step.inputs[0]
        weight, bias = number.module.weight[feature], number.module.bias
    elif number.name == "addmm":
        bias, x, weight = arguments[0], arguments[1], arguments[2][:, feature]
    elif number.name == "mm":
        bias, x, weight = None, arguments[0], arguments[1][:, feature]
    else:
        return None
    row = int(np.ravel_multi_index(number.index[:-1], number.shape[:-1]))
    found = number.source_of(x)
    source = Source(found.path, (x.numel(), 1, 1), found.made)
    vector = x.reshape(-1, x.shape[-1])[row]
    return multiplied(weight, bias, vector, source, feature, row * x.shape[-1])


def _pooling(number: OneNumber) -> How | None:
    if not number.step.inputs or number.step.inputs[0].dim() != 4:
        return None
    x, module, arguments = number.step.inputs[0], number.module, list(number.arguments())
    source, place = number.source_of(x), number.place
    if pool := pool_of(module, number.name, arguments):
        return pooled(pool, x[0], source, place)
    is_largest = isinstance(module, nn.AdaptiveMaxPool2d) or number.name == "adaptive_max_pool2d"
    is_mean = isinstance(module, nn.AdaptiveAvgPool2d) or number.name == "_adaptive_avg_pool2d"
    if is_largest or is_mean:
        return cell(x[0], source, place, (number.shape[2], number.shape[3]), is_largest)
    if number.name in ("mean", "amax") and sorted(d % 4 for d in arguments[1]) == [2, 3]:
        return cell(x[0], source, (place[0], 0, 0), (1, 1), number.name == "amax")
    return None


_FUNCTIONS = frozenset(  # of one number
    ("relu", "sigmoid", "tanh", "gelu", "silu", "mish", "hardswish", "hardsigmoid", "hardtanh")
    + ("elu", "leaky_relu", "clamp", "clamp_min", "softplus", "celu", "selu", "threshold")
)


def _activation(number: OneNumber) -> How | None:
    before = number.in_place()
    if before is None:
        return None
    module, x = number.module, number.step.inputs[0].clone()
    if module is not None and type(module).__module__ == "torch.nn.modules.activation":
        if isinstance(module, _OF_SEVERAL):
            return None
        with torch.no_grad():
            after = module(x)
        return Applied(type(module).__name__, before, float(after[number.index]))
    if module is None and number.name in _FUNCTIONS:
        rest = list(number.arguments())[1:]
        return Applied(number.name, before, float(number.step.function(x, *rest)[number.index]))
    return None


_OF_SEVERAL = (nn.Softmax, nn.LogSoftmax, nn.Softmin, nn.Softmax2d)
_SHARES = {"_softmax": False, "_log_softmax": True}  # whether the logarithm is given


def _shared(number: OneNumber) -> How | None:
    before, module = number.in_place(), number.module
    if isinstance(module, nn.Softmax | nn.LogSoftmax):
        dim, is_log = module.dim, isinstance(module, nn.LogSoftmax)
    elif isinstance(module, nn.Softmax2d):
        dim, is_log = -3, False
    elif module is None and number.name in _SHARES:
        dim, is_log = list(number.arguments())[1], _SHARES[number.name]
    else:
        return None
    if before is None or dim is None:
        return None
    at: list[int | slice] = list(number.index)
    at[dim] = slice(None)
    several = number.step.inputs[0].double()[tuple(at)]
    return Shared(before, several.numel(), float(several.logsumexp(0)), is_log)


def _gated(number: OneNumber) -> How | None:
    if isinstance(number.module, nn.GLU):
        dim = number.module.dim
    elif number.module is None and number.name == "glu":
        dim = int([*list(number.arguments()), -1][1])
    else:
        return None
    x, gate = number.step.inputs[0], list(number.index)
    gate[dim] += x.shape[dim] // 2
    return Gated(number.term(x, number.index), number.term(x, gate))


def _normalized(number: OneNumber) -> How | None:
    before, module = number.in_place(), number.module
    if before is None or module is None:
        return None
    x, index = number.step.inputs[0].double(), number.index
    channel = index[1]
    match module:
        case (
            nn.BatchNorm1d(running_mean=Tensor(), running_var=Tensor())
            | nn.BatchNorm2d(running_mean=Tensor(), running_var=Tensor())
        ):
            kept = module.get_buffer("running_mean"), module.get_buffer("running_var")
            mean, variance = (float(one[channel]) for one in kept)
            count = 0
        case nn.BatchNorm1d() | nn.BatchNorm2d() | nn.InstanceNorm2d():
            mean, variance, count = _statistics(x[0, channel])
        case nn.GroupNorm():
            size = x.shape[1] // module.num_groups
            first = channel // size * size
            mean, variance, count = _statistics(x[0, first : first + size])
        case nn.LayerNorm():
            row = x[index[: x.dim() - len(module.normalized_shape)]]
            mean, variance, count = _statistics(row)
        case nn.LocalResponseNorm():
            return _response(module, before, x, index)
        case _:
            return None
    at = index[-len(module.normalized_shape) :] if isinstance(module, nn.LayerNorm) else (channel,)
    scale = 1.0 if module.weight is None else float(module.weight[at])
    shift = 0.0 if module.bias is None else float(module.bias[at])
    return Normalized(before, mean, sqrt(variance + module.eps), scale, shift, count)


def _statistics(values: Tensor) -> tuple[float, float, int]:
    return float(values.mean()), float(values.var(correction=0)), values.numel()


def _response(
    module: nn.LocalResponseNorm, before: Term, x: Tensor, index: Sequence[int]
) -> Normalized:
    """Divided by what neighboring channels have at the same place (AlexNet, section 3.3)."""
    channel, at = index[1], int(np.ravel_multi_index(tuple(index[2:]), x.shape[2:]))
    first, end = max(0, channel - module.size // 2), channel + (module.size - 1) // 2 + 1
    neighbors = x[0, first:end].flatten(1)[:, at]
    mean_square = float(neighbors.square().sum()) / module.size
    spread = (module.k + module.alpha * mean_square) ** module.beta
    return Normalized(before, 0.0, spread, 1.0, 0.0, neighbors.numel())


def _joined(number: OneNumber) -> How | None:
    signs = {"add": "+", "sub": "+", "mul": "×", "div": "×"}
    if number.module is not None or number.name not in signs or len(number.step.arguments) < 2:
        return None
    first, second = (_operand(number, operand) for operand in list(number.arguments())[:2])
    if number.name == "sub":
        second = Term(-second.value, second.unit)
    if number.name == "div":
        second = Term(1 / second.value if second.value else float("inf"), second.unit)
    return Joined(signs[number.name], (first, second))


def _operand(number: OneNumber, operand: Any) -> Term:
    """A number of a tensor that is broadcast, or a constant."""
    if not isinstance(operand, Tensor):
        return Term(float(operand), None)
    if not operand.dim():  # one number for all, such as a mean over everything
        return Term(float(operand), number.source_of(operand).unit(0, 0, 0))
    places = number.index[len(number.index) - operand.dim() :]
    index = [
        min(place, side - 1) if side > 1 else 0
        for place, side in zip(places, operand.shape, strict=True)
    ]
    return number.term(operand, index)


def _copied(number: OneNumber) -> How | None:
    module, inputs = number.module, number.step.inputs
    if number.name == "cat":
        return _from_branch(number)
    if isinstance(module, PadChannels):
        channel, row, column = number.place
        if channel >= inputs[0].shape[1]:
            return Copied(Term(0.0, None))
        index = (0, channel, row * module.stride, column * module.stride)
        return Copied(number.term(inputs[0], index))
    if isinstance(module, nn.Flatten) or number.name in ("clone", "view", "_unsafe_view"):
        flat = int(np.ravel_multi_index(number.index, number.shape))
        at = [int(one) for one in np.unravel_index(flat, inputs[0].shape)]
        return Copied(number.term(inputs[0], at))
    if module is not None and type(module).__module__ == "torch.nn.modules.dropout":
        before = number.in_place()
        return Copied(before) if before else None
    if isinstance(module, nn.Identity):
        return Copied(number.term(inputs[0], number.index))
    return _nearest(number)


def _nearest(number: OneNumber) -> How | None:
    """The pixel that an enlarged map repeats: found by enlarging a map of places the same way."""
    module, inputs = number.module, number.step.inputs
    enlarges = isinstance(module, nn.Upsample) and module.mode.startswith("nearest")
    by_name = module is None and number.name in _NEAREST
    if not (enlarges or by_name) or inputs[0].dim() != 4:
        return None
    height, width = inputs[0].shape[2:]
    places = torch.arange(height * width, dtype=torch.float64).reshape(1, 1, height, width)
    rest = list(number.arguments())[1:]
    enlarged = module(places) if module else number.step.function(places, *rest)
    image, channel, row, column = number.index
    source = divmod(int(enlarged[0, 0, row, column]), width)
    return Copied(number.term(inputs[0], (image, channel, *source)))


_NEAREST = ("upsample_nearest2d", "_upsample_nearest_exact2d")


def _from_branch(number: OneNumber) -> How | None:
    branches, *rest = number.arguments()
    dim = (rest[0] if rest else 0) % len(number.shape)
    index = list(number.index)
    for branch in branches:
        if index[dim] < branch.shape[dim]:
            return Copied(number.term(branch, index))
        index[dim] -= branch.shape[dim]
    return None


_EXPLAINED: tuple[Callable[[OneNumber], How | None], ...] = (
    _sum_of_products,
    _linear,
    _pooling,
    _activation,
    _shared,
    _gated,
    _normalized,
    _joined,
    _copied,
)

"""Building a network without memory."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from torch import Tensor, nn

from core.zoo.patching_mode import PatchingMode

_FILLED_AT_ONCE: tuple[Any, ...] = (
    *(nn.modules.conv._ConvNd, nn.modules.batchnorm._NormBase),
    *(nn.Linear, nn.LayerNorm),
)


def _is_count(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether it is made for BatchNorm's count of batches: nothing but that to move to meta."""
    return type(args[0]) is int and args == (0,) and kwargs.keys() == {"dtype", "device"}


def _only_with_numbers(reset: Any) -> Callable[[Any], None]:
    """`reset_parameters` that is not run where there is nothing to fill: a tenth of an analysis."""

    @wraps(reset)
    def reset_parameters(layer: nn.Module) -> None:
        weight = layer._parameters.get("weight")
        if weight is None or not weight.is_meta:
            reset(layer)

    return reset_parameters


class OnMeta(PatchingMode):
    """Makes large tensors on meta and does not fill them: filling nothing takes torch time, too.

    Unlike `torch.device("meta")` it leaves the rest alone: torchvision's RegNets compute their
    widths with real tensors while they are built.
    """

    patches = tuple(
        (layer, "reset_parameters", _only_with_numbers(layer.reset_parameters))
        for layer in _FILLED_AT_ONCE
    )
    MAKING = frozenset((torch.empty, torch.ones, torch.zeros))
    FILLING = frozenset((Tensor.uniform_, Tensor.normal_, Tensor.fill_, Tensor.zero_))

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Everything but making and filling runs as ever."""
        kwargs = kwargs or {}
        if func in self.MAKING or (func is torch.tensor and _is_count(args, kwargs)):
            return func(*args, **(kwargs | {"device": "meta"}))
        if func in self.FILLING or getattr(func, "__module__", "") == "torch.nn.init":
            filled = args[0] if args else kwargs["tensor"]
            if filled.is_meta:
                return filled
        return func(*args, **kwargs)


def is_on_meta(network: nn.Module) -> bool:
    """Whether nothing in it takes memory; torch's own walks take four times as long."""
    return all(
        tensor is None or tensor.is_meta
        for module in network.modules()
        for tensors in (module._parameters, module._buffers)
        for tensor in tensors.values()
    )

"""Building a network without memory."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from threading import Lock
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode


class OnMeta(TorchFunctionMode):
    """Makes large tensors on meta and does not fill them: filling nothing takes torch time, too.

    Unlike `torch.device("meta")` it leaves the rest alone: torchvision's RegNets compute their
    widths with real tensors while they are built.
    """

    MAKING = frozenset((torch.empty, torch.ones, torch.zeros))
    FILLING = frozenset((Tensor.uniform_, Tensor.normal_, Tensor.fill_, Tensor.zero_))

    def __enter__(self) -> OnMeta:
        _open_or_close(1)
        super().__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        _open_or_close(-1)

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


_RESETS: dict[Any, tuple[Any, Any]] = {
    layer: (layer.reset_parameters, _only_with_numbers(layer.reset_parameters))
    for layer in (nn.modules.conv._ConvNd, nn.Linear, nn.modules.batchnorm._NormBase, nn.LayerNorm)
}
_changing = Lock()
_open = 0  # how many are, in all threads


def _open_or_close(change: int) -> None:
    """While any is open, layers do without the filling of what has no numbers, in any thread."""
    global _open
    with _changing:
        _open += change
        for layer, (usual, quick) in _RESETS.items():
            layer.reset_parameters = quick if _open else usual


def is_on_meta(network: nn.Module) -> bool:
    """Whether nothing in it takes memory; torch's own walks take four times as long."""
    return all(
        tensor is None or tensor.is_meta
        for module in network.modules()
        for tensors in (module._parameters, module._buffers)
        for tensor in tensors.values()
    )

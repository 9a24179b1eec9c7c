"""Building a network without memory."""

from __future__ import annotations

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

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Everything but making and filling runs as ever."""
        kwargs = kwargs or {}
        if func in self.MAKING:
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

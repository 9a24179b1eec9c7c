"""What a network of somebody's own draws and counts in Python.

A captured step repeats the kernels of one step, and never what Python has decided in it: a layer
that is left out now and then, or from the thousandth batch on, would be left out for ever or never.
"""

from __future__ import annotations

import torch
from torch import nn

from core.analysis.chance import generators, state_of

_KNOWN = ("torch.", "torchvision.", "timm.", "core.zoo.")  # whose layers leave such to the device


def host_state(network: nn.Module, device: torch.device) -> tuple[object, ...]:
    """Equal before and after steps in which Python has drawn and counted nothing.

    Empty for layers of the libraries. On the CPU every step seeds PyTorch's own generator for
    dropout, so that one tells nothing there.
    """
    own = {name: one for name, one in network.named_modules() if not _is_known(one)}
    if not own:
        return ()
    counted = tuple(
        (name, key, value)
        for name, module in own.items()
        for key, value in vars(module).items()
        if key != "training" and isinstance(value, bool | int | float | str)
    )
    seeded = torch.default_generator if device.type == "cpu" else None
    return counted, *(state_of(one) for one in generators(network) if one is not seeded)


def _is_known(module: nn.Module) -> bool:
    return type(module).__module__.startswith(_KNOWN)

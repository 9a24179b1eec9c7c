"""Networks that draw lots in their forward pass: which generators of random numbers they move."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn


def _states(module: nn.Module) -> list[Any]:
    """Where every generator stands that the module might draw from."""
    return [state_of(generator) for generator in generators(module)]


def generators(module: nn.Module) -> list[Any]:
    """Python's, NumPy's and torch's own, and those that the module or its file holds."""
    found: dict[int, Any] = {}
    for one in module.modules():
        forward = getattr(type(one).forward, "__globals__", {})
        for holder in (vars(one), forward if not type(one).__module__.startswith("torch") else {}):
            for value in list(holder.values()):
                if _is_generator(value):
                    found[id(value)] = value
    numpy = sys.modules.get("numpy")
    own = [random, torch.default_generator]
    return [*own, *([numpy.random.mtrand._rand] if numpy else []), *found.values()]


def _is_generator(value: Any) -> bool:
    if isinstance(value, random.Random | torch.Generator):
        return True
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(
        value, numpy.random.Generator | numpy.random.RandomState
    )


def state_of(generator: Any) -> Any:
    """Where it stands, as something that can be compared."""
    if hasattr(generator, "getstate"):
        return generator.getstate()
    if isinstance(generator, torch.Generator):
        return generator.get_state().numpy().tobytes()
    if hasattr(generator, "bit_generator"):
        return repr(generator.bit_generator.state)
    return repr(generator.get_state(legacy=False))


def seed_everything(seed: int) -> None:
    """Start the general generators, so that the same lots are drawn every time."""
    random.seed(seed)
    torch.manual_seed(seed)
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed(seed)


@contextmanager
def unmoved() -> Iterator[None]:
    """Whatever draws inside, afterwards the general generators of the host stand as before."""
    numpy = sys.modules.get("numpy")
    before = random.getstate(), torch.get_rng_state(), numpy and numpy.random.get_state()
    try:
        yield
    finally:
        random.setstate(before[0])
        torch.set_rng_state(before[1])
        if numpy:
            numpy.random.set_state(before[2])


class Lots:
    """Tells whether a module has drawn any in the passes that were noted."""

    def __init__(self, module: nn.Module) -> None:
        self.module, self.moved = module, False
        self.before: list[Any] | None = None

    def note(self) -> None:
        """A pass begins, its generators just seeded."""
        self.were_drawn()
        self.before = _states(self.module)

    def were_drawn(self) -> bool:
        """Whether a generator has moved in any pass so far."""
        if self.before is not None:
            self.moved |= _states(self.module) != self.before
            self.before = None
        return self.moved

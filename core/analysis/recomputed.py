"""Parts of a network that torch.utils.checkpoint computes again for the backward pass.

Both kinds run their part in the forward pass as any other; what they keep, and when, is worked out
from where it begins and ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from threading import get_ident
from types import SimpleNamespace
from typing import Any

from torch.utils import checkpoint as theirs

_SHARED = "_checkpoint_impl"  # both kinds, since torch 2.15
_REENTRANT, _OTHER = "CheckpointFunction", "_checkpoint_without_reentrant_generator"


@contextmanager
def parts_computed_again(begin: Callable[[], None], end: Callable[[], None]) -> Iterator[None]:
    """While open, `begin` and `end` are called around each checkpointed part of this thread."""
    own = get_ident()

    def marked(usual: Any, function: Any, args: Any, kwargs: Any, **options: Any) -> Any:
        if get_ident() != own:
            return usual(function, args, kwargs, **options)
        return part(function, *args, **kwargs)

    def part(function: Any, *args: Any, **kwargs: Any) -> Any:
        begin()
        try:
            return function(*args, **kwargs)
        finally:
            end()

    def reentrant(usual: Any, function: Any, preserve: bool, *args: Any) -> Any:
        if get_ident() != own:
            return usual.apply(function, preserve, *args)
        return part(function, *args)

    def other(usual: Any, *args: Any, **kwargs: Any) -> Iterator[None]:
        if get_ident() != own:
            yield from usual(*args, **kwargs)
            return
        begin()
        yield
        end()

    replaced: dict[str, Callable[[Any], Any]] = {_SHARED: lambda usual: partial(marked, usual)}
    if not hasattr(theirs, _SHARED):
        replaced = {
            _REENTRANT: lambda usual: SimpleNamespace(apply=partial(reentrant, usual)),
            _OTHER: lambda usual: partial(other, usual),
        }
    before = {name: getattr(theirs, name) for name in replaced}
    for name, usual in before.items():
        setattr(theirs, name, replaced[name](usual))
    try:
        yield
    finally:
        for name, usual in before.items():
            setattr(theirs, name, usual)

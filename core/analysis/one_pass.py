"""One forward pass, watched to its end: its rows, and what the graph behind its outputs reaches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from inspect import isgenerator
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

from core.analysis.broken_off import Failure
from core.analysis.rows import Inventory, Row
from core.analysis.tensors import BATCH, storage_key, tensors_in, tensors_inside
from core.analysis.trace import TooLongError, Watcher


@dataclass(frozen=True)
class Pass:
    """What one forward pass has shown, over the whole batch."""

    rows: tuple[Row, ...]
    reached: set[Any]  # nodes of the autograd graph that the backward pass visits
    dead: dict[str, int]  # parameters that can never get a gradient: name, count
    buffer_bytes: int
    batch: int
    once_macs: int = 0
    uncounted: tuple[str, ...] = ()
    is_untrainable: bool = False  # no output has a gradient, though parameters would want one


class EndedError(Exception):
    """The network's own code wants the whole process to end."""


class BrokenOffError(Exception):
    """A forward pass with real numbers has raised this error's `__cause__`; what ran before."""

    def __init__(self, seen: Pass, failure: Failure | None) -> None:
        super().__init__()
        self.seen, self.failure = seen, failure


def watched_pass(
    network: nn.Module,
    args: Sequence[Any],
    kwargs: dict[str, Any] | None = None,
    batch: int = BATCH,
    is_ours: bool = True,
    with_hooks: bool = False,
    is_trained_here: bool = False,
) -> Pass:
    """What `network`, in training, runs on these inputs, a batch of `batch` images.

    `is_trained_here`: by the lab, which puts its maps in the order that is quickest.

    Parameters that no executed leaf owns (class tokens, unused heads) get rows of their own at
    the end, so that the column of parameters always adds up to the network's.
    Raises BatchLostError where the batch cannot be followed by sizes, BrokenOffError for what a
    pass with real numbers raises.
    """
    kwargs = kwargs or {}
    inputs = list(tensors_inside([*args, *kwargs.values()]))
    watcher = Watcher(network, inputs, batch, is_ours, with_hooks, is_trained_here)
    try:
        with watcher.watching(), torch.enable_grad():
            output = _output_of(network, args, kwargs)
            watcher.alive.append(output)
    except Exception as error:
        if not watcher.has_numbers or isinstance(error, TooLongError):
            raise
        failure = watcher.failure_of(error)
        raise BrokenOffError(_seen_so_far(watcher), failure) from error
    for tensor in watcher.unclaimed[:] if watcher.rows else ():
        watcher.charge(watcher.rows[-1], tensor)
    watcher.take_cuts()
    outputs = tensors_in(output) or list(tensors_inside(output))
    reached = _nodes_behind(outputs)
    wants = any(p.requires_grad for _, p in watcher.inventory.named.values())
    return Pass(
        tuple(chain(watcher.rows, _unused_rows(watcher))),
        reached,
        _dead_parameters(watcher.inventory, reached) if reached else {},
        sum(buffer.nbytes for buffer in watcher.inventory.buffers.values()),
        batch,
        watcher.once_macs,
        tuple(watcher.uncounted),
        wants and bool(outputs) and not reached,
    )


def _output_of(network: nn.Module, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """What it gives. Raises EndedError where its code would end the whole program."""
    try:
        output = network(*args, **kwargs)
        return list(output) if isgenerator(output) else output
    except (SystemExit, GeneratorExit) as end:
        error = EndedError(f"{type(end).__name__}({end})")
        raise error.with_traceback(end.__traceback__) from None


def _seen_so_far(watcher: Watcher) -> Pass:
    """What a pass has shown that broke off: as if what ran were trained."""
    results = [result for row in watcher.rows for result in row.results]
    return Pass(tuple(watcher.rows), _nodes_behind(results), {}, 0, watcher.batch)


def _nodes_behind(outputs: Iterable[Tensor]) -> set[Any]:
    """The nodes of the autograd graph that a backward pass from `outputs` visits."""
    open_nodes = [t.grad_fn for t in outputs if t.grad_fn is not None]
    seen = set(open_nodes)
    while open_nodes:
        node = open_nodes.pop()
        fresh = {parent for parent, _ in node.next_functions if parent is not None} - seen
        seen |= fresh
        open_nodes.extend(fresh)
    return seen


def _dead_parameters(inventory: Inventory, reached: set[Any]) -> dict[str, int]:
    """Parameters that the backward pass never reaches, so that no step changes them.

    A frozen one is left out: it was meant to get no gradient.
    """
    variables = {id(getattr(node, "variable", None)) for node in reached}
    return {
        name: parameter.numel()
        for key, (name, parameter) in inventory.named.items()
        if key not in variables and parameter.requires_grad
    }


def _unused_rows(watcher: Watcher) -> Iterator[Row]:
    """A row for each module whose own parameters no executed leaf has counted."""
    if len(watcher.counted) == len(watcher.parameters):
        return
    used = set().union(*watcher.behind.values()) if watcher.behind else set()
    for name, parameters in watcher.inventory.own.items():
        left = [one for one in parameters if id(one) not in watcher.counted]
        is_used = any(storage_key(one) in used for one in left)
        what = "direct parameters" if is_used else "unused or direct parameters"
        row = Row(name or "network", what, name or "network", "other")
        watcher.take_parameters(row, parameters)
        if row.params:
            yield row

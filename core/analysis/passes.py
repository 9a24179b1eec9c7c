"""From watched passes to what every layer costs an image.

Of a library's network, one pass with a batch that has a large prime in it tells which sizes grow
with the batch. Of anybody else's, and where that cannot be followed (a loop over the images, an
assertion), passes with small batches do: what differs between two of them belongs to the images,
the rest is spent once; a third one, where they are not in proportion, tells whether the cost grows
in step with the batch at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter

from core.analysis.one_pass import Pass
from core.analysis.records import LayerCost, Shape
from core.analysis.rows import Row
from core.analysis.tensors import PRIME, alone
from core.language import Message, lazy

_SMALL_BATCHES = (24, 48, 72)  # images: they can be halved, parted in three, four, six and eight
_SUMS = (  # what a row adds up over the batch
    *("macs", "backward_macs", "elementwise_ops", "output_bytes", "input_bytes", "saved_bytes"),
    *("recomputed_bytes", "work_bytes", "forward_work_bytes", "small_batch_bytes"),
)
_sums = attrgetter(*_SUMS)
Run = Callable[[int | None], Pass]  # a pass with so many images; None: with the whole batch


@dataclass(frozen=True)
class Trace:
    """What a network runs for an image."""

    layers: tuple[LayerCost, ...]  # in the order of execution
    dead: dict[str, int] = field(default_factory=dict)  # parameters without a gradient: numbers
    buffer_bytes: int = 0
    once_macs: int = 0  # multiply-adds that are spent once, however many images come
    uncounted: tuple[str, ...] = ()  # operations that multiply and are not counted
    is_untrainable: bool = False  # no output has a gradient
    notes: tuple[Message, ...] = ()  # sentences about the count itself


class BatchUnclearError(Exception):
    """What is run depends on the batch in a way that cannot be shared out among its images."""


class _Shares:
    """Parts of sums for one image; what is left over goes to the next row, so that totals hold."""

    def __init__(self, images: int) -> None:
        self.images = images
        self.left = dict.fromkeys(_SUMS, 0)

    def of(self, amounts: dict[str, int]) -> dict[str, int]:
        """An image's share of each amount."""
        left = self.left
        for name, amount in amounts.items():
            if amount or left[name]:
                amounts[name], left[name] = divmod(amount + left[name], self.images)
        return amounts


def trace(run: Run) -> Trace:
    """What a network of a library runs for an image. Raises what its forward pass raises."""
    try:
        return from_one(run(None))
    except RecursionError:  # a smaller batch cannot help
        raise
    except Exception:
        return trace_small(run)


def from_one(seen: Pass) -> Trace:
    """From one pass, its sums shared out among its images."""
    shares = _Shares(seen.batch)
    layers = tuple(_layer(row, shares.of(_amounts(row, seen)), seen.batch) for row in seen.rows)
    return _trace(seen, layers)


def trace_small(run: Run, may_be_alone: bool = True) -> Trace:
    """What anybody's network runs for an image, from passes with small batches.

    A batch of millions would be too much for a network that makes a list of it. Where a network
    takes no more, from one with a single image if it `may_be_alone`. Raises what its forward pass
    raises.
    """
    try:
        first, second = (run(images) for images in _SMALL_BATCHES[:2])
    except Exception as error:
        if not may_be_alone:
            raise
        try:
            alone = run(1)
        except Exception:
            raise error from None
        note = lazy(
            "Its forward pass takes one image at a time: what it spends once is in the count."
        )
        return replace(from_one(alone), notes=(note,))
    costs = [_costs(one) for one in (first, second)]
    if any(2 * few != many for few, many in zip(*costs, strict=True)):
        costs.append(_costs(run(_SMALL_BATCHES[2])))
        if any(c - b != b - a for a, b, c in zip(*costs, strict=True)):
            raise BatchUnclearError
    return _difference(first, second)


def _costs(seen: Pass) -> list[int]:
    """What grows in step with the batch, or else belongs to no image."""
    return [sum(column) for column in zip(*map(_sums, seen.rows), strict=True)]


def _difference(first: Pass, second: Pass) -> Trace:
    """What the second batch took more, shared out among the images that it has more."""
    pairs = list(_pairs(first.rows, second.rows))
    more = second.batch - first.batch
    shares, layers, once = _Shares(more), [], 0
    for few, many in pairs:
        before, after = _amounts(few, first), _amounts(many, second)
        for amounts, row in ((before, few), (after, many)):
            amounts["macs"] += row.once_macs
            amounts["saved_bytes"] += row.fixed_saved_bytes
        amounts = shares.of({name: after[name] - before[name] for name in _SUMS})
        spent_once = few.macs + few.once_macs - first.batch * amounts["macs"]
        row = replace(
            few,
            once_macs=max(0, spent_once),
            fixed_saved_bytes=max(0, before["saved_bytes"] - first.batch * amounts["saved_bytes"]),
            input_shape=_alone(few.input_shape, many.input_shape, first.batch, second.batch),
            output_shape=_alone(few.output_shape, many.output_shape, first.batch, second.batch),
        )
        once += row.once_macs
        layers.append(_layer(row, amounts))
    each = (second.once_macs - first.once_macs) // more  # on what forward makes for the batch
    if each:
        amounts = dict.fromkeys(_SUMS, 0) | {"macs": each}
        layers.append(_layer(Row("products", "of what forward makes"), amounts))
    outside = first.once_macs - first.batch * each
    return replace(_trace(first, tuple(layers)), once_macs=once + outside)


def _pairs(few: Sequence[Row], many: Sequence[Row]) -> Sequence[tuple[Row, Row]]:
    """The rows of both passes side by side; those of a loop over the images as one."""
    if [row.path for row in few] == [row.path for row in many]:
        return list(zip(few, many, strict=True))
    folded = [_folded(rows) for rows in (few, many)]
    if folded[0].keys() != folded[1].keys():
        raise BatchUnclearError
    return [(row, folded[1][base]) for base, row in folded[0].items()]


def _folded(rows: Sequence[Row]) -> dict[str, Row]:
    """All uses of a layer as one row, under its own path."""
    bases = {row.path: row.base for row in rows}
    folded: dict[str, Row] = {}
    for row in rows:
        inputs = dict.fromkeys(bases.get(path, path) for path in row.inputs)
        inputs.pop(row.base, None)
        if row.base not in folded:
            folded[row.base] = replace(row, path=row.base, inputs=inputs)
            continue
        whole = folded[row.base]
        for name in (*_SUMS, "once_macs", "params", "biases", "weight_bytes", "trained_bytes"):
            setattr(whole, name, getattr(whole, name) + getattr(row, name))
        whole.inputs.update(inputs)
        whole.results += row.results
    return folded


def _alone(few: Shape, many: Shape, images: int, more: int) -> Shape:
    """A shape for one image, from those for two batches."""
    if len(few) != len(many):
        return few
    return tuple(
        max(1, a - (images - 1) * ((b - a) // (more - images)))
        for a, b in zip(few, many, strict=True)
    )


def _amounts(row: Row, seen: Pass) -> dict[str, int]:
    """What the row adds up over the whole batch; products that get no gradient cost none."""
    amounts: dict[str, int] = dict(zip(_SUMS, _sums(row), strict=True))
    needs = row.backward_macs or row.work_bytes
    if needs and not row.is_reached(seen.reached):
        amounts["backward_macs"] = amounts["work_bytes"] = 0
    elif row.backward_macs and row.checkpoint:
        amounts["backward_macs"] += row.macs  # it is computed again first
    return amounts


def _layer(row: Row, amounts: dict[str, int], images: int = 1) -> LayerCost:
    """The row as a record, for one image; its shapes are of so many."""

    window = row.window
    if window and window.groups % PRIME == 0:  # the images stood in the groups of a convolution
        window = replace(window, groups=max(1, window.groups // images))
    view = row.view
    return LayerCost(
        path=row.path,
        operation=row.operation,
        kind=row.main_kind,
        input_shape=alone(row.input_shape, images),
        output_shape=alone(row.output_shape, images),
        params=row.params,
        fixed_saved_bytes=row.fixed_saved_bytes,
        weight_bytes=row.weight_bytes,
        trained_bytes=row.trained_bytes,
        receptive_field=view.receptive_field if view else 1,
        depth=view.depth if view else 0,
        inputs=tuple(row.inputs),
        weight_shape=row.weight_shape,
        biases=row.biases,
        has_bias=row.has_bias,
        is_module=row.is_module,
        window=window,
        once_macs=row.once_macs,
        checkpoint=row.checkpoint,
        weights_of=row.weights_of,
        **amounts,
    )


def _trace(seen: Pass, layers: tuple[LayerCost, ...]) -> Trace:
    return Trace(
        layers,
        seen.dead,
        seen.buffer_bytes,
        seen.once_macs + sum(row.once_macs for row in seen.rows),
        seen.uncounted,
        seen.is_untrainable,
    )

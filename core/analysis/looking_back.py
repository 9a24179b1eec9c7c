"""What an operation makes of how tensors look back at the image."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import cache, reduce
from itertools import pairwise
from math import prod
from typing import Any

from torch import Tensor

from core.analysis.layout import SEVERAL, Part, Parts, row_of
from core.analysis.macs import PRODUCTS, is_uncounted
from core.analysis.operations import REDUCTIONS, Operation, adaptive_cells, reduced_dims
from core.analysis.receptive_field import Axis, View, together

_INTERPOLATED = {"linear": 2, "bilinear": 2, "trilinear": 2, "bicubic": 4}  # units it looks at
_MATRICES = frozenset(("mm", "bmm", "addmm", "baddbmm", "_addmm_activation", "_int_mm", "linear"))
_VECTORS = frozenset(("mv", "addmv", "dot", "vdot"))
_RECURRENT = frozenset(("lstm", "gru", "rnn_tanh", "rnn_relu", "mkldnn_rnn_layer"))
_ALONG = frozenset(  # each unit may see all others along some dimensions, which stay
    ("_softmax", "_log_softmax", "_safe_softmax", "sort", "flip", "roll", "gather", "index_select")
    + ("cumsum", "cumprod", "cummax", "cummin", "logcumsumexp", "index_add", "index_copy")
    + ("scatter", "scatter_add", "scatter_reduce", "index_fill")
)

Known = list[tuple[Tensor, View]]  # what an operation reads, and how that looks back


def after(run: Operation, known: Known, has_weights: bool) -> View:
    """How the result of an operation looks back; `has_weights`: whether it reads parameters.

    It begins with what all that is read has seen, and the layout of the first.
    """
    if not known:
        return View(depth=int(has_weights))
    view = known[0][1] if len(known) == 1 else _joined([view for _, view in known])
    look = _looks_at(run.name, run.kind)
    seen = (look or _unit_by_unit)(view, run, known)
    deeper = view.depth + (run.kind == "convolution" or (run.kind == "linear" and has_weights))
    return View(seen.axes, deeper, seen.layout, run.output)


def is_unit_by_unit(run: Operation) -> bool:
    """Whether each number comes from the one that stood in its place; most operations are so.

    A copy is none: what stood in its place is gone.
    """
    return (
        len(run.sources) == 1
        and run.name != "copy"
        and _looks_at(run.name, run.kind) is None
        and run.sources[0].shape == run.output.shape
    )


@cache
def _looks_at(name: str, kind: str) -> Callable[[View, Operation, Known], View] | None:
    """How an operation changes what a unit sees; None where each one sees what stood there."""
    named = {
        **dict.fromkeys(_ALONG, _along),
        **{"cat": _concatenated, "stack": _stacked, "repeat": _repeated, "index": _indexed},
        **{"im2col": _unfolded, "col2im": _folded},
        **{"pixel_shuffle": _shuffled, "pixel_unshuffle": _unshuffled},
    }
    if kind in ("convolution", "linear"):
        return _convolved if kind == "convolution" else _multiplied
    if name.startswith(("new_", "grid_sampler")) or name.endswith("_like") or is_uncounted(name):
        return _made if name.startswith("new_") or name.endswith("_like") else _unknown
    if name in named or name in REDUCTIONS:
        return named.get(name, _reduced)
    if name.startswith(("upsample_", "max_unpool")):
        return _upsampled
    if "adaptive" in name or name.startswith("fractional"):
        return _pooled_to_cells
    if "pool" in name:
        return _pooled
    return _padded if "pad" in name else None


def _unit_by_unit(view: View, run: Operation, known: Known) -> View:
    """Each number from those that stand in its place; shorter ones are repeated."""
    shape = run.output.shape
    if all(tensor.shape == shape for tensor, _ in known):
        return view if len(known) == 1 else view._replace(layout=_widest(known)[0][1].layout)
    known, layout = _widest(known), []
    for dim in range(-len(shape), 0):
        fits = [
            seen.layout[dim]
            for tensor, seen in known
            if tensor.dim() >= -dim and tensor.shape[dim] == shape[dim]
        ]
        if not fits and not all(
            tensor.dim() < -dim or tensor.shape[dim] == 1 for tensor, _ in known
        ):
            return view.unknown(run.output)
        along = [parts for parts in fits if any(part.axis is not None for part in parts)]
        layout.append((*along, *fits, (Part(shape[dim]),))[0])
    return view._replace(layout=tuple(layout))


def _unknown(view: View, run: Operation, known: Known) -> View:
    return view.unknown(run.output)


def _made(view: View, run: Operation, known: Known) -> View:
    """A new tensor, which has taken no more than sizes."""
    return View.of_nothing(run.output)


# Products ------------------------------------------------------------------------------------


def _convolved(view: View, run: Operation, known: Known) -> View:
    args, output = run.args, run.output
    if run.name not in ("convolution", "_convolution") or known[0][0] is not args[0]:
        return view.unknown(output)  # deformable: it looks anywhere
    weight, transposed = args[1], args[6]
    if args[8] == args[0].shape[1] > 1:  # each channel on its own
        channels = (*view.layout[1], Part(output.shape[1] // args[8]))
    else:
        view, channels = view.mixing((1,)), (Part(output.shape[1]),)
    windows = []
    for k, s, p, d in _each(weight.shape[2:], args[3], args[4], args[5]):
        reach = d * (k - 1)
        if transposed:  # a unit reads every s-th place of the kernel
            windows.append((Fraction(reach + 1, s) - 1, (reach - p) // s, Fraction(1, s)))
        else:
            windows.append((reach, p, s))
    layout = (view.layout[0], channels, *view.layout[2:])
    seen = View(view.axes, view.depth, layout, view.base)
    return seen.sliding(output, windows)


def _multiplied(view: View, run: Operation, known: Known) -> View:
    """A matrix product: all that stands along the dimension that is summed over."""
    output = run.output
    if run.name in _RECURRENT:
        seen = view.mixing(range(len(view.layout)))
        return seen._replace(layout=(*view.layout[: output.dim() - 1], (Part(output.shape[-1]),)))
    operands = [run.args[place] for place in PRODUCTS[run.name].operands]
    maps = [
        (place, seen)
        for place, one in enumerate(operands)
        for t, seen in known
        if t is one and seen.axes
    ]
    if len(maps) != 1 or run.name not in _MATRICES | _VECTORS:  # attention: it looks anywhere
        is_flat = all(tensor.dim() <= 2 for tensor, _ in known)
        whole = is_flat and len(maps) == len(known) > 0 and run.name not in _MATRICES
        return view.mixing([len(view.layout) - 1]) if whole else view.unknown(output)
    place, seen = maps[0]
    rows = seen.layout
    summed = -1 if place == 0 or len(rows) == 1 or run.name == "linear" else -2
    seen = view._replace(layout=rows).mixing((summed,))
    if run.name in _VECTORS:
        kept: tuple[Parts, ...] = rows[:-1] if place == 0 else ((Part(output.numel()),),)
        return seen._replace(layout=kept[: output.dim()])
    if summed == -1:
        return seen._replace(layout=(*rows[:-1], (Part(output.shape[-1]),)))
    return seen._replace(layout=(*rows[:-2], (Part(output.shape[-2]),), rows[-1]))


# Windows -------------------------------------------------------------------------------------


def _pooled(view: View, run: Operation, known: Known) -> View:
    args = run.args
    kernel = args[1]
    stride = args[2] if len(args) > 2 and args[2] else kernel
    padding = args[3] if len(args) > 3 else (0,)
    is_dilated = run.name.startswith("max_pool") and len(args) > 4
    axes = 3 if "3d" in run.name else 2
    each = _each(kernel, stride, padding, args[4] if is_dilated else (1,), axes=axes)
    return view.sliding(run.output, [(d * (k - 1), p, s) for k, s, p, d in each])


def _pooled_to_cells(view: View, run: Operation, known: Known) -> View:
    """Cells of a map: the widest one, and the mean step between them."""
    axes = 3 if "3d" in run.name else 2
    windows = [
        (max(adaptive_cells(units, cells)) - 1, 0, Fraction(units, cells))
        for units, cells in zip(known[0][0].shape[-axes:], run.output.shape[-axes:], strict=True)
    ]
    return view.sliding(run.output, windows)


def _upsampled(view: View, run: Operation, known: Known) -> View:
    how = run.name.removeprefix("upsample_").rstrip("123d_a").removesuffix("_a")
    reach = _INTERPOLATED.get(how, 1) - 1
    axes = run.output.dim() - 2
    windows = [
        (reach, (reach + 1) // 2, Fraction(units, side))
        for units, side in zip(known[0][0].shape[-axes:], run.output.shape[-axes:], strict=True)
    ]
    return view.sliding(run.output, windows)


def _padded(view: View, run: Operation, known: Known) -> View:
    """A larger map, or a smaller one: [before the last dimension, behind it, before …]."""
    pads = run.args[1] if len(run.args) > 1 else None
    if not isinstance(pads, (list, tuple)) or run.output.dim() != len(view.layout):
        return view.unknown(run.output)
    windows = [(0, front, 1) for front in reversed(pads[::2])]
    seen = view.sliding(run.output, windows)
    sized = [
        parts if prod(part.size for part in parts) == side else (row_of(parts)._replace(size=side),)
        for parts, side in zip(seen.layout, run.output.shape, strict=True)
    ]
    return seen._replace(layout=tuple(sized))


def _unfolded(view: View, run: Operation, known: Known) -> View:
    """F.unfold: windows (N, C, H, W) as features (N, C·k·k, L)."""
    _, kernel, dilation, padding, stride = run.args
    height, width = (row_of(parts) for parts in view.layout[-2:])
    if SEVERAL in (height.axis, width.axis) or len(view.layout) != 4:
        return view.unknown(run.output)
    inside, places, axes = [], [], list(view.axes)
    sides = known[0][0].shape[-2:]
    for row, side, (k, d, p, s) in zip(
        (height, width), sides, _each(kernel, dilation, padding, stride), strict=True
    ):
        inside.append(row._replace(size=k, jump=row.jump * d))
        places.append(row._replace(size=(side + 2 * p - d * (k - 1) - 1) // s + 1))
        places[-1] = places[-1]._replace(jump=row.jump * s)
        if row.axis is not None:
            axes[row.axis] = axes[row.axis].reaching(0, p * row.jump)
    layout = (view.layout[0], (*view.layout[1], *inside), tuple(places))
    return view._replace(axes=tuple(axes), layout=layout)


def _folded(view: View, run: Operation, known: Known) -> View:
    """F.fold: windows (N, C·k·k, L) added up to a map, as a transposed convolution does."""
    _, sides, kernel, dilation, padding, stride = run.args
    each = _each(kernel, dilation, padding, stride)
    counts = [
        (side + 2 * p - d * (k - 1) - 1) // s + 1
        for side, (k, d, p, s) in zip(sides, each, strict=True)
    ]
    rows = [part for part in view.layout[-1] if part.size > 1]
    wanted = [count for count in counts if count > 1]
    if [row.size for row in rows] != wanted or any(row.axis in (None, SEVERAL) for row in rows):
        return view.unknown(run.output)
    left = iter(rows)
    places = [(next(left) if count > 1 else Part(1),) for count in counts]
    windows = [
        (Fraction(d * (k - 1) + 1, s) - 1, (d * (k - 1) - p) // s, Fraction(1, s))
        for k, d, p, s in each
    ]
    seen = view.mixing((len(view.layout) - 2,))
    channels = (Part(run.output.shape[-3]),)
    return seen._replace(layout=(*view.layout[:-2], channels, *places)).sliding(run.output, windows)


def _shuffled(view: View, run: Operation, known: Known) -> View:
    """Pixels made of channels (N, C·r·r, H, W)."""
    seen, factor = view.mixing((-3,)), run.args[1]
    rows = [(*parts, Part(factor)) for parts in view.layout[-2:]]
    channels = (Part(run.output.shape[-3]),)
    return seen._replace(layout=(*view.layout[:-3], channels, *rows))


def _unshuffled(view: View, run: Operation, known: Known) -> View:
    """Channels made of pixels."""
    factor = run.args[1]
    rows = [row_of(parts) for parts in view.layout[-2:]]
    if any(row.axis == SEVERAL for row in rows):
        return view.unknown(run.output)
    channels = (*view.layout[-3], *(row._replace(size=factor) for row in rows))
    fewer = [
        (Part(side, row.axis, row.jump * factor),)
        for row, side in zip(rows, run.output.shape[-2:], strict=True)
    ]
    return view._replace(layout=(*view.layout[:-3], channels, *fewer))


# Along dimensions ----------------------------------------------------------------------------


def _reduced(view: View, run: Operation, known: Known) -> View:
    """sum, mean, max, topk: all units along some dimensions together."""
    dims = reduced_dims(run)
    if dims is None:
        return _unit_by_unit(view, run, known)
    is_kept = run.output.dim() == len(view.layout)
    layout = []
    for dim, parts in enumerate(view.layout):
        if dim not in dims:
            layout.append(parts)
        elif is_kept:
            row, side = row_of(parts), run.output.shape[dim]
            layout.append((Part(side, row.axis, row.jump * row.size) if side == 1 else Part(side),))
    return view.mixing(dims)._replace(layout=tuple(layout))


def _along(view: View, run: Operation, known: Known) -> View:
    """cumsum, softmax, sort and what reads by an index: all units along a dimension may count."""
    place = 2 if run.name == "roll" else 1  # behind the shifts
    given = run.args[place] if len(run.args) > place else -1
    dims = {dim % len(view.layout) for dim in (given if isinstance(given, list) else [given])}
    return _replaced(view.mixing(dims), run.output, dims)


def _replaced(view: View, output: Tensor, dims: Iterable[int]) -> View:
    """With other units along these dimensions where their number has changed."""
    if len(view.layout) != output.dim():
        return view.unknown(output)
    layout = tuple(
        (Part(side),) if dim in dims and prod(part.size for part in parts) != side else parts
        for dim, (parts, side) in enumerate(zip(view.layout, output.shape, strict=True))
    )
    return view._replace(layout=layout)


def _indexed(view: View, run: Operation, known: Known) -> View:
    """x[:, numbers]: any unit along the dimensions that are picked from."""
    dims = [dim for dim, numbers in enumerate(run.args[1]) if numbers is not None]
    seen = view.mixing(dims)
    if dims != list(range(dims[0], dims[-1] + 1)):
        return seen.unknown(run.output)
    others = len(view.layout) - len(dims)
    picked = run.output.shape[dims[0] : dims[0] + run.output.dim() - others]
    rows = ((Part(side),) for side in picked)
    return seen._replace(layout=(*view.layout[: dims[0]], *rows, *view.layout[dims[-1] + 1 :]))


def _concatenated(view: View, run: Operation, known: Known) -> View:
    """Side by side along one dimension, in its place along the others."""
    output = run.output
    dim = (run.args[1] if len(run.args) > 1 else 0) % output.dim()
    known = [(tensor, seen) for tensor, seen in known if len(seen.layout) == output.dim()]
    if not known:
        return view.unknown(output)
    rows = [row_of(seen.layout[dim]) for _, seen in known]
    along = [
        (row, seen) for row, (_, seen) in zip(rows, known, strict=True) if row.axis is not None
    ]
    row = along[0][0]._replace(size=output.shape[dim]) if along else Part(output.shape[dim])
    axes = list(view.axes)
    if row.axis is not None and not _continues(along):
        row = Part(row.size, SEVERAL)
    elif row.axis is not None:  # beside each other: no unit sees them all
        axes[row.axis] = reduce(Axis.beside, (seen.axes[row.axis] for _, seen in along))
    layout = [
        next((one for one in each if any(part.axis is not None for part in one)), each[0])
        for each in zip(*(seen.layout for _, seen in _widest(known)), strict=True)
    ]
    layout[dim] = (row,)
    return view._replace(axes=tuple(axes), layout=tuple(layout))


def _continues(rows: list[tuple[Part, View]]) -> bool:
    """Whether each of these begins where the one before has ended, so that they are one row."""
    for (first, seen), (second, other) in pairwise(rows):
        if first.axis != second.axis or first.jump != second.jump or first.axis == SEVERAL:
            return False
        end = seen.axes[first.axis or 0].start + first.size * first.jump
        if end != other.axes[first.axis or 0].start:
            return False
    return rows[0][0].axis != SEVERAL


def _stacked(view: View, run: Operation, known: Known) -> View:
    """Along a dimension of their own."""
    dim = (run.args[1] if len(run.args) > 1 else 0) % run.output.dim()
    layout = _widest(known)[0][1].layout
    return view._replace(layout=(*layout[:dim], (Part(run.output.shape[dim]),), *layout[dim:]))


def _repeated(view: View, run: Operation, known: Known) -> View:
    """x.repeat: the same units again behind the last."""
    times = run.args[1]
    added = len(times) - len(view.layout)
    rows = [((),) * added, view.layout]
    layout = [
        (Part(count), *parts) if count > 1 or not parts else parts
        for count, parts in zip(times, (*rows[0], *rows[1]), strict=True)
    ]
    return view._replace(layout=tuple(layout))


def _joined(views: list[View]) -> View:
    """What all of them see together, with the layout of the first."""
    axes = together([view.axes for view in views])
    return View(tuple(axes), max(view.depth for view in views), views[0].layout)


def _widest(known: Known) -> Known:
    return sorted(known, key=lambda one: one[1].width, reverse=True)


def _each(*sizes: Any, axes: int = 0) -> list[tuple[Any, ...]]:
    """Each axis with its own of these sizes; one number stands for all axes."""
    if not axes and len({*map(len, sizes)}) == 1:
        return list(zip(*sizes, strict=True))
    count = axes or max(len(size) for size in sizes)
    return list(zip(*([*size] * count if len(size) == 1 else size for size in sizes), strict=True))

"""How one unit of a map looks back at the image: receptive field and depth, step by step."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cache
from math import ceil, prod
from typing import Any, NamedTuple

from core.analysis.operations import Operation, adaptive_cells, pooled_axes
from core.analysis.records import Sides

_MAX_VIEW = 2**62  # wider than any known receptive field: where attention looked, it stays unknown
_INTERPOLATED = {"linear": 2, "bilinear": 2, "trilinear": 2, "bicubic": 4}  # units it looks at
_SHAPING = frozenset(  # may fold pixels
    ("view", "_unsafe_view", "reshape", "_reshape_alias", "clone")
    + ("pixel_shuffle", "pixel_unshuffle")
)
_CUTTING = ("index", "index_select", "narrow", "as_strided", "im2col", "col2im", "unfold")
_REDUCING = (
    *("mean", "amax", "amin", "sum", "max", "min", "std", "var", "logsumexp", "prod", "topk"),
    *("norm", "linalg_vector_norm"),
)

_Length = int | Fraction  # pixels of the image


class Axis(NamedTuple):
    """Along one axis of the image: height, width, time."""

    field: _Length | None = 1  # pixels that a unit sees; None after attention, which looks anywhere
    jump: _Length = 1  # pixels between neighboring units
    side: int = 1  # units

    def slide(self, reach: Any, stride: Any, side: int) -> Axis:
        """After a window that reaches `reach` units beyond its first one (Araujo 2019, eq. 2)."""
        seen = None if self.field is None else self.field + reach * self.jump
        return Axis(seen, _whole(self.jump * stride), side)


class View(NamedTuple):
    """How one unit of a tensor looks back at the image."""

    axes: tuple[Axis, ...] = ()
    depth: int = 0  # weight layers so far

    @classmethod
    def of_input(cls, shape: tuple[int, ...]) -> View:
        """Of the input (N, C, …) itself; one of (N, features) has no axis."""
        return cls(tuple(Axis(side=side) for side in shape[2:]))

    @property
    def receptive_field(self) -> Sides | None:
        """Pixels that one unit sees: a number where all axes agree; None after attention."""
        fields = [axis.field for axis in self.axes]
        if not fields or any(field is None for field in fields):
            return None if fields else 1
        whole = tuple(ceil(field) for field in fields if field is not None)
        return whole[0] if len(set(whole)) == 1 else whole

    @property
    def width(self) -> _Length:
        """How much of the image it sees, to compare."""
        fields = [axis.field for axis in self.axes]
        return _MAX_VIEW if None in fields else prod(field for field in fields if field is not None)

    def see_all(self, depth: int, among: tuple[int, ...] | None = None) -> View:
        """After an operation that takes all units of these axes together, or of every one."""
        axes = [
            axis.slide(axis.side - 1, 1, 1) if among is None or index in among else axis
            for index, axis in enumerate(self.axes)
        ]
        return View(tuple(axes), self.depth + depth)

    def unknown(self) -> View:
        """After an operation that looks anywhere."""
        return self._replace(axes=tuple(axis._replace(field=None) for axis in self.axes))

    def after(self, run: Operation, has_weights: bool, batch: int) -> View:
        """After one operation; `has_weights`: whether it reads parameters."""
        if run.kind == "convolution":
            return self._convolved(run)._replace(depth=self.depth + 1)
        if run.kind == "linear":
            if not has_weights:
                return self.unknown()
            flat = run.sources[0].dim() <= 2 and run.sources[0].shape[0] == batch
            return self.see_all(depth=1) if flat else self._replace(depth=self.depth + 1)
        if run.name in _REDUCING:
            axes = pooled_axes(run)
            is_flat = run.sources[0].dim() < len(self.axes) + 2  # all pixels in one dimension
            return self.see_all(0, None if is_flat else axes) if axes else self
        look = _looks_at(run.name)
        return look(self, run) if look else self

    # Windows ---------------------------------------------------------------------------------

    def _convolved(self, run: Operation) -> View:
        if run.name not in ("convolution", "_convolution"):  # deformable: it looks anywhere
            return self.unknown()
        weight, stride, dilation, transposed = run.args[1], run.args[3], run.args[5], run.args[6]
        kernel, sides = weight.shape[2:], run.output.shape[2:]
        axes = []
        for axis, k, s, d, side in _along(self.axes, kernel, stride, dilation, sides):
            reach = d * (k - 1)
            if transposed:  # a unit reads every s-th place of the kernel
                axes.append(axis.slide(ceil((reach + 1) / s) - 1, Fraction(1, s), side))
            else:
                axes.append(axis.slide(reach, s, side))
        return self._replace(axes=tuple(axes))

    def _pooled(self, run: Operation) -> View:
        kernel = run.args[1]
        stride = run.args[2] if len(run.args) > 2 and run.args[2] else kernel
        is_dilated = run.name.startswith("max_pool") and len(run.args) > 4
        dilation = run.args[4] if is_dilated else (1,)
        axes = [
            axis.slide(d * (k - 1), s, side)
            for axis, k, s, d, side in _along(
                self.axes, kernel, stride, dilation, run.output.shape[2:]
            )
        ]
        return self._replace(axes=tuple(axes))

    def _pooled_to_cells(self, run: Operation) -> View:
        """An adaptive pooling: the widest cell, and the mean step between cells."""
        axes = [
            axis.slide(max(adaptive_cells(axis.side, side)) - 1, Fraction(axis.side, side), side)
            for axis, side in zip(self.axes, run.output.shape[-len(self.axes) :], strict=False)
        ]
        return self._replace(axes=tuple(axes)) if len(axes) == len(self.axes) else self

    def _upsampled(self, run: Operation) -> View:
        how = run.name.removeprefix("upsample_").rstrip("123d_a").removesuffix("_a")
        reach = _INTERPOLATED.get(how, 1) - 1
        sides = run.output.shape[2:]
        axes = [
            axis.slide(reach, Fraction(axis.side, side), side)
            for axis, side in zip(self.axes, sides, strict=False)
        ]
        return self._replace(axes=tuple(axes)) if len(axes) == len(self.axes) else self

    def _accumulated(self, run: Operation) -> View:
        """cumsum and its like: each unit sees those before it."""
        dim = int(run.args[1]) % run.output.dim() - 2
        return self.see_all(0, (dim,))._with_sides(self) if dim >= 0 else self

    def _with_sides(self, other: View) -> View:
        sides = zip(self.axes, other.axes, strict=True)
        return self._replace(axes=tuple(axis._replace(side=was.side) for axis, was in sides))

    # Form ------------------------------------------------------------------------------------

    def _sliced(self, run: Operation) -> View:
        """x[…, ::2]: every second unit."""
        dim = (run.args[1] if len(run.args) > 1 else 0) % run.output.dim() - 2
        step = run.args[4] if len(run.args) > 4 else 1
        if not 0 <= dim < len(self.axes) or run.output.dim() != len(self.axes) + 2:
            return self
        axes = list(self.axes)
        axes[dim] = axes[dim].slide(0, step, run.output.shape[dim + 2])
        return self._replace(axes=tuple(axes))

    def _shaped(self, run: Operation) -> View:
        """A map again, perhaps with pixels made of channels (pixel shuffle) or the reverse."""
        output = run.output
        if output.dim() != len(self.axes) + 2 or not output.numel():
            return self
        steps = {
            Fraction(axis.side, side)
            for axis, side in zip(self.axes, output.shape[2:], strict=True)
        }
        step = steps.pop() if len(steps) == 1 else Fraction(1)
        if step == 1 or 1 not in (step.numerator, step.denominator):
            return self
        axes = [
            axis.slide(max(0, step - 1), step, side)
            for axis, side in zip(self.axes, output.shape[2:], strict=True)
        ]
        return self._replace(axes=tuple(axes))

    def _cropped(self, run: Operation) -> View:
        """A map of another size by padding or cutting: the units are as far apart as before."""
        output, sides = run.output, run.output.shape[2:]
        if output.dim() != len(self.axes) + 2 or sides == tuple(a.side for a in self.axes):
            return self
        axes = [axis._replace(side=side) for axis, side in zip(self.axes, sides, strict=True)]
        return self._replace(axes=tuple(axes))


@cache
def _looks_at(name: str) -> Callable[[View, Operation], View] | None:
    """How an operation of this name changes what a unit sees; None where it does not."""
    if name.startswith(("upsample_", "max_unpool")):
        return View._upsampled
    if name.startswith(("_fft_", "grid_sampler")):
        return lambda view, run: view.unknown()
    if name.startswith("cum"):
        return View._accumulated
    if "adaptive" in name:
        return View._pooled_to_cells
    if "pool" in name:
        return View._pooled
    if name == "slice":
        return View._sliced
    if name in _SHAPING:
        return View._shaped
    return View._cropped if "pad" in name or name in _CUTTING else None


def _along(axes: tuple[Axis, ...], *sizes: Any) -> Any:
    """Each axis with its own of these sizes; one number stands for all axes."""
    count = len(axes)
    each = [[*size] * count if len(size) == 1 else size[-count:] for size in sizes]
    return zip(axes, *each, strict=False)


def _whole(length: _Length) -> _Length:
    """A whole number where it is one: fractions are slow."""
    is_whole = type(length) is Fraction and length.denominator == 1
    return int(length) if is_whole else length


def joined(views: list[View]) -> View:
    """How a tensor made of several looks back: with the widest, through the deepest."""
    if len(views) == 1:
        return views[0]
    widest = max(views, key=lambda view: (view.width, view.depth))
    return widest._replace(depth=max(view.depth for view in views))

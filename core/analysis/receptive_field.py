"""How one unit of a map looks back at the image: receptive field and depth, step by step."""

from __future__ import annotations

from typing import NamedTuple

from core.analysis.operations import Operation
from core.analysis.tensors import BATCH

_MAX_VIEW = 2**62  # wider than any known receptive field: where attention looked, it stays unknown


class View(NamedTuple):
    """How one unit of a tensor looks back at the image."""

    receptive_field: int | None = 1  # pixels a side; None after attention, which looks anywhere
    jump: int = 1  # pixels between neighboring units
    side: int = 1  # units a side
    depth: int = 0  # weight layers so far

    def slide(self, kernel: int, stride: int, dilation: int, side: int, depth: int) -> View:
        """After a window of `kernel` units (Dumoulin & Visin 2016; Araujo et al. 2019, eq. 2)."""
        reach = dilation * (kernel - 1) * self.jump
        seen = None if self.receptive_field is None else self.receptive_field + reach
        return View(seen, self.jump * stride, side, self.depth + depth)

    def see_all(self, depth: int) -> View:
        """After an operation that reads the whole map: global pooling, or Linear on a flat map."""
        return self.slide(self.side, 1, 1, 1, depth)

    def after(self, run: Operation, has_weights: bool) -> View:
        """After one operation; `has_weights`: whether it reads parameters."""
        if run.kind == "convolution":
            kernel, stride, dilation = run.args[1].shape[-1], run.args[3][-1], run.args[5][-1]
            return self.slide(kernel, stride, dilation, run.output.shape[-1], depth=1)
        if run.name in ("max_pool2d", "avg_pool2d"):
            kernel = run.args[1][-1]
            stride = run.args[2][-1] if len(run.args) > 2 and run.args[2] else kernel
            return self.slide(kernel, stride, 1, run.output.shape[-1], depth=0)
        if run.name in ("mean", "_adaptive_avg_pool2d"):
            return self.see_all(depth=0)
        if run.kind == "linear":
            if not has_weights:
                return self._replace(receptive_field=None)
            flat = run.sources[0].shape[0] == BATCH
            return self.see_all(depth=1) if flat else self._replace(depth=self.depth + 1)
        return self


def joined(views: list[View]) -> View:
    """How a tensor made of several looks back: with the widest, through the deepest."""
    if len(views) == 1:
        return views[0]
    widest = max(views, key=lambda view: (view.receptive_field or _MAX_VIEW, view.depth))
    return widest._replace(depth=max(view.depth for view in views))

"""Each convolution of the two course nets beside what the device lets it, and where the rest goes.

Measured alone, as the training loop has it: forward, the gradient of its input, the gradient of its
weights. Its time is then split: what the roofs ask for (core.measure.roofline); what a convolution
takes before it begins; what it would not take if its channels filled the lanes of the processor, as
measured on one that does; and the rest, which its small maps, threads and layouts take.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING

from tools.bench.figures import ROUNDS, Row, lanes, machine, row, run_spec
from tools.bench.kept import results_folder

if TYPE_CHECKING:
    from torch import Tensor

    from core.analysis.records import LayerCost

NETWORKS = ("course-residual/1/28/1/10", "course-inception/1/28/1/10")
_WORK = ("forward", "gradient of the input", "gradient of the weights")
_TURN_SECONDS = 0.02


@dataclass(frozen=True)
class Convolution:
    """One of them, or another of its kind: channels, kernel, padding, the map it reads."""

    batch: int
    in_channels: int
    out_channels: int
    kernel: tuple[int, int]
    padding: tuple[int, int]
    sides: tuple[int, int]

    @classmethod
    def of(cls, layer: LayerCost, batch: int) -> Convolution:
        """A layer's."""
        assert layer.window is not None and layer.window.stride == (1, 1)
        _n, in_channels, height, width = layer.input_shape
        window = layer.window
        return cls(
            batch,
            in_channels,
            layer.output_shape[1],
            window.kernel,
            window.padding,
            (height, width),
        )

    @property
    def flops(self) -> int:
        """Of each of its three pieces of work."""
        rows, columns = (
            side + 2 * padding - kernel + 1
            for side, padding, kernel in zip(self.sides, self.padding, self.kernel, strict=True)
        )
        weights = self.in_channels * self.out_channels * self.kernel[0] * self.kernel[1]
        return 2 * self.batch * rows * columns * weights

    def filled(self, lanes: int) -> Convolution:
        """The next larger one whose channels fill the lanes."""
        full = [-(-count // lanes) * lanes for count in (self.in_channels, self.out_channels)]
        return replace(self, in_channels=full[0], out_channels=full[1])

    def work(self) -> dict[str, Callable[[], object]]:
        """Its three pieces of work, channels last."""
        import torch

        def random(*shape: int) -> Tensor:
            return torch.rand(shape).to(memory_format=torch.channels_last)

        images = random(self.batch, self.in_channels, *self.sides)
        weights = random(self.out_channels, self.in_channels, *self.kernel)
        bias = torch.rand(self.out_channels)
        padding = list(self.padding)
        forward = torch.ops.aten.convolution
        backward = torch.ops.aten.convolution_backward
        ones, no_padding = [1, 1], [0, 0]

        def maps() -> Tensor:
            return forward(images, weights, bias, ones, padding, ones, False, no_padding, 1)

        gradient = torch.rand_like(maps())

        def gradients(*wanted: bool) -> object:
            return backward(
                gradient, images, weights, [self.out_channels], ones, padding, ones, False,
                no_padding, 1, list(wanted),
            )  # fmt: skip

        return dict(
            zip(
                _WORK,
                (
                    maps,
                    lambda: gradients(True, False, False),
                    lambda: gradients(False, True, True),
                ),
                strict=True,
            )
        )


def roofline() -> list[Row]:
    """For each net the share that it reaches and where the distance lies; all of it as CSV."""
    import pandas as pd
    import torch

    from core.measure.roofs import arithmetic_peak, memory_peak

    with torch.no_grad():
        peak, moved = arithmetic_peak(torch.device("cpu")), memory_peak(torch.device("cpu"))
        pieces = [piece for network in NETWORKS for piece in _pieces(network, peak, moved)]
    frame = pd.DataFrame(pieces)
    frame["machine"] = machine()
    path = results_folder() / f"roofline-{time.strftime('%Y%m%d-%H%M%S')}.csv"
    frame.to_csv(path, index=False, float_format="%.5g")
    print(frame.drop(columns=["machine"]).to_string(index=False, float_format="%.3g"))
    print(f"kept in {path}")
    rows = [
        row("the most that this machine computes", peak / 1e9, "GFLOP/s", ""),
        row("memory, read and written", moved / 1e9, "GB/s", ""),
    ]
    for network, its in frame.groupby("network", sort=False):
        total = its["seconds"].sum()
        for part in ("attainable", "before it begins", "empty lanes", "rest"):
            value = 100 * (its[part] * its["seconds"]).sum() / total
            rows.append(row(f"{network}: convolutions' time, {part}", value, "%", ""))
    return rows


def _pieces(network: str, peak: float, moved: float) -> Iterator[dict[str, object]]:
    """Every piece of work of every convolution of a net."""
    from core.analysis import analyze
    from core.measure.roofline import moved_bytes

    width = lanes()
    started = {name: min(_seconds(work)) for name, work in _SMALLEST.work().items()}
    spec = run_spec(network, "mnist", "published-course")
    batch = spec.recipe.batch_size
    layers = analyze(spec.model).layers
    for layer in (layer for layer in layers if layer.kind == "convolution"):
        convolution = Convolution.of(layer, batch)
        filled = convolution.filled(width)
        filled_work = filled.work()
        for name, work in convolution.work().items():
            if name == "gradient of the input" and layer.backward_macs == layer.macs:
                continue  # nobody needs that of the images
            seconds, of_filled = median(_seconds(work)), median(_seconds(filled_work[name]))
            limit = min(peak, moved * convolution.flops / moved_bytes(layer, batch))
            least = convolution.flops / limit
            start = max(0.0, min(started[name], seconds - least))
            empty = max(0.0, seconds - of_filled * convolution.flops / filled.flops)
            empty = min(empty, max(0.0, seconds - least - start))
            yield {
                "network": spec.model.arch,
                "layer": layer.path,
                "work": name,
                "channels": f"{convolution.in_channels} to {convolution.out_channels}",
                "seconds": seconds,
                "filled seconds": of_filled,
                "GFLOP/s": convolution.flops / seconds / 1e9,
                "attainable GFLOP/s": limit / 1e9,
                "attainable": least / seconds,
                "before it begins": start / seconds,
                "empty lanes": empty / seconds,
                "rest": (seconds - least - start - empty) / seconds,
            }


_SMALLEST = Convolution(1, 1, 1, (1, 1), (0, 0), (1, 1))  # all of its time is its start


def _seconds(work: Callable[[], object]) -> list[float]:
    """Of one time, over several turns; each turn has many."""
    for _ in range(3):
        work()
    began = time.perf_counter()
    work()
    times = max(1, int(_TURN_SECONDS / (time.perf_counter() - began)))
    turns = []
    for _ in range(2 * ROUNDS):
        began = time.perf_counter()
        for _ in range(times):
            work()
        turns.append((time.perf_counter() - began) / times)
    return turns

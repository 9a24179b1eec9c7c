"""Which channels of a network never say anything: every convolution over the test images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor

from core.analysis import analyze
from core.analysis.records import Analysis, LayerCost
from core.inside.activity_records import Activity, ChannelActivity, LayerActivity
from core.inside.one_image import network_of
from core.inside.row_watcher import RowWatcher
from core.inside.tested import TestImages, images_within
from core.inside.weights import Weights
from core.specs import LabError

_RESULTS = 8  # that are told while it goes on
_PASSED = ("normalisation", "pooling", "activation")  # between a convolution and its ReLU


class _Channels:
    """What is known of a layer's channels so far."""

    def __init__(self, count: int) -> None:
        self.maximum = torch.full((count,), -torch.inf)
        self.minimum = torch.full((count,), torch.inf)
        self.total = torch.zeros(count, dtype=torch.float64)
        self.active = torch.zeros(count, dtype=torch.int64)
        self.numbers, self.images = 0, 0  # of a channel

    def add(self, output: Tensor) -> None:
        """Those of a batch (N, C, …)."""
        each = output.flatten(2)
        highest = each.amax(2)
        self.maximum = self.maximum.maximum(highest.amax(0))
        self.minimum = self.minimum.minimum(each.amin((0, 2)))
        self.total += each.sum((0, 2), dtype=torch.float64)
        self.active += (highest > 0).sum(0)
        self.numbers += each.shape[0] * each.shape[2]
        self.images += each.shape[0]

    @property
    def summary(self) -> tuple[ChannelActivity, ...]:
        """Each channel."""
        columns = zip(
            self.maximum.tolist(),
            self.minimum.tolist(),
            (self.total / max(1, self.numbers)).tolist(),
            (self.active / max(1, self.images)).tolist(),
            strict=True,
        )
        return tuple(ChannelActivity(number, *values) for number, values in enumerate(columns))


def measure_activity(weights: Weights, dataset: str) -> Iterator[Activity]:
    """Every convolution's channels over the test images; yields what is known so far.

    Of a large network over the first of them. Raises LabError where the data set is not here, or
    the network has no convolution.
    """
    analysis = analyze(weights.spec)
    rows = read_rows(analysis)
    if not rows:
        raise LabError("This network has no convolution, so it has no channels.")
    most = images_within(analysis.totals.macs)
    images = TestImages.of(weights, dataset, most)
    shapes = {row.path: row.output_shape for row in analysis.layers}
    channels = {path: _Channels(shapes[path][1]) for path in rows}
    looks: dict[str, list[_Channels]] = {}
    for path, (read_at, _) in rows.items():
        looks.setdefault(read_at, []).append(channels[path])
    network = network_of(weights)
    batches = -(-len(images.labels) // images.batch_size)
    told = {batches * step // _RESULTS for step in range(1, _RESULTS + 1)}
    for done, (batch, _) in enumerate(images.batches(), start=1):
        with torch.no_grad():
            RowWatcher(
                network, {path: partial(_add_to, known) for path, known in looks.items()}
            ).run(batch)
        if done in told:
            seen = min(len(images.labels), done * images.batch_size)
            layers = tuple(
                LayerActivity(path, *rows[path], channels[path].summary) for path in rows
            )
            yield Activity(done / batches, seen, images.available, layers)


def _add_to(known: Sequence[_Channels], output: Tensor) -> None:
    for one in known:
        one.add(output)


def read_rows(analysis: Analysis) -> dict[str, tuple[str, bool]]:
    """By convolution: the row where its channels are read, and whether that is its ReLU.

    The ReLU counts where nothing but normalization, pooling and it reads the convolution: what an
    addition reads besides is no longer the convolution's alone.
    """
    readers: dict[str, list[LayerCost]] = {}
    for row in analysis.layers:
        for path in row.inputs:
            readers.setdefault(path, []).append(row)
    return {
        row.path: _read_at(row, readers)
        for row in analysis.layers
        if row.kind == "convolution" and len(row.output_shape) > 2
    }


def _read_at(row: LayerCost, readers: Mapping[str, Sequence[LayerCost]]) -> tuple[str, bool]:
    at = row
    while len(readers.get(at.path, ())) == 1:
        (at,) = readers[at.path]
        if at.kind not in _PASSED or at.output_shape[1] != row.output_shape[1]:
            break
        if at.operation.lower() == "relu":
            return at.path, True
        if at.kind == "activation":
            break
    return row.path, False

"""Which VGG a network is: the letter in table 1 of arXiv 1409.1556, or where it differs.

Reads only the analysis: what was really built, not what its name says.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import reduce
from itertools import zip_longest

from core.analysis.records import Analysis, LayerCost
from core.language import Message, lazy
from core.zoo.architecture import scaled
from core.zoo.families.vgg import HEAD_WIDTH, TABLE, Block

_WIDEST_DIFFERENCE = 12  # more differing layers than this: no VGG worth naming


@dataclass(frozen=True)
class Convolution:
    """One convolution of a VGG block."""

    kernel: int
    channels: int
    response_norm: bool = False

    def said(self) -> Message:
        """`3×3 to 64`."""
        values = {"kernel": self.kernel, "channels": self.channels}
        if self.response_norm:
            return lazy("{kernel}×{kernel} to {channels} with LRN", **values)
        return lazy("{kernel}×{kernel} to {channels}", **values)


_Blocks = tuple[tuple[Convolution, ...], ...]


@dataclass(frozen=True)
class Configuration:
    """The nearest row of table 1, and in words where the network is not it."""

    letter: str  # A, A-LRN, B, C, D, E
    title: str  # VGG-16
    ratio: int  # by which the table's channels are divided
    differences: tuple[Message, ...]  # empty: it is exactly this configuration

    def sentence(self) -> str:
        """What was built, in one sentence."""
        return str(self.said())

    def said(self) -> Message:
        """The same for a reader of any language."""
        name = self._name()
        if not self.differences:
            return lazy("What was built is {name}.", name=name)
        but = reduce(lambda one, more: lazy("{one}; {more}", one=one, more=more), self.differences)
        return lazy("What was built is nearest to {name}, but {but}.", name=name, but=but)

    def _name(self) -> Message:
        values = {"letter": self.letter, "title": lazy(self.title)}
        if self.ratio == 1:
            return lazy("configuration {letter} ({title}) of arXiv 1409.1556, table 1", **values)
        return lazy(
            "configuration {letter} ({title}) of arXiv 1409.1556, table 1, with its channels"
            " divided by {ratio}",
            ratio=self.ratio,
            **values,
        )


def vgg_configuration(analysis: Analysis) -> Configuration | None:
    """The configuration that the network is or is nearest to; None where it is no VGG."""
    blocks = _built_blocks(analysis)
    if blocks is None:
        return None
    ratios = {analysis.spec.ratio, max(1, 64 // blocks[0][0].channels)}
    candidates = [
        Configuration(letter, title, ratio, tuple(differences(blocks, _table_blocks(rows, ratio))))
        for ratio in sorted(ratios)
        for _, title, rows, letter in TABLE
    ]
    distances = [_distance(blocks, _table_blocks(rows, ratio)) for ratio in sorted(ratios)
                 for _, _, rows, _ in TABLE]  # fmt: skip
    best = min(range(len(candidates)), key=distances.__getitem__)
    if distances[best] > _WIDEST_DIFFERENCE:
        return None
    nearest = candidates[best]
    all_differences = (*nearest.differences, *_head_differences(analysis))
    return replace(nearest, differences=all_differences)


def _built_blocks(analysis: Analysis) -> _Blocks | None:
    """The convolutions between the max-pools; None where the network is no chain of such blocks."""
    blocks: list[list[Convolution]] = [[]]
    previous = "image"
    for layer in analysis.layers:
        if layer.kind == "linear":
            break
        if layer.inputs != (previous,):
            return None  # branches or shortcuts
        previous = layer.path
        if not _add_layer(blocks, layer):
            return None
    if blocks[-1] or len(blocks) < 3:  # the last block, too, ends in a max-pool
        return None
    return tuple(map(tuple, blocks[:-1]))


def _add_layer(blocks: list[list[Convolution]], layer: LayerCost) -> bool:
    """Put the layer into the last block, or begin another; whether a VGG has such a layer."""
    if layer.kind == "convolution" and layer.window:
        square = len(set(layer.window.kernel)) == 1 and layer.window.stride == (1, 1)
        keeps = layer.input_shape[2:] == layer.output_shape[2:] and layer.window.groups == 1
        blocks[-1].append(Convolution(layer.window.kernel[0], layer.output_shape[1]))
        return square and keeps
    if layer.kind == "pooling":
        blocks.append([])
        return bool(layer.window and layer.window.kernel == layer.window.stride == (2, 2)
                    and layer.operation == "MaxPool2d" and blocks[-2])  # fmt: skip
    if layer.operation == "LocalResponseNorm" and blocks[-1]:
        last = blocks[-1][-1]
        blocks[-1][-1] = Convolution(last.kernel, last.channels, response_norm=True)
        return True
    return layer.kind in ("activation", "normalisation", "other")


def _table_blocks(rows: tuple[Block, ...], ratio: int) -> _Blocks:
    """A row of table 1 with its channels divided."""
    return tuple(
        tuple(
            Convolution(kernel, scaled(row.channels, ratio), row.response_norm)
            for kernel in [3] * row.convs + [1] * row.one_by_one
        )
        for row in rows
    )


def _distance(built: _Blocks, table: _Blocks) -> int:
    """How many convolutions differ, block by block; a missing block counts with all of its own."""
    return sum(
        ours != theirs
        for block, row in zip_longest(built, table, fillvalue=())
        for ours, theirs in zip_longest(block, row)
    )


def differences(built: _Blocks, table: _Blocks) -> Iterator[Message]:
    """One clause for each block that differs."""
    for number, (block, row) in enumerate(zip_longest(built, table), start=1):
        if block is None:
            yield lazy("block {number} is missing", number=number)
        elif row is None:
            yield lazy(
                "block {number} ({block}) is one too many", number=number, block=_in_words(block)
            )
        elif block != row:
            yield lazy(
                "block {number} is {block} instead of {row}",
                number=number,
                block=_in_words(block),
                row=_in_words(row),
            )


def _in_words(block: tuple[Convolution, ...]) -> Message:
    """`2 × 3×3 to 64` where all are alike, else each in turn."""
    each = [convolution.said() for convolution in block]
    if len(block) > 1 and len(set(block)) == 1:
        return lazy("{count} × {convolution}", count=len(block), convolution=each[0])
    return reduce(lambda one, more: lazy("{one}, {more}", one=one, more=more), each)


def _head_differences(analysis: Analysis) -> Iterator[Message]:
    """What differs behind the last block: two hidden layers of 4,096 units, then the classes."""
    widths = [layer.output_shape[-1] for layer in analysis.layers if layer.kind == "linear"]
    if len(widths) != 3:
        yield lazy("it has {number} linear layers instead of 3", number=len(widths))
    elif widths[:2] != [HEAD_WIDTH, HEAD_WIDTH]:
        yield lazy(
            "its hidden linear layers have {first:,} and {second:,} units instead of {usual:,}",
            first=widths[0],
            second=widths[1],
            usual=HEAD_WIDTH,
        )
    if analysis.layers[-1].operation == "Sigmoid":
        yield lazy("it ends in a sigmoid")

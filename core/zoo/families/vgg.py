"""The blocks of the VGG family: convolutions and channels of each, and a reader's own as text.

Very Deep Convolutional Networks, arXiv 1409.1556, table 1; as code in "Dive into Deep Learning",
chapter 8.2, from which the default of one input channel and ten classes comes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.language import N_, lazy
from core.specs import LabError, ModelSpec, shown
from core.zoo.architecture import Architecture, Option, built_by, scaled

HEAD_WIDTH = 4096


@dataclass(frozen=True)
class Block:
    """`convs` 3×3 convolutions to `channels`, then a max-pool that halves height and width."""

    convs: int
    channels: int
    one_by_one: bool = False  # a further 1×1 convolution, as in configuration C
    response_norm: bool = False  # local response normalization after the convolution, as in A-LRN


A = (Block(1, 64), Block(1, 128), Block(2, 256), Block(2, 512), Block(2, 512))
_A_LRN = (Block(1, 64, response_norm=True), *A[1:])
B = (Block(2, 64), Block(2, 128), Block(2, 256), Block(2, 512), Block(2, 512))
C = (*B[:2], *(Block(2, channels, one_by_one=True) for channels in (256, 512, 512)))
D = (*B[:2], Block(3, 256), Block(3, 512), Block(3, 512))
E = (*B[:2], Block(4, 256), Block(4, 512), Block(4, 512))

FORUM_ONE_BY_ONE_FROM = 256  # the forum's block adds a 1×1 where its scaled channels reach this
FORUM_ONE_BY_ONES = 3  # how many it adds where no ratio divides the channels


def forum_blocks(ratio: int) -> tuple[Block, ...]:
    """The forum's "VGG-16": a 1×1 convolution only where channels // ratio is still 256 or more."""
    return tuple(
        Block(2, channels, one_by_one=scaled(channels, ratio) >= FORUM_ONE_BY_ONE_FROM)
        for channels in (64, 128, 256, 512, 512)
    )


MAX_BLOCKS, MAX_CONVS, MAX_CHANNELS = 10, 16, 4096
_MAX_CONV_ARCH = 500  # characters
_PAIR = re.compile(r"(\d+)\s*[x×,]\s*(\d+)")  # quadratic where no pair is, so the text is bounded
_BETWEEN_PAIRS = re.compile(r"[\s,;()\[\]]")


def parse_conv_arch(text: str) -> tuple[Block, ...]:
    """`"1x64 1x128 2x256"` or `"(1, 64), (1, 128), (2, 256)"` as blocks; raises LabError."""
    example = lazy(
        "write convolutions x channels for each block, such as 1x64 1x128 2x256 2x512 2x512"
    )
    pairs = _PAIR.findall(text) if len(text) <= _MAX_CONV_ARCH else []
    if not pairs or _BETWEEN_PAIRS.sub("", _PAIR.sub("", text)):
        raise LabError(
            "conv_arch {text} cannot be read; {example}.", text=shown(text), example=example
        )
    blocks = tuple(Block(int(convs), int(channels)) for convs, channels in pairs)
    if len(blocks) > MAX_BLOCKS or any(
        not 1 <= block.convs <= MAX_CONVS or not 1 <= block.channels <= MAX_CHANNELS
        for block in blocks
    ):
        raise LabError(
            "conv_arch takes up to {blocks} blocks of 1 to {convs} convolutions with 1 to"
            " {channels:,} channels; {example}.",
            blocks=MAX_BLOCKS,
            convs=MAX_CONVS,
            channels=MAX_CHANNELS,
            example=example,
        )
    return blocks


def _canonical_conv_arch(text: str) -> str:
    """`conv_arch` in one spelling, so that equal networks have equal specs; raises LabError."""
    return " ".join(f"{block.convs}x{block.channels}" for block in parse_conv_arch(text))


TABLE = (  # name, title, blocks, configuration letter
    ("vgg11", "VGG-11", A, "A"),
    ("vgg11-lrn", N_("VGG-11 with LRN"), _A_LRN, "A-LRN"),
    ("vgg13", "VGG-13", B, "B"),
    ("vgg16-c", N_("VGG-16 with 1×1"), C, "C"),
    ("vgg16", "VGG-16", D, "D"),
    ("vgg19", "VGG-19", E, "E"),
)

_SOURCES = {
    "A": N_("arXiv 1409.1556, table 1, configuration A"),
    "A-LRN": N_("arXiv 1409.1556, table 1, configuration A-LRN"),
    "B": N_("arXiv 1409.1556, table 1, configuration B"),
    "C": N_("arXiv 1409.1556, table 1, configuration C"),
    "D": N_("arXiv 1409.1556, table 1, configuration D"),
    "E": N_("arXiv 1409.1556, table 1, configuration E"),
}

_CUSTOM_OPTIONS = (
    Option(
        "conv_arch",
        N_("Blocks (convolutions x channels)"),
        N_("The chapter's conv_arch: one pair a block, each block ends in a 2×2 max-pool."),
        "1x64 1x128 2x256 2x512 2x512",
        canonical=_canonical_conv_arch,
    ),
    Option(
        "head_width",
        N_("Width of the head"),
        N_("Units in each of the two hidden linear layers; the ratio never divides them."),
        HEAD_WIDTH,
        minimum=1,
        maximum=16_384,
    ),
    Option(
        "last_activation",
        N_("Last activation"),
        N_("The chapter's Keras version ends in a sigmoid, the others in plain logits."),
        "none",
        choices=(("none", N_("none (logits)")), ("sigmoid", "sigmoid")),
    ),
)

ARCHITECTURES = (
    *(
        Architecture(
            name,
            title,
            "VGG",
            2014,
            _SOURCES[config],
            built_by("vgg.vgg", blocks),
            ModelSpec(name),
            config=config,
        )
        for name, title, blocks, config in TABLE
    ),
    Architecture(
        "vgg16-forum",
        N_("VGG-16 from the forum"),
        "VGG",
        2021,
        N_("reader forum under Dive into Deep Learning 8.2"),
        built_by("vgg.forum_vgg"),
        ModelSpec("vgg16-forum"),
    ),
    Architecture(
        "custom-vgg",
        N_("Your own VGG"),
        "VGG",
        2014,
        N_("Dive into Deep Learning 8.2, conv_arch"),
        built_by("vgg.custom_vgg"),
        ModelSpec("custom-vgg"),
        _CUSTOM_OPTIONS,
    ),
)

"""How alike the layers of two networks are, as plain numbers. Imports no torch.

Linear centered kernel alignment, CKA (Kornblith et al. 2019, arXiv 1905.00414, section 3): with the
results X and Y of two layers for the same images, a row an image, every column centered,
‖YᵀX‖² / (‖XᵀX‖ · ‖YᵀY‖) in Frobenius norms. 1: alike but for a rotation and one factor.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod

from core.analysis.records import Analysis, LayerCost
from core.inside.aligned import Pair

MOST_NUMBERS = 16_384  # of a layer's result that are compared; larger maps are averaged down
WORK = 2e10  # multiply-adds that take about a second on one core
_MOST, _FEWEST = 400, 50  # images
_BYTES = 2**29  # of one network's results for all these images


@dataclass(frozen=True)
class LayerSimilarity:
    """Two layers that stand for each other."""

    first: str  # path in the first network
    second: str
    cka: float | None  # 0 to 1; None where one gives every image the same, or no finite numbers


@dataclass(frozen=True)
class Similarity:
    """Two networks, over the same test images."""

    layers: tuple[LayerSimilarity, ...]  # in the order of execution
    images: int  # the first of
    available: int  # images in the test set
    agreed: float | None  # share of the images that both take for the same class; None: no classes

    @property
    def known(self) -> tuple[LayerSimilarity, ...]:
        """The layers that have a number."""
        return tuple(one for one in self.layers if one.cka is not None)


def main_pairs(pairs: Iterable[Pair]) -> list[Pair]:
    """Those of weight layers and joins: what tells a network apart."""
    return [pair for pair in pairs if any(map(_is_main, (pair.first, pair.second)))]


def comparable(pairs: Iterable[Pair]) -> tuple[tuple[str, str], ...]:
    """The paths of layers that both networks have, and whose results have a row for each image."""
    return tuple(
        (pair.first.path, pair.second.path)
        for pair in pairs
        if pair.first is not None and pair.second is not None
        if pair.first.output_shape[:1] == pair.second.output_shape[:1] == (1,)
    )


def images_for(first: Analysis, second: Analysis, paths: Sequence[tuple[str, str]]) -> int:
    """How many images are compared: what takes about two seconds and half a GiB, 50 to 400."""
    held = max(
        _numbers(analysis, {pair[place] for pair in paths})
        for place, analysis in enumerate((first, second))
    )
    quick = 2 * WORK // max(1, first.totals.macs + second.totals.macs)
    return int(max(_FEWEST, min(_MOST, quick, _BYTES // max(1, 4 * held))))


def _numbers(analysis: Analysis, paths: set[str]) -> int:
    """That are held of one image."""
    return sum(
        min(MOST_NUMBERS, prod(layer.output_shape))
        for layer in analysis.layers
        if layer.path in paths
    )


def _is_main(layer: LayerCost | None) -> bool:
    return layer is not None and (layer.macs > 0 or layer.kind == "join")

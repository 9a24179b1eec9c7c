"""Which branch of an Inception block gets most weight, in words. Imports no torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from core.measure.branch_norms import BRANCHES, READERS, BranchNorm
from core.report import formats


def branch_verdict(norms: Sequence[BranchNorm]) -> list[str]:
    """For each block which branch the next layer weighs most, and which has grown most."""
    sentences = []
    for block in READERS:
        branches = [norm for norm in norms if norm.block == block]
        most = max(branches, key=lambda norm: norm.read_with)
        least = min(branches, key=lambda norm: norm.read_with)
        grown = max(branches, key=lambda norm: norm.growth)
        sentences.append(
            f"{block}: the next layer weighs the channels of {BRANCHES[most.branch]} most,"
            f" {most.read_with / least.read_with:.2f} times those of {BRANCHES[least.branch]};"
            f" the weights of {BRANCHES[grown.branch]} are {_grown(grown.growth)} they were"
            " initialized, the most of the four."
        )
    return sentences


def branches_over_seeds(by_seed: Mapping[int, Sequence[BranchNorm]]) -> str:
    """Which branch the next layer weighs most, and in how many of the seeds it does."""
    texts = []
    for block in READERS:
        first = Counter(
            max((norm for norm in norms if norm.block == block), key=_read_with).branch
            for norms in by_seed.values()
        )
        branch, count = first.most_common(1)[0]
        texts.append(f"in {block} {BRANCHES[branch]}, in {count} of {len(by_seed)} seeds")
    return (
        f"The next layer weighs most the channels of this branch: {'; '.join(texts)}. A large"
        " weight is no proof of a useful kernel: the scale of what it reads counts as much."
    )


def _read_with(norm: BranchNorm) -> float:
    return norm.read_with


def _grown(growth: float) -> str:
    """1.31 as "1.31 times as large as", 0.5 as "2 times smaller than"."""
    if growth < 1:
        return formats.times(growth, 1, formats.SIZE)
    return f"{growth:.2f} times as large as"

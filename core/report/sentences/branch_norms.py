"""Which branch of an Inception block gets most weight, in words. Imports no torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from core.language import _, semicolon
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
            _(
                "{block}: the next layer weighs the channels of {most} most, {factor:.2f} times"
                " those of {least}; the weights of {grown} are {growth} they were initialized, the"
                " most of the four.",
                block=block,
                most=_(BRANCHES[most.branch]),
                factor=most.read_with / least.read_with,
                least=_(BRANCHES[least.branch]),
                grown=_(BRANCHES[grown.branch]),
                growth=_grown(grown.growth),
            )
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
        texts.append(
            _(
                "in {block} {branch}, in {count} of {seeds} seeds",
                block=block,
                branch=_(BRANCHES[branch]),
                count=count,
                seeds=len(by_seed),
            )
        )
    return _(
        "The next layer weighs most the channels of this branch: {branches}. A large weight is no"
        " proof of a useful kernel: the scale of what it reads counts as much.",
        branches=semicolon().join(texts),
    )


def _read_with(norm: BranchNorm) -> float:
    return norm.read_with


def _grown(growth: float) -> str:
    """1.31 as "1.31 times as large as", 0.5 as "2 times smaller than"."""
    if growth < 1:
        return formats.times(growth, 1, formats.SIZE)
    return _("{factor:.2f} times as large as", factor=growth)

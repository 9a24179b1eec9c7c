"""The verdict of a study in words: which variants can be told apart. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

from core.report import formats
from core.studies.statistics import (
    ALPHA,
    CONFIDENCE,
    LEAST_SEEDS,
    MOST_SEEDS,
    NO_SPREAD,
    POWER,
    SMALLEST_EFFECT,
    Comparison,
    spread_factor,
)


def pair_sentence(pair: Comparison) -> str:
    """What can be said of one pair."""
    first, second, count = pair.first, pair.second, len(pair.seeds)
    if count < LEAST_SEEDS:
        shared = f"{count} finished seed{'' if count == 1 else 's'}"
        return (
            f"No verdict on {first} and {second}: they share {shared}, and under"
            f" {LEAST_SEEDS} the spread between seeds cannot be judged."
        )
    if pair.p is None:
        return _sentence_without_spread(pair)
    if pair.is_decided:
        assert pair.difference is not None and pair.low is not None and pair.high is not None
        low, high = sorted((abs(pair.low), abs(pair.high)))
        return (
            f"{pair.better} is better than {pair.worse} by"
            f" {formats.points(abs(pair.difference))} points"
            f" ({level(pair)} {formats.points(low)}–{formats.points(high)}), with {count} seeds."
        )
    return (
        f"{first} and {second} cannot be told apart with {count} seeds: {between(pair)};"
        f" {_what_is_needed(pair)}."
    )


def level(pair: Comparison) -> str:
    """The level of its interval: `95 %`, or `99.2 %` where Holm's correction asks for more."""
    return f"{100 * (pair.confidence or CONFIDENCE):.3g} %"


def between(pair: Comparison) -> str:
    """The difference that was seen, with its interval."""
    assert pair.difference is not None and pair.low is not None and pair.high is not None
    seen = formats.signed_points(pair.difference)
    low, high = formats.signed_points(pair.low), formats.signed_points(pair.high)
    return f"{seen} points ({level(pair)} {low} to {high})"


def _what_is_needed(pair: Comparison) -> str:
    """Seeds for SMALLEST_EFFECT to show, or that the interval has no room for it any more."""
    assert pair.low is not None and pair.high is not None
    needed = pair.seeds_needed
    effect = f"a difference of {100 * SMALLEST_EFFECT:.1f} points"
    if max(-pair.low, pair.high) < SMALLEST_EFFECT:
        return f"the interval leaves no room for {effect}"
    if needed is None:
        return f"more than {MOST_SEEDS:,} would be needed for {effect}"
    if needed <= len(pair.seeds):  # by a spread that so few seeds may have shown too small
        return f"more seeds would be needed to settle {effect}"
    return f"about {roughly(needed):,} would be needed for {effect}"


def roughly(count: int) -> int:
    """To one digit that counts from 20 on, as the spread of few seeds is known no better."""
    return count if count < 20 else round(count, 1 - len(str(count)))


def _sentence_without_spread(pair: Comparison) -> str:
    """Of a pair whose difference is the same in every seed."""
    assert pair.difference is not None
    if abs(pair.difference) < NO_SPREAD:
        return (
            f"{pair.first} and {pair.second} are equal in each of {len(pair.seeds)} seeds: that"
            " shows no difference, and without any spread no test can be made."
        )
    return (
        f"No verdict on {pair.first} and {pair.second}: {pair.better} is ahead by exactly"
        f" {formats.points(abs(pair.difference))} points in each of {len(pair.seeds)} seeds, which"
        " leaves a t test no spread to judge by; it needs more seeds."
    )


def headline(pairs: Sequence[Comparison], variants: Sequence[str]) -> str:
    """The verdict on the whole study in one sentence."""
    if len(variants) < 2:
        return "One variant alone cannot be compared; choose at least two."
    if all(len(pair.seeds) < LEAST_SEEDS for pair in pairs):
        return (
            f"No verdict: it takes at least {LEAST_SEEDS} finished seeds of two variants to judge"
            " the spread between seeds."
        )
    decided = [pair for pair in pairs if pair.is_decided]
    if not decided:
        most = max(len(pair.seeds) for pair in pairs)
        which = "The two" if len(variants) == 2 else f"No two of these {len(variants)} variants"
        can = "cannot" if len(variants) == 2 else "can"
        return f"{which} {can} be told apart with {most} seeds."
    for name in variants:
        if sum(pair.better == name for pair in decided) == len(variants) - 1:
            beaten = decided[0].worse if len(variants) == 2 else "each of the others"
            return f"{name} is better than {beaten}."
    unbeaten = [name for name in variants if not any(pair.worse == name for pair in decided)]
    return f"{len(decided)} of {len(pairs)} pairs can be told apart; not beaten: " + (
        ", ".join(unbeaten) + "."
    )


def method(pairs: Sequence[Comparison]) -> str:
    """How the verdict was reached, and how far it goes."""
    count = len(pairs)
    seeds = min((len(pair.seeds) for pair in pairs if pair.p is not None), default=0)
    text = (
        f"From the accuracy after the last epoch: paired t tests over equal seeds with Holm's"
        f" correction over {'all ' if count > 1 else ''}{count} pair{'' if count == 1 else 's'},"
        f" so that any false “better” at all comes in at most {100 * ALPHA:.0f} % of studies. Each"
        f" interval has the level of its step in Holm's procedure (1 − 0.05 ÷ pairs left) and"
        f" excludes zero exactly where the test does; it is never narrower than the plain 95 % one."
        f" The bands of the chart are each variant's own, while the tests pair the seeds, so bands"
        f" may overlap where a pair is told apart. The tests take the differences between seeds to"
        f" be roughly normal, which a few seeds can neither show nor refute; the images are the"
        f" same for every seed, so nothing is said of other images, data sets or longer runs."
        f" Seeds needed: power {100 * POWER:.0f} %, two-sided α = 0.05 ÷ {count}, noncentral t"
    )
    if seeds:
        text += (
            f"; a rough figure, for {seeds} seeds tell the spread only up to a factor of"
            f" {spread_factor(seeds):.1f}, and the seeds needed up to its square"
        )
    return text + "."

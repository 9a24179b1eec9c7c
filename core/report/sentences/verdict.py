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
        by = _distance(pair)
        return f"{pair.better} is better than {pair.worse} by {by}, with {count} seeds."
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


def finding(pairs: Sequence[Comparison], variants: Sequence[str]) -> str:
    """The verdict with its numbers in one sentence: the surest difference, and what it leaves open.

    `Conv shortcut is better than no shortcut by 1.32 points (99.2 % 0.60–2.05); the other 5 pairs
    cannot be told apart with 5 seeds.`
    """
    decided = [pair for pair in pairs if pair.is_decided]
    if not decided:
        return capitalized(headline(pairs, variants))
    beaten = {name: [pair for pair in decided if pair.better == name] for name in variants}
    best = next((name for name in variants if len(beaten[name]) == len(variants) - 1), None)
    if best and len(variants) > 2:
        nearest = min(beaten[best], key=lambda pair: abs(pair.difference or 0.0))
        return capitalized(
            f"{best} is better than each of the others; the nearest, {nearest.worse}, is"
            f" {_distance(nearest)} behind."
        )
    return capitalized(_surest_sentence(pairs, decided))


def _surest_sentence(pairs: Sequence[Comparison], decided: Sequence[Comparison]) -> str:
    """The surest of the differences, and how many other pairs are open."""
    surest = min(decided, key=lambda pair: (pair.holm_p or 0.0, -abs(pair.difference or 0.0)))
    better, worse, by, seeds = surest.better, surest.worse, _distance(surest), len(surest.seeds)
    undecided = [pair for pair in pairs if not pair.is_decided]
    others = len(pairs) - 1
    if not others:
        return f"{better} is better than {worse} by {by}, with {seeds} seeds."
    if not undecided:
        return f"{better} is better than {worse} by {by}; each other pair can be told apart, too."
    if len(undecided) == 1:
        first, second = undecided[0].first, undecided[0].second
        return (
            f"{better} is better than {worse} by {by}; {first} and {second} cannot be told apart"
            f" with {seeds} seeds."
        )
    if len(undecided) == others:
        return (
            f"{better} is better than {worse} by {by}; the other {others} pairs cannot be told"
            f" apart with {seeds} seeds."
        )
    return (
        f"{better} is better than {worse} by {by}; {len(undecided)} of the other {others} pairs"
        " cannot be told apart."
    )


def _distance(pair: Comparison) -> str:
    """`1.32 points (99.2 % 0.60–2.05)`, of a pair that is decided."""
    assert pair.difference is not None and pair.low is not None and pair.high is not None
    low, high = sorted((abs(pair.low), abs(pair.high)))
    seen = formats.points(abs(pair.difference))
    return f"{seen} points ({level(pair)} {formats.points(low)}–{formats.points(high)})"


def capitalized(text: str) -> str:
    """With a large first letter, but where the first word is a name such as `nets.py:Net`."""
    first = text.partition(" ")[0]
    return text[:1].upper() + text[1:] if first.isalpha() else text


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

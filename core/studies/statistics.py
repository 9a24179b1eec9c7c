"""What accuracies over several seeds can tell: intervals, paired tests, seeds needed, verdicts.

Accuracies are fractions, points are hundredths of them. Tests are paired by seed: two variants
with the same seed see the same batches in the same order. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import isfinite, sqrt

import numpy as np
from scipy import stats

ALPHA = 0.05  # for all pairs of a study together, two-sided
POWER = 0.8
CONFIDENCE = 1.0 - ALPHA
LEAST_SEEDS = 3  # under that, no verdict
SMALLEST_EFFECT = 0.001  # a tenth of a point: what the seeds needed are worked out for
MOST_SEEDS = 10_000  # no more are worked out
NO_SPREAD = 1e-12  # differences that vary by less are equal but for rounding

Accuracies = Mapping[int, float]  # of one variant: seed → final accuracy


@dataclass(frozen=True)
class Mean:
    """A mean with its 95 % t interval; without bounds where one value shows no spread."""

    count: int
    mean: float
    low: float | None = None
    high: float | None = None

    @property
    def half(self) -> float | None:
        """Half the width of the interval."""
        return None if self.high is None else self.high - self.mean


def mean_interval(values: Sequence[float]) -> Mean | None:
    """Mean and 95 % t interval of independent values; None of nothing."""
    count = len(values)
    if count == 0:
        return None
    mean = float(np.mean(values))
    if count == 1:
        return Mean(1, mean)
    half = float(stats.t.ppf(0.5 + CONFIDENCE / 2, count - 1) * stats.sem(values))
    return Mean(count, mean, mean - half, mean + half)


def one_more(values: Sequence[float]) -> tuple[float, float] | None:
    """Where one more value would lie with 95 % (a t prediction interval); None under three."""
    if len(values) < LEAST_SEEDS:
        return None
    spread = float(np.std(values, ddof=1)) * sqrt(1 + 1 / len(values))
    half = float(stats.t.ppf(0.5 + CONFIDENCE / 2, len(values) - 1)) * spread
    mean = float(np.mean(values))
    return mean - half, mean + half


@dataclass(frozen=True)
class Comparison:
    """Two variants over the seeds that both have finished."""

    first: str
    second: str
    seeds: tuple[int, ...]
    difference: float | None = None  # mean of first − second
    deviation: float | None = None  # standard deviation of the differences; None under two seeds
    p: float | None = None  # paired t test, two-sided; None where it cannot be made
    holm_p: float | None = None  # Holm's correction over all pairs of the study
    confidence: float | None = None  # of the interval
    low: float | None = None
    high: float | None = None
    pairs: int = 1  # of the study, over which Holm corrects

    @property
    def is_decided(self) -> bool:
        """Whether the two can be told apart."""
        return self.holm_p is not None and self.holm_p <= ALPHA

    @property
    def seeds_needed(self) -> int | None:
        """With which a difference of SMALLEST_EFFECT is found; None: over MOST_SEEDS, or unknown.

        At α ÷ pairs, the strictest step of Holm's procedure.
        """
        return seeds_needed(self.deviation, ALPHA / self.pairs) if self.p is not None else None

    @property
    def better(self) -> str:
        """Of two that differ, the one with the higher mean."""
        return self.first if (self.difference or 0.0) >= 0 else self.second

    @property
    def worse(self) -> str:
        """The other one."""
        return self.second if self.better == self.first else self.first


def compare(variants: Mapping[str, Accuracies]) -> list[Comparison]:
    """Every pair of variants: paired t over equal seeds, Holm's correction over all pairs.

    A pair without a test, for want of seeds or of any spread, counts as one that shows nothing
    (p = 1), so that the correction never becomes milder by it. The interval of a pair has the
    level of the step of Holm's procedure that decides on it: 1 − α/(pairs left), and for the pairs
    behind the first that is not rejected, that pair's level. So it excludes zero exactly where the
    correction rejects, and it is never narrower than the plain 95 % interval.
    """
    pairs = [_pair(a, b, variants[a], variants[b]) for a, b in combinations(variants, 2)]
    pairs = [replace(pair, pairs=len(pairs)) for pair in pairs]
    untested = 1.0
    ps = [untested if pair.p is None else pair.p for pair in pairs]
    order = sorted(range(len(pairs)), key=ps.__getitem__)
    adjusted, level = 0.0, ALPHA / max(1, len(pairs))
    for rank, index in enumerate(order):
        if adjusted <= ALPHA:  # every pair before this one was rejected
            level = ALPHA / (len(pairs) - rank)
        pair = pairs[index]
        if pair.p is not None:
            adjusted = min(1.0, max(adjusted, pair.p * (len(pairs) - rank)))
            pairs[index] = _with_interval(pair, adjusted, 1.0 - level)
        else:
            adjusted = 1.0
    return pairs


def _pair(first: str, second: str, one: Accuracies, other: Accuracies) -> Comparison:
    """The test of one pair, not corrected yet."""
    seeds = tuple(sorted(set(one) & set(other)))
    pair = Comparison(first, second, seeds)
    if not seeds:
        return pair
    differences = np.array([one[seed] - other[seed] for seed in seeds])
    pair = replace(pair, difference=float(differences.mean()))
    if len(seeds) < 2:
        return pair
    pair = replace(pair, deviation=float(differences.std(ddof=1)))
    if len(seeds) < LEAST_SEEDS or np.ptp(differences) < NO_SPREAD:
        return pair
    return replace(pair, p=float(stats.ttest_1samp(differences, 0.0).pvalue))


def _with_interval(pair: Comparison, holm_p: float, confidence: float) -> Comparison:
    """The pair with its corrected p and its interval."""
    assert pair.difference is not None and pair.deviation is not None
    count = len(pair.seeds)
    half = float(stats.t.ppf(0.5 + confidence / 2, count - 1)) * pair.deviation / sqrt(count)
    return replace(
        pair,
        holm_p=holm_p,
        confidence=confidence,
        low=pair.difference - half,
        high=pair.difference + half,
    )


def power(effect: float, deviation: float, count: int, alpha: float = ALPHA) -> float:
    """How often a two-sided paired t test finds a true difference, from the noncentral t.

    `deviation` is that of the differences between the pairs, `count` the number of pairs.
    """
    freedom, shift = count - 1, effect / deviation * sqrt(count)
    critical = float(stats.t.ppf(1 - alpha / 2, freedom))
    found = float(stats.nct.sf(critical, freedom, shift) + stats.nct.cdf(-critical, freedom, shift))
    if isfinite(found) and shift < 37:  # SciPy's noncentral t underflows beyond
        return found
    return float(shift > critical)


def seeds_needed(
    deviation: float | None, alpha: float = ALPHA, effect: float = SMALLEST_EFFECT
) -> int | None:
    """The fewest seeds with which a true `effect` is found with a power of 80 %.

    None when it would be more than MOST_SEEDS, or where the deviation is not known.
    """
    if not deviation:
        return None
    low, high = LEAST_SEEDS, MOST_SEEDS
    if power(effect, deviation, high, alpha) < POWER:
        return None
    while low < high:  # power grows with the number of seeds
        middle = (low + high) // 2
        if power(effect, deviation, middle, alpha) < POWER:
            low = middle + 1
        else:
            high = middle
    return low


def spread_factor(count: int) -> float:
    """By so much the true deviation may exceed one measured on `count` values (95 %, chi²)."""
    return sqrt((count - 1) / float(stats.chi2.ppf(ALPHA / 2, count - 1)))


# In words ------------------------------------------------------------------------------------


def points(fraction: float) -> str:
    """0.0031 as "0.31"."""
    return f"{100 * fraction:.2f}"


def sentence(pair: Comparison) -> str:
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
            f"{pair.better} is better than {pair.worse} by {points(abs(pair.difference))} points"
            f" ({level(pair)} {points(low)}–{points(high)}), with {count} seeds."
        )
    return (
        f"{first} and {second} cannot be told apart with {count} seeds: {between(pair)};"
        f" {what_is_needed(pair)}."
    )


def level(pair: Comparison) -> str:
    """The level of its interval: `95 %`, or `99.2 %` where Holm's correction asks for more."""
    return f"{100 * (pair.confidence or CONFIDENCE):.3g} %"


def between(pair: Comparison) -> str:
    """The difference that was seen, with its interval."""
    assert pair.difference is not None and pair.low is not None and pair.high is not None
    ends = f"{100 * pair.low:+.2f} to {100 * pair.high:+.2f}".replace("-", "−")
    seen = f"{100 * pair.difference:+.2f}".replace("-", "−")
    return f"{seen} points ({level(pair)} {ends})"


def what_is_needed(pair: Comparison) -> str:
    """Seeds for SMALLEST_EFFECT to show, or that the interval has no room for it any more."""
    assert pair.low is not None and pair.high is not None
    effect, needed = f"a difference of {100 * SMALLEST_EFFECT:.1f} points", pair.seeds_needed
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
    assert pair.difference is not None
    if abs(pair.difference) < NO_SPREAD:
        return (
            f"{pair.first} and {pair.second} are equal in each of {len(pair.seeds)} seeds: that"
            " shows no difference, and without any spread no test can be made."
        )
    return (
        f"No verdict on {pair.first} and {pair.second}: {pair.better} is ahead by exactly"
        f" {points(abs(pair.difference))} points in each of {len(pair.seeds)} seeds, which leaves"
        " a t test no spread to judge by; it needs more seeds."
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

"""What accuracies over several seeds can tell: intervals, paired tests, seeds needed.

Accuracies are fractions, points are hundredths of them. Tests are paired by seed: two variants
with the same seed see the same batches in the same order. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations
from math import isfinite, sqrt

import numpy as np
from numpy.typing import NDArray

ALPHA = 0.05  # for all pairs of a study together, two-sided
POWER = 0.8
CONFIDENCE = 1.0 - ALPHA
LEAST_SEEDS = 3  # under that, no verdict
SMALLEST_EFFECT = 0.001  # a tenth of a point: the difference that enough seeds would find
MOST_SEEDS = 10_000  # larger numbers are not computed
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
    half = _t_quantile(CONFIDENCE, count) * (float(np.std(values, ddof=1)) / sqrt(count))
    return Mean(count, mean, mean - half, mean + half)


def _t_quantile(confidence: float, count: int) -> float:
    """How many standard errors a two-sided t interval of so many values reaches to each side."""
    from scipy.special import stdtrit  # SciPy takes half a second: no page's import waits for it

    return float(stdtrit(count - 1, 0.5 + confidence / 2))


def one_more(values: Sequence[float]) -> tuple[float, float] | None:
    """The 95 % t prediction interval of one more value; None of fewer than three values."""
    if len(values) < LEAST_SEEDS:
        return None
    spread = float(np.std(values, ddof=1)) * sqrt(1 + 1 / len(values))
    half = _t_quantile(CONFIDENCE, len(values)) * spread
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
        """How many find a difference of SMALLEST_EFFECT; None: over MOST_SEEDS, or unknown.

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

    A pair that cannot be tested (too few seeds, no spread at all) counts as one that shows nothing
    (p = 1), so that the correction never becomes milder by it. The interval of a pair has the
    level of the step of Holm's procedure that decides on it: 1 − α/(pairs left), and for the pairs
    behind the first that is not rejected, that pair's level. So it excludes zero exactly where the
    correction rejects, and it is never narrower than the plain 95 % interval.
    """
    named = list(combinations(variants, 2))
    pairs = [_pair(first, second, variants, len(named)) for first, second in named]
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


def _pair(first: str, second: str, variants: Mapping[str, Accuracies], pairs: int) -> Comparison:
    """The test of one pair, not corrected yet; `pairs` of the study."""
    seeds = tuple(sorted(set(variants[first]) & set(variants[second])))
    differences = np.array([variants[first][seed] - variants[second][seed] for seed in seeds])
    count = len(seeds)
    has_test = count >= LEAST_SEEDS and np.ptp(differences) >= NO_SPREAD
    return Comparison(
        first,
        second,
        seeds,
        difference=float(differences.mean()) if count else None,
        deviation=float(differences.std(ddof=1)) if count > 1 else None,
        p=paired_t(differences) if has_test else None,
        pairs=pairs,
    )


def paired_t(differences: NDArray[np.float64]) -> float:
    """The two-sided p of the t test that the mean is 0, as scipy.stats.ttest_1samp has it.

    Its checks take a thousand times as long as the test.
    """
    from scipy.special import stdtr

    count = len(differences)
    mean = differences.mean()
    variance = np.mean((differences - mean) ** 2) * (count / (count - 1))
    return float(2 * stdtr(count - 1, -abs(mean) / sqrt(variance / count)))


def _with_interval(pair: Comparison, holm_p: float, confidence: float) -> Comparison:
    """The pair with its corrected p and its interval."""
    assert pair.difference is not None and pair.deviation is not None
    count = len(pair.seeds)
    half = _t_quantile(confidence, count) * pair.deviation / sqrt(count)
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
    from scipy import stats  # takes seconds to import; only the noncentral t needs it

    freedom, shift = count - 1, effect / deviation * sqrt(count)
    critical = _t_quantile(1 - alpha, count)
    share = float(stats.nct.sf(critical, freedom, shift) + stats.nct.cdf(-critical, freedom, shift))
    if isfinite(share) and shift < 37:  # SciPy's noncentral t underflows beyond
        return share
    return float(shift > critical)


@lru_cache(maxsize=1024)  # half a millisecond, and each drawing of a page asks for all pairs
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
    """How many times as large as one measured on `count` values the true deviation may be (95 %).

    From the chi² distribution.
    """
    from scipy.special import chdtri

    return sqrt((count - 1) / float(chdtri(count - 1, 1 - ALPHA / 2)))

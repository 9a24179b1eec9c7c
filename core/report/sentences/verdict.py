"""The verdict of a study in words: which variants can be told apart. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

from core.language import N_, _, comma, ngettext, paragraph
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
    first, second, count = _(pair.first), _(pair.second), len(pair.seeds)
    if count < LEAST_SEEDS:
        return ngettext(
            "No verdict on {first} and {second}: they share {number} finished seed, and under"
            " {least} the spread between seeds cannot be judged.",
            "No verdict on {first} and {second}: they share {number} finished seeds, and under"
            " {least} the spread between seeds cannot be judged.",
            count,
            first=first,
            second=second,
            least=LEAST_SEEDS,
        )
    if pair.p is None:
        return _sentence_without_spread(pair)
    if pair.is_decided:
        return _decided_sentence(pair)
    return _(
        "{first} and {second} cannot be told apart with {count} seeds: {difference}; {needed}.",
        first=first,
        second=second,
        count=count,
        difference=between(pair),
        needed=_what_is_needed(pair),
    )


def _decided_sentence(pair: Comparison) -> str:
    return _(
        "{better} is better than {worse} by {points}, with {count} seeds.",
        better=_(pair.better),
        worse=_(pair.worse),
        points=_distance(pair),
        count=len(pair.seeds),
    )


def level(pair: Comparison) -> str:
    """The level of its interval: `95 %`, or `99.2 %` where Holm's correction asks for more."""
    return f"{100 * (pair.confidence or CONFIDENCE):.3g} %"


def between(pair: Comparison) -> str:
    """The difference that was seen, with its interval."""
    assert pair.difference is not None and pair.low is not None and pair.high is not None
    return _(
        "{points} points ({level} {low} to {high})",
        points=formats.signed_points(pair.difference),
        level=level(pair),
        low=formats.signed_points(pair.low),
        high=formats.signed_points(pair.high),
    )


def _what_is_needed(pair: Comparison) -> str:
    """Seeds for SMALLEST_EFFECT to show, or that the interval has no room for it any more."""
    assert pair.low is not None and pair.high is not None
    needed = pair.seeds_needed
    if max(-pair.low, pair.high) < SMALLEST_EFFECT:
        template = N_("the interval leaves no room for a difference of {effect:.1f} points")
    elif needed is None:
        template = N_("more than {most:,} would be needed for a difference of {effect:.1f} points")
    elif needed <= len(pair.seeds):  # by a spread that so few seeds may have shown too small
        template = N_("more seeds would be needed to settle a difference of {effect:.1f} points")
    else:
        template = N_("about {needed:,} would be needed for a difference of {effect:.1f} points")
    return _(template, effect=100 * SMALLEST_EFFECT, most=MOST_SEEDS, needed=roughly(needed or 0))


def roughly(count: int) -> int:
    """To one digit that counts from 20 on, as the spread of few seeds is known no better."""
    return count if count < 20 else round(count, 1 - len(str(count)))


def _sentence_without_spread(pair: Comparison) -> str:
    """Of a pair whose difference is the same in every seed."""
    assert pair.difference is not None
    template = (
        N_(
            "{first} and {second} are equal in each of {count} seeds: that shows no difference, and"
            " without any spread no test can be made."
        )
        if abs(pair.difference) < NO_SPREAD
        else N_(
            "No verdict on {first} and {second}: {better} is ahead by exactly {points} points in"
            " each of {count} seeds, which leaves a t test no spread to judge by; it needs more"
            " seeds."
        )
    )
    return _(
        template,
        first=_(pair.first),
        second=_(pair.second),
        better=_(pair.better),
        points=formats.points(abs(pair.difference)),
        count=len(pair.seeds),
    )


def headline(pairs: Sequence[Comparison], variants: Sequence[str]) -> str:
    """The verdict on the whole study in one sentence."""
    if len(variants) < 2:
        return _("One variant alone cannot be compared; choose at least two.")
    if all(len(pair.seeds) < LEAST_SEEDS for pair in pairs):
        return _(
            "No verdict: it takes at least {least} finished seeds of two variants to judge the"
            " spread between seeds.",
            least=LEAST_SEEDS,
        )
    decided = [pair for pair in pairs if pair.is_decided]
    if not decided:
        seeds = max(len(pair.seeds) for pair in pairs)
        if len(variants) == 2:
            return _("The two cannot be told apart with {seeds} seeds.", seeds=seeds)
        return _(
            "No two of these {variants} variants can be told apart with {seeds} seeds.",
            variants=len(variants),
            seeds=seeds,
        )
    for name in variants:
        if sum(pair.better == name for pair in decided) == len(variants) - 1:
            if len(variants) > 2:
                return _("{better} is better than each of the others.", better=_(name))
            return _("{better} is better than {worse}.", better=_(name), worse=_(decided[0].worse))
    unbeaten = [name for name in variants if not any(pair.worse == name for pair in decided)]
    return _(
        "{decided} of {pairs} pairs can be told apart; not beaten: {unbeaten}.",
        decided=len(decided),
        pairs=len(pairs),
        unbeaten=comma().join(map(_, unbeaten)),
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
            _(
                "{best} is better than each of the others; the nearest, {nearest}, is {points}"
                " behind.",
                best=_(best),
                nearest=_(nearest.worse),
                points=_distance(nearest),
            )
        )
    return capitalized(_surest_sentence(pairs, decided))


def _surest_sentence(pairs: Sequence[Comparison], decided: Sequence[Comparison]) -> str:
    """The surest of the differences, and how many other pairs are open."""
    surest = min(decided, key=lambda pair: (pair.holm_p or 0.0, -abs(pair.difference or 0.0)))
    undecided = [pair for pair in pairs if not pair.is_decided]
    others = len(pairs) - 1
    if not others:
        return _decided_sentence(surest)
    if not undecided:
        template = N_(
            "{better} is better than {worse} by {points}; each other pair can be told apart, too."
        )
    elif len(undecided) == 1:
        template = N_(
            "{better} is better than {worse} by {points}; {first} and {second} cannot be told apart"
            " with {seeds} seeds."
        )
    elif len(undecided) == others:
        template = N_(
            "{better} is better than {worse} by {points}; the other {others} pairs cannot be told"
            " apart with {seeds} seeds."
        )
    else:
        template = N_(
            "{better} is better than {worse} by {points}; {undecided} of the other {others} pairs"
            " cannot be told apart."
        )
    return _(
        template,
        better=_(surest.better),
        worse=_(surest.worse),
        points=_distance(surest),
        first=_(undecided[0].first) if undecided else "",
        second=_(undecided[0].second) if undecided else "",
        seeds=len(surest.seeds),
        undecided=len(undecided),
        others=others,
    )


def _distance(pair: Comparison) -> str:
    """`1.32 points (99.2 % 0.60–2.05)`, of a pair that is decided."""
    assert pair.difference is not None and pair.low is not None and pair.high is not None
    low, high = sorted((abs(pair.low), abs(pair.high)))
    return _(
        "{points} points ({level} {low}–{high})",
        points=formats.points(abs(pair.difference)),
        level=level(pair),
        low=formats.points(low),
        high=formats.points(high),
    )


def capitalized(text: str) -> str:
    """With a large first letter, but where the first word is a name such as `nets.py:Net`."""
    first = text.partition(" ")[0]
    return text[:1].upper() + text[1:] if first.isalpha() else text


def method(pairs: Sequence[Comparison]) -> str:
    """How the verdict was reached, and how far it goes."""
    return paragraph(
        ngettext(
            "From the accuracy after the last epoch: paired t tests over equal seeds with Holm's"
            " correction over {number} pair, so that any false “better” at all comes in at most"
            " {alpha:.0f} % of studies.",
            "From the accuracy after the last epoch: paired t tests over equal seeds with Holm's"
            " correction over all {number} pairs, so that any false “better” at all comes in at"
            " most {alpha:.0f} % of studies.",
            len(pairs),
            alpha=100 * ALPHA,
        ),
        _(
            "Each interval has the level of its step in Holm's procedure (1 − 0.05 ÷ pairs left)"
            " and excludes zero exactly where the test does; it is never narrower than the plain"
            " 95 % one. The bands of the chart are each variant's own, while the tests pair the"
            " seeds, so bands may overlap where a pair is told apart. The tests take the"
            " differences between seeds to be roughly normal, which a few seeds can neither show"
            " nor refute; the images are the same for every seed, so nothing is said of other"
            " images, data sets or longer runs."
        ),
        _power_sentence(pairs),
    )


def _power_sentence(pairs: Sequence[Comparison]) -> str:
    """How the seeds needed were worked out, and how well they are known."""
    seeds = min((len(pair.seeds) for pair in pairs if pair.p is not None), default=0)
    power = 100 * POWER
    if not seeds:
        return _(
            "Seeds needed: power {power:.0f} %, two-sided α = 0.05 ÷ {pairs}, noncentral t.",
            power=power,
            pairs=len(pairs),
        )
    return _(
        "Seeds needed: power {power:.0f} %, two-sided α = 0.05 ÷ {pairs}, noncentral t; a rough"
        " figure, for {seeds} seeds tell the spread only up to a factor of {factor:.1f}, and the"
        " seeds needed up to its square.",
        power=power,
        pairs=len(pairs),
        seeds=seeds,
        factor=spread_factor(seeds),
    )

"""The verdict of a study in words, and the numbers behind it."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.report import formats
from core.report.sentences.guessing import guesses
from core.report.sentences.verdict import headline, method, pair_sentence
from core.studies.statistics import LEAST_SEEDS, Comparison
from core.studies.study import Group, comparable, verdicts
from pages.views.app.messages import escaped
from pages.views.app.prose import markdown

_SENTENCES = 6  # of the verdict that stand open; the rest is folded away
_PEEKING = (
    "The verdict comes when every run is over: judging while results come in would call ties"
    " “better” more often than in 5 % of studies."
)


def verdict(groups: Sequence[Group], over: bool) -> None:
    """The findings in words, or why there are none yet."""
    st.subheader("Verdict", anchor=False)
    if not over:
        st.info(_PEEKING, icon=":material/hourglass_top:")
        return
    compared = comparable(groups)
    for note in [*_kept_apart(groups, compared), *_gaps(compared)]:
        st.warning(escaped(note), icon=":material/info:")
    judged(verdicts(groups), [group.title for group in compared], "res_pairs")


def judged(
    pairs: Sequence[Comparison], titles: Sequence[str], key: str, is_own: bool = True
) -> None:
    """The headline, a sentence a pair, and how all that is worked out.

    `is_own`: of runs of the visitor's, not of those that come with the lab.
    """
    box = st.success if is_own and any(pair.is_decided for pair in pairs) else st.info
    box(f"**{escaped(headline(pairs, titles))}**", icon=":material/gavel:")
    if not pairs or all(len(pair.seeds) < LEAST_SEEDS for pair in pairs):
        return
    items = [f"- {escaped(pair_sentence(pair))}" for pair in sorted(pairs, key=_decided_first)]
    markdown("\n".join(items[:_SENTENCES]))
    if items[_SENTENCES:]:
        with st.expander(f"{len(items) - _SENTENCES} more pairs"):
            markdown("\n".join(items[_SENTENCES:]))
    with st.expander("How the verdict is worked out"):
        markdown(escaped(method(pairs)))
        st.dataframe(_pair_table(pairs), hide_index=True, key=key)


def _decided_first(pair: Comparison) -> tuple[bool, float]:
    """Differences first, the surest before the others."""
    return not pair.is_decided, 2.0 if pair.holm_p is None else pair.holm_p


def _kept_apart(groups: Sequence[Group], compared: Sequence[Group]) -> list[str]:
    """Which groups the verdict leaves out, and why; guessing is told too."""
    sentences = []
    if others := [group.title for group in groups if group not in compared]:
        sentences.append(
            f"Kept apart, with other data, images, epochs or settings: {'; '.join(others)}."
        )
    guessing = [
        group.title
        for group in compared
        if group.best and guesses(group.runs[0].spec, group.best.mean)
    ]
    if guessing:
        sentences.append(f"No better than guessing: {'; '.join(guessing)}.")
    return sentences


def _gaps(groups: Sequence[Group]) -> list[str]:
    """What is missing of the study, a sentence for each variant concerned."""
    sentences = []
    for group in groups:
        lacking = [run for run in group.runs if run.spec.seed not in group.final_accuracies]
        if lacking:
            seeds = ", ".join(str(run.spec.seed) for run in lacking)
            noun = "seed" if len(lacking) == 1 else "seeds"
            states = " or ".join(sorted({str(run.state) for run in lacking}))
            sentences.append(
                f"{group.title} lacks {noun} {seeds} ({states});"
                " its comparisons rest on the others, which is fair only if what ended the runs"
                " had nothing to do with their results."
            )
    return sentences


def _pair_table(pairs: Sequence[Comparison]) -> pd.DataFrame:
    """Every pair in numbers, in points."""
    return pd.DataFrame(
        [
            {
                "pair": f"{pair.first} − {pair.second}",
                "seeds": len(pair.seeds),
                "difference": _signed(pair.difference),
                "interval": formats.NOTHING
                if pair.low is None
                else f"{_signed(pair.low)} to {_signed(pair.high)}",
                "level": formats.NOTHING
                if pair.confidence is None
                else f"{100 * pair.confidence:.1f} %",
                "p": _rounded(pair.p),
                "p, Holm": _rounded(pair.holm_p),
                "seeds needed": pair.seeds_needed,
            }
            for pair in pairs
        ]
    )


def _signed(fraction: float | None) -> str:
    """0.0031 as "+0.31" points."""
    return formats.NOTHING if fraction is None else formats.signed_points(fraction)


def _rounded(p: float | None) -> str:
    """A p value in three digits."""
    return formats.NOTHING if p is None else f"{p:.3g}"

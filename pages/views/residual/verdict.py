"""The verdict of a study in words, and the numbers behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.language import N_, _, comma, either, ngettext, semicolon
from core.report import formats
from core.report.figures.pairs import pair_matrix
from core.report.sentences.guessing import guesses
from core.report.sentences.verdict import finding, method, pair_sentence
from core.studies.statistics import LEAST_SEEDS, Comparison
from core.studies.study import Group, comparable, verdicts
from pages.views.app.charts import chart
from pages.views.app.messages import escaped
from pages.views.app.prose import markdown
from pages.views.app.tables import table

_PEEKING = N_(
    "The verdict comes when every run is over: judging while results come in would call ties"
    " “better” more often than in 5 % of studies."
)
_LEAST_FOR_A_MATRIX = 3  # variants; the one pair of two is told


def verdict(groups: Sequence[Group], over: bool) -> None:
    """The finding in a sentence, or why there is none yet."""
    if not over:
        st.info(_(_PEEKING), icon=":material/hourglass_top:")
        return
    compared = comparable(groups)
    finding_box(verdicts(groups), [group.title for group in compared])
    if notes := [*_kept_apart(groups, compared), *_gaps(compared)]:
        st.warning("\n\n".join(map(escaped, notes)), icon=":material/info:")


def verdict_details(groups: Sequence[Group]) -> None:
    """Every pair of the study, folded away."""
    details(verdicts(groups), [group.title for group in comparable(groups)], "res")


def finding_box(pairs: Sequence[Comparison], titles: Sequence[str], is_own: bool = True) -> None:
    """One sentence. `is_own`: of runs of the visitor's, not of those that come with the lab."""
    box = st.success if is_own and any(pair.is_decided for pair in pairs) else st.info
    sentence = finding(pairs, titles).replace(" %", "\u00a0%")
    box(f"**{escaped(sentence)}**", icon=":material/gavel:")


def details(pairs: Sequence[Comparison], titles: Sequence[str], key: str) -> None:
    """A sentence for each pair, all of them as a matrix and in numbers, and the method; folded."""
    if not pairs or all(len(pair.seeds) < LEAST_SEEDS for pair in pairs):
        return
    title = ngettext(
        "The pair in numbers, and how the verdict is worked out",
        "The {number} pairs in numbers, and how the verdict is worked out",
        len(pairs),
    )
    with st.expander(title):
        if len(titles) >= _LEAST_FOR_A_MATRIX:
            chart(pair_matrix(pairs, titles), key=f"{key}_matrix")
        table(
            _pair_table(pairs),
            height="content",
            key=f"{key}_pairs",
            placeholder=formats.NOTHING,
            column_config=_pair_columns(),
        )
        items = [f"- {escaped(pair_sentence(pair))}" for pair in sorted(pairs, key=_decided_first)]
        markdown("\n".join(items))
        markdown(escaped(method(pairs)))


def _decided_first(pair: Comparison) -> tuple[bool, float]:
    """Differences first, the surest before the others."""
    return not pair.is_decided, 2.0 if pair.holm_p is None else pair.holm_p


def _kept_apart(groups: Sequence[Group], compared: Sequence[Group]) -> list[str]:
    """Which groups the verdict leaves out, and why; guessing is told too."""
    sentences = []
    if others := [group.title for group in groups if group not in compared]:
        sentences.append(
            _(
                "Kept apart, with other data, images, epochs or settings: {variants}.",
                variants=semicolon().join(others),
            )
        )
    guessing = [
        group.title
        for group in compared
        if group.best and guesses(group.runs[0].spec, group.best.mean)
    ]
    if guessing:
        sentences.append(_("No better than guessing: {names}.", names=semicolon().join(guessing)))
    return sentences


def _gaps(groups: Sequence[Group]) -> list[str]:
    """What is missing of the study, a sentence for each variant concerned."""
    sentences = []
    for group in groups:
        lacking = [run for run in group.runs if run.spec.seed not in group.final_accuracies]
        if lacking:
            states = sorted({_(str(run.state)) for run in lacking})
            sentences.append(
                ngettext(
                    "{variant} lacks seed {seeds} ({states}); its comparisons rest on the others,"
                    " which is fair only if what ended the runs had nothing to do with their"
                    " results.",
                    "{variant} lacks seeds {seeds} ({states}); its comparisons rest on the others,"
                    " which is fair only if what ended the runs had nothing to do with their"
                    " results.",
                    len(lacking),
                    variant=group.title,
                    seeds=comma().join(str(run.spec.seed) for run in lacking),
                    states=either(states),
                )
            )
    return sentences


def _pair_table(pairs: Sequence[Comparison]) -> pd.DataFrame:
    """Every pair in numbers, differences in points."""
    return pd.DataFrame(
        [
            {
                N_("pair"): f"{pair.first} − {pair.second}",
                N_("seeds"): len(pair.seeds),
                N_("difference"): _points(pair.difference),
                N_("from"): _points(pair.low),
                N_("to"): _points(pair.high),
                N_("level"): pair.confidence and 100 * pair.confidence,
                "p": pair.p,
                N_("p, Holm"): pair.holm_p,
                N_("seeds needed"): pair.seeds_needed,
            }
            for pair in pairs
        ]
    )


def _points(fraction: float | None) -> float | None:
    return None if fraction is None else 100 * fraction


def _pair_columns() -> dict[str, Any]:
    """How each column is shown."""
    config = st.column_config
    return {
        "difference": config.NumberColumn(
            format="%+.2f", help=_("In points, the mean over the seeds.")
        ),
        "from": config.NumberColumn(
            format="%+.2f", help=_("Where its interval begins, in points.")
        ),
        "to": config.NumberColumn(format="%+.2f", help=_("Where its interval ends, in points.")),
        "level": config.NumberColumn(
            format="%.1f %%", help=_("Of the interval: 1 − 0.05 ÷ pairs left, in Holm's procedure.")
        ),
        "p": config.NumberColumn(format="%.3g", help=_("Of the paired t test, two-sided.")),
        "p, Holm": config.NumberColumn(format="%.3g", help=_("After Holm's correction.")),
        "seeds needed": config.NumberColumn(help=_("For a difference of 0.1 points to show.")),
    }

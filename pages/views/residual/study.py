"""One study: progress, chart, verdict in words, table, downloads, and what can be done with it."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.data import find_dataset
from core.jobs.files import delete_study
from core.jobs.store import Run, RunState, Store, Study
from core.report import formats
from core.report.figures.studies import StudyLine, study_chart
from core.report.figures.variants import style_of
from core.report.sentences.verdict import headline, method, pair_sentence
from core.report.tables.runs import epoch_frame
from core.report.tables.studies import pair_frame, summary_frame
from core.studies.statistics import LEAST_SEEDS, Comparison, Mean
from core.studies.study import Group, by_variant, progress_of, verdicts
from pages.views.app.downloads import download_csv
from pages.views.app.messages import errors_in_one_sentence, escaped, show_error
from pages.views.app.services import analysis_of, start_study_workers, store
from pages.views.forms.study import count
from pages.views.residual.reproduction import reference_lines

REFRESH_SECONDS = 1.0
SENTENCES = 6  # of the verdict that stand open; the rest is folded away
MEANS, SEEDS = "mean and 95 % interval", "every seed"
PEEKING = (
    "The verdict comes when every run is over: judging while results come in would call ties"
    " “better” more often than in 5 % of studies."
)


def study_view(study_id: str) -> None:
    """The study, live while its runs go on."""
    runs = store().runs(study=study_id)
    over = all(run.state.is_over for run in runs)
    live = st.fragment(run_every=None if over else REFRESH_SECONDS)(follow_safely)
    live(study_id, over)


def follow_safely(study_id: str, was_over: bool) -> None:
    """`follow`, with errors as sentences: a fragment is outside of the page's own frame."""
    with errors_in_one_sentence():
        follow(study_id, was_over)


def follow(study_id: str, was_over: bool) -> None:
    """Everything about the study, redrawn while its runs go on."""
    lab = store()
    study = lab.study(study_id)
    runs = lab.runs(study=study_id)
    over = all(run.state.is_over for run in runs)
    if over and not was_over:
        st.rerun()  # the whole page, so that the clock stops
    spec = runs[0].spec
    st.subheader(escaped(study.title), anchor=False)
    images = spec.train_images or find_dataset(spec.dataset).train_images
    st.caption(
        f"{escaped(study.id)} · {images:,} images of {spec.dataset} · recipe {spec.recipe.name},"
        f" {count(spec.recipe.epochs, 'epoch')}, batch {spec.recipe.batch_size} · {spec.device}"
    )
    if not over:
        start_study_workers()  # those that died are replaced
        show_progress(runs)
    actions(lab, study, runs, over)
    failures(runs)
    epochs = lab.epochs([run.id for run in runs])
    groups = by_variant(runs, epochs)
    if any(epochs.values()):
        chart(groups)
        verdict(groups, over)
        st.dataframe(table(groups), hide_index=True, key="res_table", column_config=COLUMN_HELP)
        dead_parameters(groups)
        downloads(study, runs, groups, epochs)


# While it goes on ----------------------------------------------------------------------------


def show_progress(runs: Sequence[Run]) -> None:
    """One bar for the whole study, with the time left."""
    running = sum(run.state is RunState.RUNNING for run in runs)
    found = progress_of(runs, running)
    if found.seconds_left is not None:
        left = f"about {formats.duration(found.seconds_left)} left"
    else:
        left = "the first runs have begun" if running else "waiting for the workers"
    st.progress(found.fraction, f"{found.done} of {found.total} runs done · {left}")


def actions(lab: Store, study: Study, runs: Sequence[Run], over: bool) -> None:
    """Stop, continue, delete: the whole study at once."""
    with st.container(horizontal=True):
        if not over and st.button(
            "Stop the study",
            icon=":material/stop:",
            key="res_stop",
            help="Ends its runs after their current step; what they have learned is kept.",
        ):
            lab.stop_study(study.id)
            st.rerun(scope="fragment")
        ended = [run for run in runs if run.state in (RunState.STOPPED, RunState.FAILED)]
        if (
            over
            and ended
            and st.button(
                f"Continue {len(ended)} runs" if len(ended) > 1 else "Continue one run",
                type="primary",
                icon=":material/play_arrow:",
                key="res_continue",
                help="Queues every stopped or failed run again; each goes on where it was.",
            )
        ):
            lab.continue_study(study.id)
            st.rerun()
        if over and st.button(
            "Delete…",
            icon=":material/delete:",
            key="res_delete",
            help="Removes the study with its runs, curves and files; asks once.",
        ):
            confirm_delete(lab, study, len(runs))


@st.dialog("Delete this study?")
def confirm_delete(lab: Store, study: Study, runs: int) -> None:
    """Name what goes, ask once."""
    st.write(
        f"{escaped(study.title)}: its {runs} runs, their curves and their saved parameters are"
        " removed. This cannot be undone."
    )
    if st.button("Delete", type="primary", icon=":material/delete:", key="res_delete_now"):
        with errors_in_one_sentence():
            delete_study(lab, study.id)
            st.query_params.pop("study", None)
            st.rerun()


def failures(runs: Sequence[Run]) -> None:
    """Why runs failed, each reason once."""
    reasons: dict[str, list[int]] = {}
    for run in runs:
        if run.state is RunState.FAILED:
            reasons.setdefault(run.message, []).append(run.id)
    for reason, ids in reasons.items():
        which = f"Run {ids[0]}" if len(ids) == 1 else f"{len(ids)} runs"
        show_error(f"{which}: {reason}")


# What it has found ---------------------------------------------------------------------------


def chart(groups: Sequence[Group]) -> None:
    """Test accuracy by epoch, with the shipped curves of the same setting behind it."""
    shown = st.segmented_control(
        "Curves",
        (MEANS, SEEDS),
        default=MEANS,
        required=True,
        key="res_curves",
        label_visibility="collapsed",
        help="The mean of the seeds with its 95 % interval, or a curve for every seed.",
    )
    lines = [
        StudyLine(
            escaped(group.title),
            style_of(group.variant, position),
            tuple(
                (run.spec.seed, metrics)
                for run, metrics in zip(group.runs, group.epochs, strict=True)
                if metrics
            ),
        )
        for position, group in enumerate(groups)
    ]
    spec = groups[0].runs[0].spec
    behind = reference_lines(
        [g.model for g in groups], spec.dataset, spec.recipe.name, " · shipped"
    )
    data = find_dataset(spec.dataset).title
    several = max(len(group.runs) for group in groups) > 1
    means = "mean of the seeds with its 95 % interval" if several else "one seed each"
    title = f"Test accuracy on {data}<br>" + ("every seed a curve" if shown == SEEDS else means)
    figure = study_chart([*behind, *lines], title, shown == SEEDS, spec.recipe.epochs)
    st.plotly_chart(figure, key="res_chart")


def verdict(groups: Sequence[Group], over: bool) -> None:
    """The findings in words, or why there are none yet."""
    st.subheader("Verdict", anchor=False)
    if not over:
        st.info(PEEKING, icon=":material/hourglass_top:")
        return
    pairs = verdicts(groups)
    box = st.success if any(pair.is_decided for pair in pairs) else st.info
    box(
        f"**{escaped(headline(pairs, [group.title for group in groups]))}**",
        icon=":material/gavel:",
    )
    for note in gaps(groups):
        st.warning(escaped(note), icon=":material/info:")
    if not pairs or all(len(pair.seeds) < LEAST_SEEDS for pair in pairs):
        return
    said = [escaped(pair_sentence(pair)) for pair in sorted(pairs, key=decided_first)]
    st.markdown("\n".join(f"- {one}" for one in said[:SENTENCES]))
    if said[SENTENCES:]:
        with st.expander(f"{len(said) - SENTENCES} more pairs"):
            st.markdown("\n".join(f"- {one}" for one in said[SENTENCES:]))
    with st.expander("How the verdict is worked out"):
        st.write(escaped(method(pairs)))
        st.dataframe(pair_table(pairs), hide_index=True, key="res_pairs")


def decided_first(pair: Comparison) -> tuple[bool, float]:
    """Differences first, the surest before the others."""
    return not pair.is_decided, 2.0 if pair.holm_p is None else pair.holm_p


def gaps(groups: Sequence[Group]) -> list[str]:
    """What is missing of the study, a sentence for each variant concerned."""
    found = []
    for group in groups:
        lacking = [run for run in group.runs if run.spec.seed not in group.final_accuracies]
        if lacking:
            seeds = ", ".join(str(run.spec.seed) for run in lacking)
            states = " or ".join(sorted({str(run.state) for run in lacking}))
            found.append(
                f"{group.title} lacks seed{'' if len(lacking) == 1 else 's'} {seeds} ({states});"
                " its comparisons rest on the others, which is fair only if what ended the runs"
                " had nothing to do with their results."
            )
    return found


def pair_table(pairs: Sequence[Comparison]) -> pd.DataFrame:
    """Every pair in numbers, in points."""
    return pd.DataFrame(
        [
            {
                "pair": f"{pair.first} − {pair.second}",
                "seeds": len(pair.seeds),
                "difference": signed(pair.difference),
                "interval": formats.NOTHING
                if pair.low is None
                else f"{signed(pair.low)} to {signed(pair.high)}",
                "level": formats.NOTHING
                if pair.confidence is None
                else f"{100 * pair.confidence:.1f} %",
                "p": rounded(pair.p),
                "p, Holm": rounded(pair.holm_p),
                "seeds needed": pair.seeds_needed,
            }
            for pair in pairs
        ]
    )


def signed(fraction: float | None) -> str:
    """0.0031 as "+0.31" points."""
    return formats.NOTHING if fraction is None else f"{100 * fraction:+.2f}"


def rounded(p: float | None) -> str:
    """A p value in three digits."""
    return formats.NOTHING if p is None else f"{p:.3g}"


COLUMN_HELP = {
    "final": st.column_config.TextColumn(
        "final accuracy", help="After the last epoch: mean of the seeds ± 95 % t interval."
    ),
    "best": st.column_config.TextColumn(
        "best epoch (optimistic)",
        help="Each seed's best epoch, chosen on the test images themselves: an optimistic figure,"
        " not used for the verdict.",
    ),
    "MACs": st.column_config.TextColumn("MACs an image"),
    "seconds": st.column_config.TextColumn(
        "time a run", help="Training and evaluation, mean of the seeds."
    ),
}


def table(groups: Sequence[Group]) -> pd.DataFrame:
    """One row a variant."""
    rows = []
    for group in groups:
        totals = analysis_of(group.model).totals
        rows.append(
            {
                "variant": group.title,
                "finished seeds": f"{len(group.final_accuracies)} of {len(group.runs)}",
                "final": with_interval(group.final),
                "best": with_interval(group.best),
                "parameters": f"{totals.params:,}",
                "MACs": formats.short(totals.macs),
                "seconds": formats.duration(group.seconds),
            }
        )
    return pd.DataFrame(rows)


def with_interval(mean: Mean | None) -> str:
    """`82.41 ± 1.20 %`."""
    if mean is None:
        return formats.NOTHING
    if mean.half is None:
        return formats.percent(mean.mean)
    return formats.joined(f"{100 * mean.mean:.2f} ± {100 * mean.half:.2f}", "%")


def dead_parameters(groups: Sequence[Group]) -> None:
    """Which variants have parameters that never got a gradient (Q15)."""
    told = [
        f"**{escaped(group.title)}** has {sum(dead.values()):,} that never got a gradient and are"
        f" still what they were initialized to: {escaped(', '.join(dead))}."
        for group in groups
        if (dead := group.dead_parameters)
    ]
    if told:
        st.warning("Dead parameters. " + " ".join(told), icon=":material/heart_broken:")
    elif all(run.dead_parameters is not None for group in groups for run in group.runs):
        st.caption("Every parameter of every variant got a gradient.")


def downloads(
    study: Study, runs: Sequence[Run], groups: Sequence[Group], epochs: dict[int, list]
) -> None:
    """Every number as CSV."""
    with st.container(horizontal=True):
        download_csv(
            "Every epoch of every seed as CSV",
            lambda: epoch_frame(sorted(runs, key=lambda run: run.id), epochs),
            f"study-{study.id}-epochs.csv",
            "res_csv",
        )
        download_csv(
            "Summary as CSV",
            lambda: summary_frame(groups, costs(groups)),
            f"study-{study.id}-summary.csv",
            "res_summary_csv",
        )
        download_csv(
            "Every pair as CSV",
            lambda: pair_frame(verdicts(groups)),
            f"study-{study.id}-pairs.csv",
            "res_pairs_csv",
        )


def costs(groups: Sequence[Group]) -> dict:
    """Parameters and multiply-adds of each network."""
    totals = {group.model: analysis_of(group.model).totals for group in groups}
    return {model: (one.params, one.macs) for model, one in totals.items()}

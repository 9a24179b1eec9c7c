"""A finished run's record of the course Inception net: which branch gets the weight."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.jobs.files import best_path
from core.jobs.store import Run
from core.language import _, semicolon
from core.measure.branch_norms import BRANCHES, branch_norms
from core.report.figures.branches import branch_bars
from core.report.names import run_file_name, run_title
from core.report.sentences.branch_norms import branch_verdict
from core.report.tables.measurements import branch_frame
from pages.views.app.charts import chart
from pages.views.app.downloads import download_csv


def branches_view(run: Run) -> None:
    """Weight norm per branch, for a run of the course Inception net; nothing for others."""
    if run.spec.model.arch != "course-inception" or not (path := best_path(run)):
        return
    st.header(_("Does the better kernel get more weight?"), anchor=False)
    norms = branch_norms(path, run.spec.recipe.initialization)
    name = f"{run_file_name(run)}-branches"
    chart(branch_bars(norms), "train_branches_chart", about=run_title(run), name=name)
    st.markdown(_bullets(branch_verdict(norms)))
    st.caption(
        _(
            "The four branches: {branches}. Root mean squares, for their norms grow with their"
            " number of weights alone. One run: another seed may order them otherwise, and a"
            " large weight is no proof of a useful kernel, for the scale of what it reads"
            " counts as much.",
            branches=semicolon().join(map(_, BRANCHES.values())),
        )
    )
    download_csv(
        _("Branches as CSV"),
        lambda: branch_frame(run, norms),
        f"{name}.csv",
        "train_branches_csv",
    )


def _bullets(sentences: Sequence[str]) -> str:
    """As a list."""
    return "\n".join(f"- {sentence}" for sentence in sentences)

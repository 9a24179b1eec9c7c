"""A small study in a browser, from the button to its verdict."""

from __future__ import annotations

import re

import pandas as pd

from core.jobs.store import JobState, open_store
from core.studies.study import by_variant, verdicts


def test_a_small_study_runs_to_its_verdict_and_its_address_reopens_it(visitor, lab):
    """Q14: 2 variants × 3 seeds × 1 epoch × 320 images; a statement, and the numbers behind it."""
    two = "res_variants=plain+residual&res_variants=no+shortcut"
    visitor.open(f"/residual?res_seeds=3&res_epochs=1&res_images=320&{two}")
    visitor.button("Train 6 runs").click()
    visitor.page.wait_for_url("**study=*")
    visitor.page.get_by_text("2 variants × 3 seeds of Course residual net").first.wait_for()
    visitor.page.reload()  # the study goes on without the tab that started it
    visitor.settle()
    verdict = re.compile("The two cannot be told apart with 3 seeds|is better than|No verdict")
    visitor.page.get_by_text(verdict).first.wait_for(timeout=120_000)

    store = open_store(f"sqlite:///{lab.runs_dir / 'lab.sqlite'}")
    name = visitor.page.url.partition("study=")[2].partition("&")[0]
    runs = store.runs(study=name)
    assert [run.state for run in runs] == [JobState.FINISHED] * 6
    groups = by_variant(runs, store.epochs([run.id for run in runs]))
    [pair] = verdicts(groups)
    assert pair.seeds == (0, 1, 2)

    epochs = pd.read_csv(visitor.download("Every epoch of every seed as CSV"))
    assert len(epochs) == 6 and set(epochs["seed"]) == {0, 1, 2}
    summary = pd.read_csv(visitor.download("Summary as CSV")).set_index("variant")
    assert summary.loc["plain residual", "final_accuracy_mean"] == groups[0].final.mean
    assert summary["finished"].tolist() == [3, 3]
    pairs = pd.read_csv(visitor.download("Every pair as CSV"))
    assert pairs["holm_p"].tolist() == [pair.holm_p]

    visitor.open(f"/residual?study={name}")  # a link that somebody sends
    visitor.page.get_by_text(verdict).first.wait_for()
    visitor.button("Delete 6 runs").click()
    visitor.page.get_by_role("dialog").get_by_role("button", name="Delete 6 runs").click()
    visitor.page.get_by_text("2 variants × 3 seeds").first.wait_for(state="detached")
    assert store.runs(study=name) == []

"""Writes core/measure/shipped/branches.csv: the weights by branch of the study "heads".

`LAB_RUNS_DIR=FOLDER python -m tools.make_shipped_branches`, with the store in which
`python -m core reproduce --rows heads` has trained it.
"""

from __future__ import annotations

from dataclasses import asdict

import pandas as pd

from core.jobs.files import verified_best
from core.jobs.store import JobState, open_store
from core.measure.branch_norms import branch_norms
from core.measure.shipped.branches import SHIPPED
from core.report.tables.csv import to_csv
from core.studies.shipped_studies import STUDIES
from core.zoo.catalogue import complete


def main() -> None:
    """A row for each branch of each seed of the net with one linear layer in its head."""
    _, model = STUDIES["heads"].networks[0]
    runs = [
        run
        for run in open_store().runs()
        if run.state is JobState.FINISHED and complete(run.spec.model) == complete(model)
    ]
    rows = [
        {"seed": run.spec.seed} | asdict(norm)
        for run in sorted(runs, key=lambda run: run.spec.seed)
        for norm in branch_norms(verified_best(run), run.spec.recipe.initialization)
    ]
    SHIPPED.write_text(to_csv(pd.DataFrame(rows)), encoding="utf-8", newline="")


if __name__ == "__main__":
    main()

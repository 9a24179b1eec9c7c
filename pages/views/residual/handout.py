"""The handout of a study, as it is at the moment of the click."""

from __future__ import annotations

from core.report.handout.document import Document
from core.report.handout.study import study_document
from pages.views.app.services import store
from pages.views.app.with_torch import analysis_of


def study_handout(study_id: str, address: str) -> Document:
    """What there is of the study now. Raises LabError where it has been deleted."""
    study, runs = store().study(study_id), store().runs(study=study_id)
    analyses = {run.spec.model: analysis_of(run.spec.model) for run in runs}
    return study_document(study, runs, store().epochs([run.id for run in runs]), analyses, address)

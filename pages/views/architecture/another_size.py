"""The line under the strip where images are not of the network's own size."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import streamlit as st

from core.analysis.records import Analysis
from core.language import paragraph
from core.report.sentences.another_size import (
    another_size_sentence,
    measured_at_sizes,
    measured_sentence,
)
from core.specs import LabError, ModelSpec
from core.studies.published import PUBLISHED
from core.zoo.catalogue import find
from pages.views.app.messages import escaped
from pages.views.app.services import shipped
from pages.views.app.with_torch import analysis_of


def another_size_note(analysis: Analysis) -> None:
    """What changes against the default size, and what was measured at two sizes."""
    spec = analysis.spec
    own_size = find(spec.arch).default.image_size
    usual = replace(spec, image_size=own_size)
    if usual.sides == spec.sides:
        return
    with suppress(LabError):  # its own size may not fit the options that were chosen
        sentences = [another_size_sentence(analysis_of(usual), analysis), *_measured(spec)]
        st.info(escaped(paragraph(*sentences)), icon=":material/photo_size_select_large:")


def _measured(spec: ModelSpec) -> list[str]:
    """Of this network alone; the runs are read only where there may be some of it."""
    if not any((row.model.arch, row.model.ratio) == (spec.arch, spec.ratio) for row in PUBLISHED):
        return []
    rows = measured_at_sizes(shipped(), spec)
    return [measured_sentence(rows)] if rows else []

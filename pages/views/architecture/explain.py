"""The Architecture page's Explain view: what was built, formulas, hand counts, other counters."""

from __future__ import annotations

import streamlit as st

from core.analysis.records import Analysis
from core.analysis.vgg_configuration import vgg_configuration
from core.language import N_, _
from pages.views.app.messages import escaped
from pages.views.architecture.hand_count import hand_count
from pages.views.architecture.one_layer import one_layer
from pages.views.architecture.other_counters import other_counters
from pages.views.forms.names import pick_name

_TOPICS = {
    N_("One layer"): one_layer,
    N_("Hand count"): hand_count,
    N_("Other counters"): other_counters,
}


def explain_view(analysis: Analysis) -> None:
    """What was built in one sentence, then the topic that the reader picks."""
    if configuration := vgg_configuration(analysis):
        st.info(escaped(configuration.sentence()), icon=":material/category:")
    topic = pick_name(
        _("Topic"),
        {name: name for name in _TOPICS},
        "One layer",
        "net_topic",
        label_visibility="collapsed",
    )
    _TOPICS[topic](analysis)

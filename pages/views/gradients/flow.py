"""Does the gradient arrive? The nets to measure, the measurement, and what it has found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from core.data import DATASETS, is_available
from core.explain.glossary import explained
from core.language import N_, _, comma, ngettext, pgettext
from core.measure.gradient_records import (
    BATCH_NORMS,
    BATCH_SIZE,
    DEPTHS,
    FAMILY,
    IMAGE_SIZE,
    INITIALIZATIONS,
    QUANTITIES,
    SHORTCUTS,
    GradientFlow,
    variations,
)
from core.measure.requests import GradientFlowRequest
from core.specs import ModelSpec
from core.zoo.catalogue import complete, find
from pages.views.app.measurement import measurement
from pages.views.forms.names import pick_name, select_name, select_names
from pages.views.forms.row import folded, form_row, shown_number
from pages.views.gradients.looks import MAX_RUNS
from pages.views.gradients.results import CURVES, VIEWS, show_flow
from pages.views.gradients.runs import choose_runs

_TITLES = {
    "weight_gradient": N_("gradient of the weights"),
    "output_gradient": N_("gradient of the output"),
    "variance": N_("variance of the output"),
}
_INITIALIZATIONS = {"xavier": N_("Xavier uniform"), "he": N_("He normal")}  # in short
FIRST_DEPTHS = (20, 110)
_FIRST_SEEDS = 3
_STYLE = """<style>
.st-key-row_gradients > .st-key-why_shortcuts { flex: 2 1 17rem; max-width: 24rem; }
</style>"""
_BASE = ModelSpec(f"{FAMILY}{DEPTHS[-1]}", image_size=IMAGE_SIZE)


@dataclass(frozen=True)
class Nets:
    """The nets whose gradients are measured before training."""

    depths: Sequence[int]
    shortcuts: Sequence[str]
    batch_norm: str  # a name in BATCH_NORMS

    @property
    def specs(self) -> list[ModelSpec]:
        """One for each combination, options filled in as the measuring process does it."""
        if not self.depths or not self.shortcuts:
            return []
        norms = BATCH_NORMS[self.batch_norm]
        return variations(complete(_BASE), sorted(self.depths), self.shortcuts, norms)


def flow_view() -> None:
    """Controls, the measurement, what it has found."""
    st.html(_STYLE)
    with form_row("gradients"):
        nets = _choose_nets()
        runs = _choose_runs()
        show_as, quantity = _choose_view()
        with folded("gradients", _folded_label()):
            settings = _choose_settings()
    specs = nets.specs
    if not specs and not runs:
        st.info(
            _("Choose a depth and a shortcut, or a finished run."), icon=":material/arrow_upward:"
        )
        return
    measurement(
        GradientFlowRequest(tuple(specs), *settings, BATCH_SIZE, tuple(runs)),
        "why_flow",
        _("Measure the gradients"),
        _("In a process of its own, some seconds; the page stays usable."),
        lambda result: show_flow(GradientFlow.from_dict(result), show_as, quantity),
    )


def chosen_depths() -> list[str]:
    """What the control of the depths shows, or will show once it is drawn."""
    asked = st.query_params.get_all("why_depths")
    known = [depth for depth in asked if depth in map(str, DEPTHS)]
    chosen = st.session_state.get("why_depths", known or FIRST_DEPTHS)
    return [str(depth) for depth in chosen]


def _choose_nets() -> Nets:
    """Depths, BatchNorm and shortcuts."""
    titles = _shortcut_titles()
    batch_norms = {
        "both": pgettext("BatchNorm", "both"),
        "without": pgettext("BatchNorm", "without"),
        "with": pgettext("BatchNorm", "with"),
    }
    depths = st.pills(
        pgettext("how many", "Layers"),
        DEPTHS,
        selection_mode="multi",
        default=FIRST_DEPTHS,
        key="why_depths",
        bind="query-params",
        help=_("6n + 2 weight layers: arXiv 1512.03385, section 4.2."),
    )
    batch_norm = pick_name(
        "BatchNorm",
        batch_norms,
        "both",
        "why_norm",
        help=_("One setting alone would mislead."),
    )
    shortcuts = select_names(
        _("Shortcuts"),
        titles,
        [name for name in SHORTCUTS if name in titles],
        "why_shortcuts",
        wrap=True,
        help=explained("shortcut"),
    )
    return Nets(depths, shortcuts, batch_norm)


def _folded_label() -> str:
    """`3 seeds, Fashion-MNIST mini`, and an initialization that is not the networks' own."""
    data = _data_sets()
    parts = [
        ngettext("{number:,} seed", "{number:,} seeds", shown_number("why_seeds", _FIRST_SEEDS)),
        data.get(str(st.session_state.get("why_dataset")), next(iter(data.values()))),
    ]
    first, *others = INITIALIZATIONS
    if (drawn := st.session_state.get("why_init", first)) in others:
        parts.append(_(_INITIALIZATIONS[drawn]))
    return comma().join(parts)


def _data_sets() -> dict[str, str]:
    """Those on this machine."""
    return {name: info.title for name, info in DATASETS.items() if is_available(name)}


def _shortcut_titles() -> dict[str, str]:
    """The shortcuts that the deep nets can have."""
    options = {option.name: option for option in find(f"{FAMILY}{DEPTHS[0]}").options}
    return dict(options["shortcut"].choices)


def _choose_settings() -> tuple[str, int, str]:
    """The data set, the number of seeds, and the initialization."""
    initialization = select_name(
        _("Initialization"),
        INITIALIZATIONS,
        next(iter(INITIALIZATIONS)),
        "why_init",
        help=explained("initialization"),
    )
    seeds = st.number_input(
        _("Seeds"),
        1,
        10,
        _FIRST_SEEDS,
        key="why_seeds",
        bind="query-params",
        help=_("Draws of weights and images: the line is their median, the band their range."),
    )
    titles = _data_sets()
    dataset = select_name(
        _("Images of"),
        titles,
        next(iter(titles)),
        "why_dataset",
        help=_("The data sets that are on this machine."),
    )
    return dataset, int(seeds), initialization


def _choose_runs() -> list[int]:
    """Runs that are measured before and after their training."""
    runs = choose_runs(
        _("Also after training"),
        "why_runs",
        MAX_RUNS,
        _("Finished runs: as they were initialized, and with their best parameters."),
    )
    return [run.id for run in runs]


def _choose_view() -> tuple[str, str]:
    """As what it is shown, and which quantity."""
    quantity = select_name(
        pgettext("of a chart", "Quantity"),
        {name: _TITLES[name] for name in QUANTITIES},
        next(iter(QUANTITIES)),
        "why_quantity",
        help=_("The layer's output is taken before BatchNorm and ReLU."),
    )
    show_as = pick_name(_("Show as"), {view: view for view in VIEWS}, CURVES, "why_show")
    return show_as, quantity

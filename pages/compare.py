"""Several networks side by side; sweeps over ratio and resize."""

from __future__ import annotations

import streamlit as st

from core.explain.glossary import explained
from core.language import N_, _
from core.report.handout.networks import networks_document
from core.report.names import names_file
from core.report.names_together import settings_sentence, title_together
from core.report.reached import Reached, accuracies_of_runs, best_accuracies
from core.report.tables.networks import comparison_frame
from pages.views.app.address import address_checked
from pages.views.app.downloads import download_csv
from pages.views.app.frame import page_frame
from pages.views.app.handouts import offer_handout
from pages.views.app.head import Head
from pages.views.app.messages import escaped
from pages.views.app.prose import caption
from pages.views.app.services import store
from pages.views.app.with_torch import analysis_of
from pages.views.compare.accuracy import accuracy_view, has_comparable_runs
from pages.views.compare.chips import chips, problems_view
from pages.views.compare.networks import Compared, compared_specs, names_of
from pages.views.compare.scatter import scatter_view
from pages.views.compare.stages import stages_view
from pages.views.compare.sweeps import sweep_view
from pages.views.compare.totals import totals_view
from pages.views.forms import limits
from pages.views.forms.names import pick_name

_ACCURACY, _COSTS, _STAGES, _SWEEP = _VIEWS = (
    N_("Accuracy against MACs"),
    N_("MACs against parameters"),
    N_("Stages"),
    N_("Sweep"),
)
_OLD = "Table"  # once a view of its own; it stands below each of them
_FIRST = "compare_first_view"  # in the session: the view that nobody had to choose


def _page(head: Head) -> None:
    """The chips, the picture that the reader picks, the finding and the table."""
    specs, problems = compared_specs()
    names = names_of(specs)
    if specs:
        head.title(title_together(specs))
    chips(specs)
    problems_view(problems, specs)
    if not specs:
        st.info(_("Nothing to compare yet: add a network above."), icon=":material/arrow_upward:")
        return
    caption(escaped(settings_sentence(specs)))
    networks = [Compared(name, analysis_of(spec)) for name, spec in zip(names, specs, strict=True)]
    reached = accuracies_of_runs(store())
    view = _choose_view(networks, reached)
    batch_size = _show_view(view, networks, reached)
    best = best_accuracies(reached)
    totals_view(networks, best, batch_size)
    download_csv(
        _("Comparison as CSV"),
        lambda: comparison_frame([network.analysis for network in networks], batch_size, best),
        f"{names_file('comparison', specs)}.csv",
        "cmp_csv",
    )
    offer_handout(
        head,
        names_file("comparison", specs),
        lambda address: networks_document(
            networks, batch_size, best, title_together(specs), address
        ),
    )


def _choose_batch_size() -> int:
    """Images in a batch."""
    batch_size = st.slider(
        _("Batch size"),
        *limits.BATCH_COMPARED,
        128,
        key="cmp_batch",
        bind="query-params",
        help=explained("batch", "training memory"),
    )
    return int(batch_size)


def _choose_view(networks: list[Compared], reached: Reached) -> str:
    """What is drawn; accuracy first where there is any to compare."""
    first = _ACCURACY if has_comparable_runs(networks, reached) else _COSTS
    if st.session_state.get("cmp_view") == st.session_state.get(_FIRST):
        st.session_state.pop("cmp_view", None)  # nobody chose it: other networks, another first
    st.session_state[_FIRST] = first
    return pick_name(
        _("View"),
        {name: name for name in _VIEWS},
        first,
        "cmp_view",
        aliases={_OLD: first},
        label_visibility="collapsed",
    )


def _show_view(view: str, networks: list[Compared], reached: Reached) -> int:
    """What the reader picked; the batch size, which is chosen beside the view's own controls."""
    match view:
        case "Accuracy against MACs":
            return accuracy_view(networks, reached, _choose_batch_size)
        case "Stages":
            return stages_view(networks, _choose_batch_size)
        case "Sweep":
            return sweep_view(networks, _choose_batch_size)
    return scatter_view(networks, _choose_batch_size)


with page_frame("Compare") as head, address_checked():
    _page(head)

"""Which network is looked at: that of a run, one that comes with the lab, any as it begins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.data.catalogue import DATASETS, DatasetInfo, find_dataset, is_available
from core.inside.shipped import SHIPPED, ShippedNetwork
from core.inside.weights import Weights
from core.jobs.run_weights import BEST, FIRST, LAST, run_weights
from core.jobs.store import Run
from core.language import N_, _
from core.report import formats
from core.report.names import network_title, seeded_title
from core.specs import INITIALIZATIONS, MAX_SEED, LabError
from core.zoo.catalogue import complete
from pages.views.app.messages import errors_in_one_sentence, escaped
from pages.views.app.services import store
from pages.views.app.with_torch import analysis_of
from pages.views.forms.names import select_name
from pages.views.forms.network import choose_model
from pages.views.inside.chosen import Subject

NEW = "new"  # in the list of networks: any, as initialized
_RUN, _LAB, _NONE = "run/", "lab/", "none"  # how the others begin
_OFFERED = 200  # runs
_LAB_FIRST = ("scaling", "plain", "residual", "inception", "digits")  # as a second network
_TRAINED = N_("Trained")
_WHICH = {BEST: N_("Best epoch"), LAST: N_("Last epoch"), FIRST: N_("As initialized")}
_RUN_TITLES = {
    BEST: N_("Run {run}, best epoch"),
    LAST: N_("Run {run}, last epoch"),
    FIRST: N_("Run {run}, as initialized"),
}


def choose_subject(titles: Mapping[str, str], row: DeltaGenerator) -> tuple[Subject, DatasetInfo]:
    """The controls for the network, in this row, and the data set that it tells apart.

    `titles`: of every network that is offered. One as it begins is chosen below the row. Raises
    LabError for parameters that are not on this machine.
    """
    below = st.container()
    with row:
        name = select_name(
            _("Network"),
            titles,
            f"{_LAB}{next(iter(SHIPPED))}",  # the same everywhere: an address need not name it
            "in_network",
            help=_("A run of this lab, a small network that comes with it, or any as it begins."),
        )
        if name != NEW:
            return _subject(name, _choose_which(name))
    return _new_subject(row, below)


def choose_other(titles: Mapping[str, str], data: DatasetInfo) -> Subject | None:
    """The control for a second network on the same image; None where there is none."""
    trained = {name: title for name, title in titles.items() if name != NEW}
    name = select_name(
        _("Compare with"),
        {_NONE: _("No second network")} | trained,
        _NONE,
        "in_other",
        help=_("The same image through a second network, beside the first."),
    )
    if name == _NONE:
        return None
    with errors_in_one_sentence():  # the first network is shown all the same
        subject, other_data = _subject(name, BEST)
        if other_data.class_names != data.class_names:
            raise LabError(
                "The second network tells the classes of {second} apart, the first those of"
                " {first}; choose two of the same data set.",
                second=other_data.title,
                first=data.title,
            )
        return subject
    return None


def offer_other(subject: Subject, data: DatasetInfo) -> None:
    """A button that chooses a second network, or what to do where none is at hand."""
    found = _second_for(subject, data)
    if found is None:
        st.info(
            _(
                "There is no other trained network for {data_set} yet: train one on the page Train,"
                " or choose a run for both, once as initialized.",
                data_set=data.title,
            ),
            icon=":material/info:",
        )
        return
    name, title = found
    if st.button(
        _("Compare with: {network}", network=escaped(title)),
        key="in_offer_other",
        icon=":material/compare:",
        on_click=_choose_other,
        args=(name,),
    ):
        st.rerun()  # the list of second networks stands outside of the view's part of the page


def _choose_other(name: str) -> None:
    st.session_state["in_other"] = name


def _second_for(subject: Subject, data: DatasetInfo) -> tuple[str, str] | None:
    """Name and title: of a run the newest other run on its data, else a network of the lab's."""
    offered = _runs_offered()
    titles = _titles_of(offered)
    runs = [
        name_of_run(run.id)
        for run in offered
        if run.spec.dataset == (subject.run.spec.dataset if subject.run else data.name)
        and (subject.run is None or run.id != subject.run.id)
    ]
    lab = [
        f"{_LAB}{name}"
        for name in _LAB_FIRST
        if SHIPPED[name].data.class_names == data.class_names
        and SHIPPED[name].weights.spec != subject.weights.spec
    ]
    names = [*runs, *lab] if subject.run else [*lab, *runs]
    return next(((name, titles[name]) for name in names if name in titles), None)


def name_of_run(run_id: int) -> str:
    """A run's name in the list of networks, and in addresses."""
    return f"{_RUN}{run_id}"


def network_titles() -> dict[str, str]:
    """Every network that can be chosen, by name, runs first."""
    return _titles_of(_runs_offered())


def _titles_of(runs_offered: Iterable[Run]) -> dict[str, str]:
    runs = {
        name_of_run(run.id): _("Run {run}", run=seeded_title(run))
        for run in runs_offered
        if run.best_file or run.checkpoint
    }
    lab = {
        f"{_LAB}{name}": _("With the lab: {network}", network=_(row.title))
        for name, row in SHIPPED.items()
    }
    return runs | lab | {NEW: _("Any network, as initialized")}


def _runs_offered() -> list[Run]:
    """The newest, and those that the address asks for."""
    runs = store().runs(limit=_OFFERED)
    known = {run.id for run in runs}
    for key in ("in_network", "in_other"):
        number = str(st.query_params.get(key, "")).removeprefix(_RUN)
        if number.isascii() and number.isdigit() and len(number) < 10 and int(number) not in known:
            job = store().get(int(number)) if store().has(int(number)) else None
            runs += [job] if isinstance(job, Run) else []
    return runs


def _choose_which(name: str) -> str:
    """Which of a network's parameters."""
    offered = dict(_WHICH)
    if name.startswith(_LAB):
        del offered[LAST]
        offered[BEST] = _TRAINED
    return select_name(
        _("Parameters"),
        offered,
        BEST,
        f"in_which{'_lab' if name.startswith(_LAB) else ''}",
        help=_("Those with the best accuracy, those of the last epoch, or those it began with."),
    )


def _subject(name: str, which: str) -> tuple[Subject, DatasetInfo]:
    if name.startswith(_LAB):
        row = SHIPPED[name.removeprefix(_LAB)]
        weights = row.weights.as_initialized if which == FIRST else row.weights
        title = partial(_title_of_lab, row, which)
        return Subject(weights, analysis_of(weights.spec), None, which, title), row.data
    run = store().get(int(name.removeprefix(_RUN)))
    if which == BEST and run.best_file is None and run.checkpoint:
        which = LAST  # its first epoch is under way
    weights = run_weights(run, which)
    title = partial(_title_of_run, run, which)
    analysis = analysis_of(weights.spec)
    return Subject(weights, analysis, run, which, title), find_dataset(run.spec.dataset)


def _title_of_lab(row: ShippedNetwork, which: str) -> str:
    if which == FIRST:
        return _("{network} (as initialized)", network=_(row.title))
    accuracy = formats.percent(row.known.accuracy)
    return _("{network} ({accuracy})", network=_(row.title), accuracy=accuracy)


def _title_of_run(run: Run, which: str) -> str:
    return _(_RUN_TITLES[which], run=seeded_title(run))


def _new_subject(row: DeltaGenerator, below: DeltaGenerator) -> tuple[Subject, DatasetInfo]:
    """Any network, with the parameters that a seed draws."""
    with below:
        spec = complete(choose_model("inside_", "course-residual", libraries=True, wide=True))
    here = {
        name: info.title
        for name, info in DATASETS.items()
        if is_available(name) and info.channels in (1, spec.in_channels)
    }
    with row:
        data = find_dataset(select_name(_("Images of"), here, next(iter(here)), "in_data"))
        initialization = str(
            st.selectbox(
                _("Initialization"),
                (*INITIALIZATIONS, "he"),
                key="in_initialization",
                bind="query-params",
                help=_("How the weights are drawn: as PyTorch does, Xavier's way or He's."),
            )
        )
        seed = st.number_input(
            _("Seed"),
            0,
            MAX_SEED,
            0,
            key="in_seed",
            bind="query-params",
            help=_("Draws the weights."),
        )
    weights = Weights(
        spec, initialization=initialization, seed=int(seed), mean=data.mean, std=data.std
    )
    title = partial(_title_of_new, weights)
    return Subject(weights, analysis_of(spec), None, FIRST, title), data


def _title_of_new(weights: Weights) -> str:
    network = network_title(weights.spec)
    return _("{network}, as initialized by seed {seed}", network=network, seed=weights.seed)

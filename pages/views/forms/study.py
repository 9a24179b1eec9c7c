"""The form of a study: network, variants, seeds, data, recipe, and the button that starts it."""

from __future__ import annotations

import streamlit as st

from core.data import find_dataset
from core.explain.glossary import explained
from core.jobs.offers import device_names
from core.jobs.store import Study
from core.language import _, ngettext, paragraph
from core.report import formats
from core.report.sentences.workers import nobody_sentence
from core.specs import LabError, RunSpec
from core.studies.plan import (
    FIRST_EPOCHS,
    FIRST_NUMBER_OF_SEEDS,
    Options,
    StudyPlan,
    fit_to_data,
    has_shortcuts,
    in_type,
    known_variants,
    plan_study,
    usual_variants,
    values_of,
)
from core.training.recipes import recipe
from core.zoo.catalogue import CATALOGUE, find
from core.zoo.own import is_own
from core.zoo.variants import VARIANTS
from pages.views.app.messages import show_error
from pages.views.app.offers import cluster, cluster_caption, offers
from pages.views.app.prose import caption
from pages.views.app.services import store
from pages.views.forms.data_sets import dataset_line
from pages.views.forms.estimates import LONG_SECONDS, no_time_yet, study_seconds
from pages.views.forms.limits import FIRST_SEED, SEEDS
from pages.views.forms.names import select_name, select_names
from pages.views.forms.network import network_label, own_names
from pages.views.forms.row import folded, form_row, shown_number
from pages.views.forms.run import (
    FIRST_NETWORK,
    choose_dataset,
    choose_device,
    choose_epochs,
    choose_images,
    choose_recipe,
)
from pages.views.people.ownership import told_before_the_start

_FIRST_VALUES = 4  # of an argument, where nobody has chosen
PREFIX = "res_"  # begins the keys of the form, and so its part of the address
_IN_ADDRESS = {  # setting of a study → its key
    **{name: name for name in ("network", "variants", "seeds", "first_seed", "dataset", "recipe")},
    **{"epochs": "epochs", "train_images": "images", "device": "device"},
}
_STYLE = """<style>
.st-key-row_study > .st-key-res_variants { flex: 3 1 24rem; max-width: 40rem; }
.st-key-row_study > :is(.st-key-res_seeds, .st-key-res_epochs) { flex: 0 1 8rem; min-width: 7rem; }
</style>"""


def study_form() -> StudyPlan:
    """What to compare, in a row; below it the one button that queues it, and how long it takes."""
    st.html(_STYLE)
    with form_row("study"):
        network = _choose_network()
        compared = _choose_values(network) if is_own(network) else _choose_variants(network)
        seeds = _choose_seeds()
        dataset = choose_dataset(PREFIX, _all_images, described=False)
        recipe_name = choose_recipe(PREFIX, explanation=_("The same recipe for every variant."))
        epochs = choose_epochs(PREFIX, FIRST_EPOCHS)
        with folded("study", _folded_label(dataset)):
            images = choose_images(PREFIX, dataset, _("Training images"))
            first = _choose_first_seed()
            device = choose_device(
                PREFIX,
                _(
                    "The devices that workers really have; on the CPU runs go side by side, one a"
                    " core."
                ),
            )
    model = fit_to_data(find(network).default, dataset)
    run = RunSpec(
        model, dataset, recipe(recipe_name, images, epochs), train_images=images, device=device
    )
    plan = plan_study(run, compared, range(first, first + seeds))
    _start(plan)
    return plan


def study_keys(study: Study) -> dict[str, object]:
    """The URL parameters under which the form has the settings of this study; of one that it cannot
    have, such as one over an argument of somebody's own network, none.
    """
    settings = study.settings
    if is_own(settings.get("network", "")) or not set(_IN_ADDRESS) <= set(settings):
        return {}
    return {f"{PREFIX}{key}": settings[name] for name, key in _IN_ADDRESS.items()}


def _folded_label(dataset: str) -> str:
    """`5,000 images, first seed 0, cpu`."""
    images = shown_number("res_images", find_dataset(dataset).train_images)
    device = st.session_state.get("res_device", st.query_params.get("res_device"))
    names = device_names(offers())
    if device not in names:
        device = names[0]
    return _(
        "{images}, first seed {seed}, {device}",
        images=ngettext("{number:,} image", "{number:,} images", images),
        seed=shown_number("res_first_seed", 0),
        device=device,
    )


def _choose_network() -> str:
    """The network whose blocks are exchanged, or one of the user's own with an argument to vary."""
    names = {name: row.title for name, row in CATALOGUE.items() if has_shortcuts(name)}
    own = {name: network_label(name) for name in own_names() if find(name).options}
    return select_name(
        _("Network"),
        names | own,
        FIRST_NETWORK,
        "res_network",
        on_change=_forget_variants,
        help=_(
            "The net whose blocks are exchanged; everything else stays as it is. Of a network of"
            " your own, an argument of its constructor is varied."
        ),
    )


def _choose_variants(network: str) -> dict[str, Options]:
    """The blocks to compare, each with the options that make the network that."""
    known = known_variants(network)
    names = select_names(
        _("Variants"),
        {name: VARIANTS[name].title for name in known},
        usual_variants(network),
        "res_variants",
        wrap=True,
        help=_(
            "{explanation} “As published” keeps the homework's mistake.",
            explanation=explained("variant"),
        ),
    )
    return {name: known[name] for name in names}


def _choose_values(network: str) -> dict[str, Options]:
    """An argument of the user's own network, and the values of it to compare."""
    options = {option.name: option for option in find(network).options}
    option = options[
        select_name(
            _("Argument"),
            {name: option.title for name, option in options.items()},
            next(iter(options)),
            "res_argument",
            help=_("The argument of its constructor that differs; all else stays as it is."),
        )
    ]
    text = st.text_input(
        _("Values"),
        ", ".join(map(in_type, option.spread()[:_FIRST_VALUES])),
        max_chars=200,
        key=f"res_values_{option.name}",
        help=_("Values of {name} to compare, with commas between them.", name=option.name),
    )
    try:
        return values_of(option, text.split(","))
    except LabError as error:
        show_error(error)
        return {}


def _begin(plan: StudyPlan) -> None:
    """Queue the study and open it."""
    study = store().create_study(plan.title, plan.settings, plan.specs)
    st.query_params["study"] = study.id
    st.rerun()


def _start(plan: StudyPlan) -> None:
    """The button, and beside it what the study will take, or why it cannot be trained."""
    if not plan.specs:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.info(_("Choose at least one variant."), icon=":material/info:")
            if not is_own(plan.settings["network"]):
                st.button(_("Take the usual four"), key="res_usual", on_click=_forget_variants)
        return
    try:
        seconds = study_seconds(plan.specs)
    except LabError as error:
        show_error(error)
        return
    is_long = seconds is not None and seconds > LONG_SECONDS
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(
            ngettext("Train {number} run", "Train {number} runs", len(plan.specs)),
            type="secondary" if is_long else "primary",
            icon=":material/play_arrow:",
            key="res_train",
            help=_("Queues every run; they go on when this tab closes."),
        ):
            _begin(plan)
        with st.container(width="stretch"):
            _say_time(plan, seconds)
            caption(dataset_line(plan.settings["dataset"]))
            told_before_the_start()
            cluster_caption()
            if not offers():
                caption(nobody_sentence())


def _say_time(plan: StudyPlan, seconds: float | None) -> None:
    """How long all runs take together, and what would make a long study shorter."""
    runs = len(plan.specs)
    if seconds is None:
        told = ngettext("{number} run.", "{number} runs.", runs)
        caption(paragraph(told, no_time_yet(plan.specs[0].device)))
        return
    time = formats.duration(seconds)
    if cluster():
        told = ngettext(
            "{number} run, about {time} on the cluster.",
            "{number} runs, together about {time} on the cluster.",
            runs,
            time=time,
        )
    else:
        told = ngettext(
            "{number} run, about {time} on this machine.",
            "{number} runs, together about {time} on this machine.",
            runs,
            time=time,
        )
    caption(told)
    if seconds > LONG_SECONDS:
        st.caption(_("Fewer variants, seeds, epochs or images make it shorter."))


def _choose_seeds() -> int:
    """How many seeds each variant gets."""
    seeds = st.number_input(
        _("Seeds"),
        *SEEDS,
        FIRST_NUMBER_OF_SEEDS,
        key="res_seeds",
        bind="query-params",
        help=_("Runs of each variant; a verdict takes at least 3."),
    )
    return int(seeds)


def _choose_first_seed() -> int:
    """Which seed comes first."""
    first = st.number_input(
        _("First seed"),
        *FIRST_SEED,
        0,
        key="res_first_seed",
        bind="query-params",
        help=_("A follow-up should use seeds that nobody has looked at, or its error rate rises."),
    )
    return int(first)


def _all_images() -> None:
    """After another data set was picked: all of its images."""
    st.session_state["res_images"] = find_dataset(st.session_state["res_dataset"]).train_images


def _forget_variants() -> None:
    """After another network was picked: those of its variants that come first."""
    network = st.session_state["res_network"]
    if is_own(network):
        return
    st.session_state["res_variants"] = usual_variants(network)

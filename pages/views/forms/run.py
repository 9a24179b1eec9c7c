"""The controls of a run: its network, its data, its recipe and what the recipe set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.data import DATASETS, find_dataset
from core.data.catalogue import train_images_of
from core.explain.glossary import explained
from core.jobs.offers import device_names
from core.language import N_, _
from core.report.sentences.recipes import recipe_settings
from core.report.sentences.workers import device_label
from core.specs import ModelSpec, Recipe, RunSpec
from core.training.recipes import RECIPES, name_today, recipe
from core.zoo.architecture import Architecture
from core.zoo.catalogue import complete
from core.zoo.libraries import library_of
from pages.views.app.offers import offers
from pages.views.app.prose import caption, markdown
from pages.views.forms.data_sets import dataset_line
from pages.views.forms.limits import BATCH, EPOCHS, LEAST_IMAGES, RATE, SEED
from pages.views.forms.names import select_name
from pages.views.forms.network import choose_model, model_keys
from pages.views.forms.row import folded, form_row, shown_number

_Callback = Callable[[], None] | None
FIRST_NETWORK = "course-residual"
# Five marks are enough: Architecture explains each option of a network
_FEW_MARKS = """<style>
.st-key-row_train_network > :not(.st-key-train_ratio):not(:has(.st-key-train_size))
  [data-testid="stTooltipIcon"] { display: none; }
</style>"""
_DOWNLOADED = N_(
    "Fashion-MNIST mini ships with the lab; the others are downloaded at the first run."
)
SHORT_SIZE, SHORT_RATIO = 96, 4  # of a large network, where a run is started without a choice


def run_keys(spec: RunSpec) -> dict[str, object]:
    """The URL parameters under which the Train page shows `spec`.

    Raises LabError for a network or a data set that this lab does not have.
    """
    return model_keys("train_", spec.model) | {
        "train_dataset": spec.dataset,
        "train_recipe": name_today(spec.recipe),
        "train_images": train_images_of(spec),
        "train_epochs": spec.recipe.epochs,
        "train_batch": spec.recipe.batch_size,
        "train_rate": spec.recipe.learning_rate,
        "train_seed": spec.seed,
        "train_device": spec.device,
        **({"train_deterministic": "true"} if spec.deterministic else {}),
    }


def _short_default(row: Architecture) -> ModelSpec:
    """For gray images of ten classes; the large networks smaller, so that a run is short.

    Models of a library have no ratio, some a fixed size; torchvision's all read three channels.
    """
    default = replace(row.default, num_classes=10)
    if library := library_of(row.name):
        return replace(default, in_channels=library.channels or 1)
    default = replace(default, in_channels=1)
    if max(default.sides) <= 32:
        return default
    return replace(default, image_size=SHORT_SIZE, ratio=SHORT_RATIO)


def choose_run(
    show: Callable[[RunSpec], None], has_epochs: bool = True, has_steps: bool = True
) -> RunSpec:
    """Two rows above what they change: the network, then what trains it; rate and seed folded.

    `show` is told the run as soon as all but its device is known, which waits for torch. Left out
    is what changes nothing: the number of epochs, or batch, rate and seed of the steps.
    """
    st.html(_FEW_MARKS)
    model = choose_model("train_", FIRST_NETWORK, _short_default, libraries=True, wide=True)
    with form_row("train_run"):
        dataset = choose_dataset("train_", _follow_recipe, described=False, explanation=None)
        train_images = choose_images(
            "train_", dataset, _("Training images"), _follow_images, explanation=None
        )
        chosen = recipe(choose_recipe("train_", _follow_recipe), train_images)
        if has_epochs:
            chosen = replace(chosen, epochs=choose_epochs("train_", chosen.epochs))
        if has_steps:
            chosen = replace(chosen, batch_size=_choose_batch("train_", chosen.batch_size))
        device_box, seed = st.container(), 0
        if has_steps:
            rate, seed, bits_box = _choose_folded(chosen)
            chosen = replace(chosen, learning_rate=rate)
    spec = RunSpec(complete(model), dataset, chosen, train_images, seed=seed)
    show(spec)
    with device_box:
        spec = replace(spec, device=choose_device("train_"))
    if has_steps and spec.is_on_cuda:
        with bits_box:
            return replace(spec, deterministic=_choose_deterministic("train_"))
    return spec


def _choose_folded(default: Recipe) -> tuple[float, int, DeltaGenerator]:
    """Learning rate and seed, what else the recipe sets; and the place of what only a card has."""
    rate = shown_number("train_rate", default.learning_rate)
    seed = shown_number("train_seed", 0)
    optimizer = {"sgd": "SGD", "muon": "Muon"}[default.optimizer]
    label = _("{optimizer}, rate {rate:g}, seed {seed}", optimizer=optimizer, rate=rate, seed=seed)
    with folded("train_run", label):
        rate = _choose_rate("train_", default.learning_rate)
        seed = _choose_seed("train_")
        bits_box = st.container()
        markdown("\n".join(f"- {line}" for line in recipe_settings(default)))
        st.caption(_("Source of the recipe: {source}", source=_(RECIPES[default.name].source)))
    return rate, seed, bits_box


def _follow_images() -> None:
    """After another number of images: the batch size and the rate that fit it."""
    default = recipe(st.session_state["train_recipe"], st.session_state["train_images"])
    st.session_state["train_batch"] = default.batch_size
    st.session_state["train_rate"] = default.learning_rate


def _follow_recipe() -> None:
    """After another data set or recipe was picked: what it sets, also where the address differs."""
    images = find_dataset(st.session_state["train_dataset"]).train_images
    default = recipe(st.session_state["train_recipe"], images)
    st.session_state["train_images"] = images
    st.session_state["train_epochs"] = default.epochs
    st.session_state["train_batch"] = default.batch_size
    st.session_state["train_rate"] = default.learning_rate


# The pieces, for every form that starts runs -------------------------------------------------


def choose_dataset(
    prefix: str,
    on_change: _Callback,
    described: bool = True,
    explanation: str | None = _DOWNLOADED,
) -> str:
    """The data set; `described`: with what is known of it, below."""
    dataset = select_name(
        _("Data set"),
        {name: info.title for name, info in DATASETS.items()},
        next(iter(DATASETS)),
        f"{prefix}dataset",
        on_change=on_change,
        help=explanation and _(explanation),
    )
    if described:
        caption(dataset_line(dataset))
    return dataset


def choose_recipe(
    prefix: str,
    on_change: _Callback = None,
    explanation: str | None = None,
) -> str:
    """The name of the recipe."""
    return select_name(
        _("Recipe"),
        {name: row.title for name, row in RECIPES.items()},
        next(iter(RECIPES)),
        f"{prefix}recipe",
        on_change=on_change,
        help=explanation or explained("recipe"),
    )


def choose_images(
    prefix: str,
    dataset: str,
    label: str,
    on_change: _Callback = None,
    explanation: str | None = N_(
        "A fixed draw of the training set; fewer images make a shorter run."
    ),
) -> int:
    """How many training images; all of them where nobody has chosen."""
    total = find_dataset(dataset).train_images
    images = st.number_input(
        label,
        LEAST_IMAGES,
        total,
        total,
        key=f"{prefix}images",
        on_change=on_change,
        bind="query-params",
        help=explanation and _(explanation),
    )
    return int(images)


def choose_epochs(
    prefix: str,
    default: int,
    explanation: str | None = None,
    width: int | Literal["stretch"] = "stretch",
) -> int:
    """How often the run sees its training images."""
    epochs = st.number_input(
        _("Epochs"),
        *EPOCHS,
        default,
        key=f"{prefix}epochs",
        bind="query-params",
        width=width,
        help=explanation or explained("epoch"),
    )
    return int(epochs)


def _choose_batch(prefix: str, default: int) -> int:
    """Images a step."""
    batch_size = st.number_input(
        _("Batch size"),
        *BATCH,
        default,
        key=f"{prefix}batch",
        bind="query-params",
        help=explained("batch"),
    )
    return int(batch_size)


def _choose_rate(prefix: str, default: float) -> float:
    """The learning rate."""
    rate = st.number_input(
        _("Learning rate"),
        *RATE,
        default,
        format="%.5g",
        key=f"{prefix}rate",
        bind="query-params",
        help=explained("learning rate", "one-cycle"),
    )
    return float(rate)


def _choose_seed(prefix: str) -> int:
    """The seed of one run."""
    seed = st.number_input(
        _("Seed"),
        *SEED,
        0,
        key=f"{prefix}seed",
        bind="query-params",
        help=explained("seed"),
    )
    return int(seed)


def choose_device(prefix: str, explanation: str | None = None) -> str:
    """One of the devices that somebody computes on."""
    offered = offers()
    names = device_names(offered)
    return select_name(
        _("Device"),
        {name: device_label(name, offered) for name in names},
        names[0],
        f"{prefix}device",
        help=explanation,
    )


def _choose_deterministic(prefix: str) -> bool:
    """Whether a CUDA device adds in a fixed order."""
    return st.checkbox(
        _("Equal bits"),
        key=f"{prefix}deterministic",
        bind="query-params",
        help=_(
            "Kernels that add in a fixed order: the same run again ends with the same bits. Without"
            " them, equal runs on a card are equal within rounding. On an H200 the networks that"
            " were tried took at most 1.1 times as long so."
        ),
    )

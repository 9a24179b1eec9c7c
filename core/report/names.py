"""What networks, runs and files about them are called: whatever differs is in the name.

Imports no torch.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import asdict
from hashlib import sha256

from core.data.catalogue import find_dataset
from core.inside.weights import Weights
from core.jobs.store import Run
from core.language import ENGLISH, N_, _, comma, in_language, ngettext, pgettext
from core.specs import LabError, ModelSpec, OptionValue, Recipe, RunSpec, image_size_text
from core.studies.conditions import Condition, condition_of
from core.training.recipes import recipe as recipe_named
from core.zoo.catalogue import CATALOGUE, complete, effective_options, find
from core.zoo.variants import SHORTCUTS, variant_of

_LONGEST = 120  # characters of a file's name, without its ending
_DIGITS = 8  # of the hash that tells apart what was cut off
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_MOST_SETTINGS = 3  # of a recipe that are named; the others are counted, and told apart by a hash
_IN_SHORT = {
    "batch_size": N_("batch {value}"),
    "learning_rate": N_("rate {value}"),
    "schedule": N_("{value} schedule"),
}


# Networks ------------------------------------------------------------------------------------


def network_title(model: ModelSpec, with_size: bool = True) -> str:
    """`Course residual net, conv shortcut, ratio 2, 28 px`: with all that is not by default."""
    row = CATALOGUE.get(model.arch)
    size, ratio, channels, classes = sizes_in_words(model)
    parts = [ratio] if model.ratio > 1 else []
    if with_size:
        parts.append(size)
    if row is None or model.in_channels != row.default.in_channels:
        parts.append(channels)
    if row is None or model.num_classes != row.default.num_classes:
        parts.append(classes)
    return title_and_options(model, *parts)


def title_and_options(model: ModelSpec, *more: str) -> str:
    """`Course residual net, conv shortcut`, and what else is to be told of it."""
    row = CATALOGUE.get(model.arch)
    title = _(row.title) if row else model.arch
    told = comma().join([*_options_in_words(model), *more])
    return _("{network}, {details}", network=title, details=told) if told else title


def sizes_in_words(model: ModelSpec) -> tuple[str, str, str, str]:
    """`224 px`, `ratio 1`, `1 channel`, `10 classes`."""
    return (
        f"{model.size_label} px",
        _("ratio {ratio}", ratio=model.ratio),
        ngettext("{number:,} channel", "{number:,} channels", model.in_channels),
        ngettext("{number:,} class", "{number:,} classes", model.num_classes),
    )


def _options_in_words(model: ModelSpec) -> list[str]:
    """What tells a network from others of its name: its variant, and options not at their default.

    `plain residual`, `head width 32`, `last activation sigmoid`.
    """
    variant = variant_of(model)
    options = _not_default(model)
    if variant:
        parts = [variant.title]
        told = {"shortcut", "order", "batch_norm", SHORTCUTS[variant.shortcut].setting}
        told |= {"as_published"} if variant.as_published else set()
    else:
        parts = [str(conv_arch)] if (conv_arch := model.option("conv_arch")) else []
        told = {"conv_arch"}
    return parts + [_setting(name, value) for name, value in options.items() if name not in told]


def _setting(name: str, value: object) -> str:
    """`head width 32`, in the words of core.studies.study.SETTINGS."""
    return _("{name} {value}", name=_(name.replace("_", " ")), value=value)


def _not_default(model: ModelSpec) -> dict[str, OptionValue]:
    """The options with an effect that are not at their default."""
    options = dict(model.options)
    with suppress(LabError):  # of a store of another lab
        options = effective_options(model)
    row = CATALOGUE.get(model.arch)
    defaults = {option.name: option.default for option in row.options} if row else {}
    return {name: value for name, value in options.items() if value != defaults.get(name)}


# Runs ----------------------------------------------------------------------------------------


def condition_label(condition: Condition) -> str:
    """`fashion-mini, 5,000 images, 5 epochs, fast`, and what is not as the recipe sets it."""
    return comma().join(condition_parts(condition))


def condition_in_full(condition: Condition) -> str:
    """`fashion-mini, 5,000 images, 5 epochs, fast (batch 32, rate 0.05, one-cycle schedule)`: also
    where the recipe sets them so.
    """
    return comma().join(condition_parts(condition, tuple(_IN_SHORT)))


def condition_parts(condition: Condition, always: Collection[str] = ()) -> list[str]:
    """`condition_label` in parts: data, images, epochs, recipe with what is not as it sets it, and
    what is `always` told.
    """
    images, recipe = condition.train_images, condition.recipe
    name = recipe.name
    if told := _told_settings(recipe, images, always):
        name = _("{recipe} ({settings})", recipe=name, settings=comma().join(told))
    return [
        condition.dataset,
        _("all images")
        if images is None
        else ngettext("{number:,} image", "{number:,} images", images),
        ngettext("{number:,} epoch", "{number:,} epochs", recipe.epochs),
        name,
    ]


def _told_settings(recipe: Recipe, images: int | None, always: Collection[str]) -> list[str]:
    """First those that are `always` told, then those that this recipe does not have for so many
    images: `batch 32`, `rate 0.05`.
    """
    try:
        usual = asdict(recipe_named(recipe.name, images or 1, recipe.epochs))
    except LabError:  # a recipe of somebody's own: all it sets
        usual = {}
    settings = {name: v for name, v in asdict(recipe).items() if name not in ("name", "epochs")}
    changed = [name for name, value in settings.items() if value != usual.get(name)]
    told = [_recipe_setting(name, settings[name]) for name in dict.fromkeys([*always, *changed])]
    if len(told) <= _MOST_SETTINGS:
        return told
    digest = sha256(repr(recipe).encode()).hexdigest()[: _DIGITS // 2]
    more = ngettext(
        "{number:,} more setting {digest}",
        "{number:,} more settings {digest}",
        len(told) - _MOST_SETTINGS,
        digest=digest,
    )
    return [*told[:_MOST_SETTINGS], more]


def _recipe_setting(name: str, value: object) -> str:
    """`batch 32`, `one-cycle schedule`, `momentum 0.5`."""
    if name not in _IN_SHORT:
        return _setting(name, value)
    return _(_IN_SHORT[name], value=_(value) if isinstance(value, str) else value)


def set_up_title(spec: RunSpec) -> str:
    """`Train VGG-11, ratio 4, 96 px on Fashion-MNIST`: of a run that could be started."""
    return _(
        "Train {network} on {data}",
        network=network_title(spec.model),
        data=_data_title(spec.dataset),
    )


def record_title(run: Run) -> str:
    """`Run 42: Course residual net, plain residual, 28 px on MNIST`."""
    return _(
        "Run {run}: {network} on {data}",
        run=run.id,
        network=network_title(run.spec.model),
        data=_data_title(run.spec.dataset),
    )


def _data_title(dataset: str) -> str:
    """That of the data set; the name of one that only another lab has."""
    with suppress(LabError):
        return _(find_dataset(dataset).title)
    return dataset


def run_title(run: Run) -> str:
    """`12 · Course residual net, conv shortcut, ratio 2, 28 px`."""
    return f"{run.id} · {network_title(run.spec.model)}"


def seeded_title(run: Run) -> str:
    """`12 · seed 3 · Course residual net, …`: a narrow box cuts off the end."""
    return _(
        "{run} · seed {seed} · {network}",
        run=run.id,
        seed=run.spec.seed,
        network=network_title(run.spec.model),
    )


def run_titles(runs: Sequence[Run]) -> list[str]:
    """As `run_title`, with what else is not the same in all of these runs."""
    settings = [_settings(run.spec) for run in runs]
    return [
        comma().join(
            [
                run_title(run),
                *(part for part, *others in zip(own, *settings, strict=True) if _differ(others)),
            ]
        )
        for run, own in zip(runs, settings, strict=True)
    ]


def _differ(values: Sequence[str]) -> bool:
    return len(set(values)) > 1


def _settings(spec: RunSpec) -> list[str]:
    """Data, images, epochs, recipe, seed and device in words."""
    seed = _("seed {seed}", seed=spec.seed)
    return [*condition_parts(condition_of(spec)), seed, spec.device]


def study_name(models: Sequence[ModelSpec], titles: Sequence[str], seeds: int) -> str:
    """`Study: four shortcuts, 5 seeds`, of different networks; of a single one with its title."""
    compared = titles[0] if len(models) == 1 else _compared(models)
    return ngettext(
        "Study: {compared}, {number:,} seed",
        "Study: {compared}, {number:,} seeds",
        seeds,
        compared=compared,
    )


def _compared(models: Sequence[ModelSpec]) -> str:
    """`four shortcuts`: by what they differ in."""
    numbers = pgettext("from zero on", "no one two three four five six seven eight nine").split()
    count = numbers[len(models)] if len(models) < len(numbers) else str(len(models))
    units = [variant_of(model) for model in models]
    if not all(units):
        return pgettext("in a study", "{count} networks", count=count)
    if len({(unit.order, unit.as_published, unit.batch_norm) for unit in units if unit}) == 1:
        return pgettext("in a study", "{count} shortcuts", count=count)
    return pgettext("in a study", "{count} blocks", count=count)


# Files ---------------------------------------------------------------------------------------


def file_name(spec: ModelSpec) -> str:
    """`vgg11-ratio4-96px`: what files about this network begin with; safe, and its own."""
    spec = complete(spec) if spec.arch in CATALOGUE else spec
    row = CATALOGUE.get(spec.arch)
    parts = [spec.arch.replace("/", "-"), *map(_option_slug, _not_default(spec).items())]
    parts += [f"ratio{spec.ratio}", f"{image_size_text(spec.image_size)}px"]
    if row is None or spec.in_channels != row.default.in_channels:
        parts.append(f"{spec.in_channels}channels")
    if row is None or spec.num_classes != row.default.num_classes:
        parts.append(f"{spec.num_classes}classes")
    return safe_name(*parts)


def _option_slug(option: tuple[str, OptionValue]) -> str:
    """`conv_arch-1x64-1x128`, `depth56`, `as_published`, `no-batch_norm`."""
    name, value = option
    if isinstance(value, bool):
        return name if value else f"no-{name}"
    return f"{name}-{value.replace(' ', '-')}" if isinstance(value, str) else f"{name}{value:g}"


@in_language(ENGLISH)
def run_file_name(run: Run) -> str:
    """`run-12-lenet-ratio1-28px-mnist-60000images-10epochs-fast-seed0-cpu`."""
    settings = map(_slug, _settings(run.spec))
    return safe_name(f"run-{run.id}", file_name(run.spec.model), *settings)


def inside_file_name(weights: Weights, run: Run | None, which: str) -> str:
    """`run-12-…-best`, `lenet-ratio1-28px-initial-seed3`: of files about these parameters."""
    if run is not None:
        return safe_name(run_file_name(run), which)
    state = "trained" if weights.file else f"initial-seed{weights.seed}"
    return safe_name(file_name(weights.spec), state)


def run_facts(run: Run, which: str) -> tuple[tuple[str, str], ...]:
    """What a file with parameters of this run says of them: `which` is best, last or initial."""
    epochs = {"best": str(run.best_epoch), "initial": "0"}
    return (
        ("run", str(run.id)),
        ("epoch", epochs.get(which, which)),
        ("training", run.spec.to_json()),
        ("classes", ", ".join(find_dataset(run.spec.dataset).class_names)),
    )


def _slug(words: str) -> str:
    """`fast (batch 32, rate 0.05)` as `fast-batch32-rate0.05`, `5,000 images` as `5000images`."""
    words = words.replace(" (", "-").replace(")", "").replace(", ", "-")
    return words.replace(",", "").replace(" ", "")


def network_source(arch: str) -> str:
    """Where a network comes from: `2014, arXiv 1409.1556, table 1, configuration A`."""
    row = find(arch)
    source = _(row.source)
    return _("{year}, {source}", year=row.year, source=source) if row.year else source


def names_file(start: str, specs: Sequence[ModelSpec]) -> str:
    """`comparison-lenet-ratio1-28px-alexnet-ratio1-224px`: of a file about several networks."""
    return safe_name(start, *map(file_name, specs))


@in_language(ENGLISH)
def condition_file_name(start: str, condition: Condition) -> str:
    """`accuracy-mnist-60000images-10epochs-fast`."""
    return safe_name(start, *map(_slug, condition_parts(condition)))


def safe_name(*parts: str) -> str:
    """The parts with `-` between them: letters, digits, `.`, `_` and `-`, not too long.

    What had to be left out or cut off is told apart by a short hash.
    """
    text = "-".join(part for part in parts if part)
    safe = _UNSAFE.sub("-", text).strip("-.") or "file"
    if safe == text and len(safe) <= _LONGEST:
        return safe
    digest = sha256(text.encode()).hexdigest()[:_DIGITS]
    return f"{safe[: _LONGEST - _DIGITS - 1].rstrip('-.')}-{digest}"

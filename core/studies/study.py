"""What a study has found: its runs by variant, how far it is, and what its accuracies tell.

Imports no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import TypeVar

from core.jobs.store import JobState, Run
from core.language import N_, Message, comma, lazy
from core.specs import ModelSpec
from core.studies.conditions import Condition, condition_of, most_shared
from core.studies.statistics import Comparison, Mean, compare, mean_interval
from core.training.records import EpochMetrics
from core.zoo.catalogue import CATALOGUE
from core.zoo.own import plain_name
from core.zoo.variants import Variant, variant_of

_Epochs = Mapping[int, Sequence[EpochMetrics]]  # run id → its finished epochs
_Key = TypeVar("_Key", bound=Hashable)
_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Group:
    """The runs of one variant under one condition, a seed each."""

    said: tuple[Message, ...]  # the parts of its title
    model: ModelSpec
    condition: Condition
    runs: tuple[Run, ...]  # by seed
    epochs: tuple[Sequence[EpochMetrics], ...]  # of each run

    @property
    def title(self) -> str:
        """What it is called beside the others, in the reader's language."""
        return comma().join(map(str, self.said))

    @property
    def variant(self) -> Variant | None:
        """The row of the table of variants; None for another network."""
        return variant_of(self.model)

    @property
    def finished_epochs(self) -> dict[int, Sequence[EpochMetrics]]:
        """seed → its epochs, of the runs that are finished."""
        return {
            run.spec.seed: epochs
            for run, epochs in zip(self.runs, self.epochs, strict=True)
            if run.state is JobState.FINISHED and len(epochs) >= run.spec.recipe.epochs
        }

    @property
    def final_accuracies(self) -> dict[int, float]:
        """seed → test accuracy after the last epoch, of the runs that are finished."""
        return {seed: epochs[-1].test_accuracy for seed, epochs in self.finished_epochs.items()}

    @property
    def final(self) -> Mean | None:
        """Mean of the final test accuracies."""
        return mean_interval(list(self.final_accuracies.values()))

    @property
    def best(self) -> Mean | None:
        """Mean of each seed's best epoch, chosen on the test images: an optimistic figure."""
        return mean_interval(
            [
                max(epoch.test_accuracy for epoch in epochs)
                for epochs in self.finished_epochs.values()
            ]
        )

    @property
    def seconds(self) -> float | None:
        """Mean of the seconds of training and evaluation."""
        spent = [
            sum(epoch.train_seconds + epoch.evaluation_seconds for epoch in epochs)
            for epochs in self.finished_epochs.values()
        ]
        return fmean(spent) if spent else None

    @property
    def dead_parameters(self) -> dict[str, int]:
        """Names and counts of the parameters that never got a gradient in one of the runs."""
        return {
            name: count for run in self.runs for name, count in (run.dead_parameters or {}).items()
        }


def grouped(items: Iterable[_Item], key: Callable[[_Item], _Key]) -> dict[_Key, list[_Item]]:
    """What agrees in `key`, under it; groups and members keep the order in which they come."""
    groups: dict[_Key, list[_Item]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


def by_variant(runs: Sequence[Run], epochs: _Epochs) -> list[Group]:
    """The runs of each network, in the order in which they were queued.

    Where some were trained for longer, or with other data or settings, they are a group of their
    own, and its title says so.
    """
    in_order = sorted(runs, key=lambda run: (run.id, run.spec.seed))
    members = grouped(in_order, lambda run: (run.spec.model, condition_of(run.spec)))
    models = list(dict.fromkeys(model for model, _condition in members))
    titles = dict(zip(models, _distinct(models), strict=True))
    conditions = {condition for _model, condition in members}
    return [
        Group(
            (*titles[model], *_condition_differences(condition, conditions)),
            model,
            condition,
            tuple(group),
            tuple(epochs.get(run.id, ()) for run in group),
        )
        for (model, condition), group in members.items()
    ]


def _condition_differences(condition: Condition, others: Collection[Condition]) -> list[Message]:
    """What a condition has and not all of the others have, each with its name."""

    def features(one: Condition) -> dict[str, object]:
        sizes = {"data": one.dataset, "images": one.train_images}
        return sizes | {f"{name}": value for name, value in asdict(one.recipe).items()}

    return [
        _setting(name, value)
        for name, value in features(condition).items()
        if any(features(other)[name] != value for other in others)
    ]


def comparable(groups: Sequence[Group]) -> list[Group]:
    """The groups of the condition that most networks share: only those can be compared."""
    by_condition = grouped(groups, lambda group: group.condition)
    reached = [
        {
            condition: group.runs
            for condition, members in by_condition.items()
            for group in members
            if group.model == model
        }
        for model in dict.fromkeys(group.model for group in groups)
    ]
    return by_condition[most_shared(reached)[0]] if groups else []


def distinct_titles(models: Sequence[ModelSpec]) -> list[str]:
    """What each network is called beside the others: its variant, and where two agree, what not."""
    return [comma().join(map(str, said)) for said in _distinct(models)]


def _distinct(models: Sequence[ModelSpec]) -> list[tuple[Message, ...]]:
    """The parts of `distinct_titles`."""
    titles = [
        variant.said if (variant := variant_of(model)) else (_name(model.arch),) for model in models
    ]
    named = list(zip(titles, models, strict=True))
    return [
        (*title, *_differences(model, [other for same, other in named if same == title]))
        for title, model in named
    ]


def _name(arch: str) -> Message:
    """A network's title; that of a file as it is there."""
    return lazy(CATALOGUE[arch].title if arch in CATALOGUE else plain_name(arch))


# How titles name the settings of networks and recipes
SETTINGS = (
    *(N_("network"), N_("ratio"), N_("size"), N_("channels"), N_("classes")),
    *(N_("as published"), N_("shortcut"), N_("order"), N_("batch norm")),
    *(N_("factor"), N_("gate bias"), N_("dropout"), N_("depth")),
    *(N_("growth rate"), N_("compression"), N_("head layers"), N_("conv arch")),
    *(N_("head width"), N_("last activation")),
    *(N_("data"), N_("images"), N_("name"), N_("epochs"), N_("batch size"), N_("learning rate")),
    *(N_("momentum"), N_("nesterov"), N_("weight decay"), N_("max gradient norm")),
    *(N_("schedule"), N_("initialization"), N_("normalize"), N_("bfloat16")),
    *(N_("optimizer"), N_("label smoothing")),
)


def _setting(name: str, value: object) -> Message:
    """`learning rate 0.1`."""
    told = value if isinstance(value, Message) else str(value)
    return lazy("{name} {value}", name=lazy(name.replace("_", " ")), value=told)


def _differences(model: ModelSpec, others: Sequence[ModelSpec]) -> list[Message]:
    """What a network has and not all of the others have, each with its name."""

    def features(spec: ModelSpec) -> dict[str, object]:
        sizes = {
            "network": _name(spec.arch),
            "ratio": spec.ratio,
            "size": spec.size_label,
            "channels": spec.in_channels,
            "classes": spec.num_classes,
        }
        return sizes | dict(spec.options)

    return [
        _setting(name, value)
        for name, value in features(model).items()
        if any(features(other).get(name) != value for other in others)
    ]


def verdicts(groups: Sequence[Group]) -> list[Comparison]:
    """Every pair of variants that can be compared, over the seeds that both have finished."""
    return compare({group.title: group.final_accuracies for group in comparable(groups)})


# How far it is -------------------------------------------------------------------------------


@dataclass(frozen=True)
class StudyProgress:
    """Where all runs of a study are together."""

    fraction: float  # 0 to 1
    done: int  # runs that are over, whatever came of them
    total: int  # runs
    seconds_left: float | None  # None before it can be told


def progress_of(runs: Sequence[Run], workers: int) -> StudyProgress:
    """How far a study is, and the time left with so many workers side by side."""
    fraction = fmean(_share_done(run) for run in runs) if runs else 0.0
    done = sum(run.state.is_over for run in runs)
    return StudyProgress(fraction, done, len(runs), seconds_left(runs, workers))


def _share_done(run: Run) -> float:
    """Of one run; one that is over counts as done, whatever came of it."""
    if run.state.is_over:
        return 1.0
    return run.progress.fraction if run.progress else 0.0


def seconds_left(runs: Sequence[Run], workers: int) -> float | None:
    """Work left ÷ workers, but no less than the longest run that is left.

    A run under way tells its own length; one that waits takes as long as those of its network,
    or of the study, have taken.
    """
    expected = {run.id: seconds for run in runs if (seconds := _expected_seconds(run))}
    if not expected:
        return None
    by_network: dict[ModelSpec, list[float]] = {}
    for run in runs:
        if run.id in expected:
            by_network.setdefault(run.spec.model, []).append(expected[run.id])
    mean = fmean(expected.values())
    left = []
    for run in runs:
        if not run.state.is_over:
            seconds = expected.get(run.id) or fmean(by_network.get(run.spec.model, [mean]))
            left.append(seconds * (1.0 - _share_done(run)))
    return max(sum(left) / max(1, workers), max(left, default=0.0))


def _expected_seconds(run: Run) -> float | None:
    """How long the run takes from its first epoch to its last; None before that can be told."""
    if run.seconds is None:
        return None
    if run.state is JobState.FINISHED:
        return run.seconds
    share = run.progress.fraction if run.progress and not run.state.is_over else 0.0
    return run.seconds / share if share > 0.05 else None

"""What the runs of each network have reached, by the condition under which they did.

Imports no torch.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from core.jobs.store import Store
from core.report.sentences.guessing import guesses
from core.specs import LabError, ModelSpec, RunSpec
from core.studies.conditions import Condition, condition_of
from core.zoo.catalogue import complete
from core.zoo.own import is_as_now, is_own, plain_name

ByCondition = dict[Condition, list[float]]  # a fraction for each run; the newest condition last
Reached = dict[ModelSpec, ByCondition]


def accuracies_of_runs(store: Store) -> Reached:
    """The best test accuracy of each finished run, by network and condition."""
    accuracies: Reached = {}
    for spec, reached in store.best_accuracies():
        with suppress(LabError):  # a network that this version of the lab no longer has
            condition = condition_of(spec)
            for model in _names_of(spec.model):
                by_condition = accuracies.setdefault(model, {})
                by_condition[condition] = by_condition.pop(condition, []) + reached
    return accuracies


def _names_of(model: ModelSpec) -> list[ModelSpec]:
    """A run's network; in a file that is still as the run had it, that of the file too."""
    if not is_own(model.arch):
        return [complete(model)]
    names = [plain_name(model.arch)] if is_as_now(model.arch) else []
    return [model, *(replace(model, arch=name) for name in names)]


def best_accuracies(reached: Reached) -> dict[ModelSpec, tuple[float, Condition]]:
    """The best accuracy among the runs of each network, and under which condition it was reached.

    A network whose runs are no better than guessing has none.
    """
    best = {}
    for model, by_condition in reached.items():
        learned = [
            (max(accuracies), condition)
            for condition, accuracies in by_condition.items()
            if not is_guess(model, condition, max(accuracies))
        ]
        if learned:
            best[model] = max(learned, key=lambda pair: pair[0])
    return best


def is_guess(model: ModelSpec, condition: Condition, accuracy: float) -> bool:
    """Whether this is no better than guessing."""
    return guesses(RunSpec(model, condition.dataset, condition.recipe), accuracy)

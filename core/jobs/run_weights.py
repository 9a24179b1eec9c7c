"""The parameters of a run, for whoever looks inside its network. Imports no torch."""

from __future__ import annotations

from dataclasses import replace

from core.data.catalogue import find_dataset
from core.inside.weights import Weights
from core.jobs.files import fetched
from core.jobs.records import Run
from core.language import N_, lazy
from core.specs import LabError
from core.zoo.catalogue import complete

BEST, LAST, FIRST = N_("best"), N_("last"), N_("initial")
WHICH = (BEST, LAST, FIRST)  # epochs whose parameters a run has: its best, its last, none


def run_weights(run: Run, which: str = BEST) -> Weights:
    """Which parameters: of its best epoch, of where it is now or ended, or as initialized.

    Raises LabError where they are gone, or cannot be brought to this machine.
    """
    spec = run.spec
    info = find_dataset(spec.dataset)
    mean, std = (info.mean, info.std) if spec.recipe.normalize else (None, None)
    begun = Weights(
        complete(spec.model),
        initialization=spec.recipe.initialization,
        seed=spec.seed,
        mean=mean,
        std=std,
    )
    if which == FIRST:
        return begun
    if which not in WHICH:
        raise LabError(
            "A run has parameters that are {known}, not {which}.",
            known=", ".join(WHICH),
            which=repr(which),
        )
    file = run.best_file if which == BEST else run.checkpoint
    path = fetched(run, file) if file else None
    if file is None or path is None:
        raise LabError(
            "Run {id} has no {which} parameters on this machine; choose another run, or its"
            " initial ones.",
            id=run.id,
            which=lazy(which),
        )
    return replace(begun, file=str(path), sha256=file.sha256)


def other_by_now(run_id: int) -> LabError:
    """What to say where a measurement was asked for parameters that the run has no longer."""
    return LabError(
        "Run {run_id} has other parameters by now; load the page and ask again.", run_id=run_id
    )

"""The trail's plan: what there is room for, whatever the network and however many epochs."""

from __future__ import annotations

import numpy as np
import pytest

from core.analysis import analyze
from core.jobs.records import JobState, Run
from core.jobs.trail import keep_moment, keep_parameters
from core.specs import ModelSpec, RunSpec
from core.training.recipes import recipe
from core.training.trail_records import (
    BINS,
    IMAGES,
    MOST_BYTES,
    Moment,
    TrailPlan,
    evenly,
    plan_trail,
    thinned,
)
from core.zoo.catalogue import CATALOGUE, complete
from tests.run_files import files_of, folder_of

NETWORKS = {
    "course-residual": complete(ModelSpec("course-residual", image_size=28)),
    "vgg19": complete(ModelSpec("vgg19", image_size=224)),
    "densenet121": complete(ModelSpec("densenet121", image_size=224)),
    "alexnet": complete(ModelSpec("alexnet", image_size=224, num_classes=1000)),
    "many classes": complete(ModelSpec("lenet", image_size=28, num_classes=50_000)),
}


def moment_like(plan: TrailPlan, epoch: int) -> Moment:
    """As large as a moment of this plan is."""
    maps = tuple(np.zeros((IMAGES, len(one.channels), *one.sides), np.uint8) for one in plan.maps)
    first = np.zeros((plan.kernels, 3, 11, 11), np.float16) if plan.kernels_of else None
    return Moment(
        epoch=epoch,
        probabilities=np.zeros((IMAGES, plan.classes), np.float32) if plan.classes else None,
        maps=maps,
        ranges=np.zeros((len(maps), 2), np.float32),
        histograms=np.zeros((len(plan.layers), BINS), np.float32),
        weights=np.zeros((len(plan.layers), 4), np.float32),
        kernels=first,
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_a_thousand_epochs_of_any_network_stay_within_two_megabytes(name, isolated_runs):
    model = NETWORKS[name]
    analysis = analyze(model)
    plan = plan_trail(analysis)
    spec = RunSpec(model, "fashion-mini", recipe("fast", 96, epochs=1_000))
    run = Run(id=1, state=JobState.RUNNING, attempt=1, spec=spec)
    parameters = {"all": np.zeros(analysis.totals.params, np.float16)}
    most = 0
    for epoch in range(1_001):
        keep_moment(run, (plan, tuple(range(IMAGES)), (0,) * IMAGES), moment_like(plan, epoch))
        if plan.keeps_parameters:
            keep_parameters(run, plan, epoch, parameters)
        if epoch % 37 == 0 or epoch > 980:
            sizes = [path.stat().st_size for path in folder_of(run).iterdir()]
            most = max(most, sum(sizes))
    assert most <= MOST_BYTES
    epochs = sorted(int(path.stem.split("-")[2]) for path in files_of(run, "trail-*"))
    assert epochs[0] == 0 and epochs[-2:] == [999, 1_000] and len(epochs) >= 10


@pytest.mark.parametrize("name", [row for row in CATALOGUE if "/" not in row])
def test_every_network_of_the_lab_has_a_plan_that_survives_its_file(name):
    plan = plan_trail(analyze(CATALOGUE[name].default))
    assert TrailPlan.from_json(plan.to_json()) == plan
    assert plan.layers and plan.kernels_of
    assert plan.maps and all(one.channels for one in plan.maps)
    assert max(max(one.sides) for one in plan.maps) <= 28


@pytest.mark.parametrize("most", [3, 10, 23])
def test_epochs_are_thinned_to_the_beginning_equal_steps_and_the_end(most):
    kept: set[int] = set()
    for epoch in range(1_001):
        kept = thinned(kept | {epoch}, most)
        assert len(kept) <= most and {0, epoch} <= kept and max(0, epoch - 1) in kept
    steps = np.diff(sorted(kept)[:-2])
    assert len(set(steps.tolist())) <= 1  # the same between all but the last two


def test_evenly_takes_the_first_and_equal_distances():
    assert evenly(range(16), 4) == [0, 4, 8, 12]
    assert evenly(range(3), 4) == [0, 1, 2]
    assert evenly([], 4) == []

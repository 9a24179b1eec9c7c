"""The trail of a run: small, continued, and nothing that its training would notice."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from core.analysis import analyze
from core.data.arrays import read_arrays
from core.inside.one_image import network_of, see
from core.jobs import keep_trail
from core.jobs.execution import execute
from core.jobs.files import delete_runs, load_checkpoint
from core.jobs.heartbeat import StopRequested
from core.jobs.run_weights import LAST, run_weights
from core.jobs.store import JobState
from core.jobs.trail import parameters_path, path_epochs, read_trail
from core.jobs.worker import work
from core.specs import ModelSpec, RunSpec
from core.training.recipes import recipe
from core.training.records import EpochMetrics, Progress
from core.training.trail_records import plan_trail
from core.zoo.catalogue import complete
from tests.core.jobs.tiny_runs import TINY, claimed, history, uninterrupted
from tests.run_files import files_of, folder_of, names_of

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread", "few_test_images")]

RESIDUAL = RunSpec(  # with BatchNorm and dropout: what a pass could disturb
    complete(ModelSpec("course-residual", image_size=28)),
    "fashion-mini",
    recipe("fast", 96, epochs=3, batch_size=32),
    train_images=96,
)


def finished(store, spec: RunSpec):
    run = claimed(store, spec)
    assert execute(store, run) is JobState.FINISHED
    return store.get(run.id)


def no_trail(monkeypatch) -> None:
    monkeypatch.setattr(keep_trail.TrailKeeper, "_quietly", lambda self, do: None)


# What is kept -----------------------------------------------------------------------------------


def test_each_epoch_and_the_state_before_the_first_are_kept(store):
    trail = read_trail(finished(store, TINY))
    assert trail.epochs == (0, 1, 2, 3)
    labels = read_arrays("fashion-mini", "test")[1]
    assert trail.labels == tuple(range(8))
    assert trail.images == tuple(int(np.flatnonzero(labels == label)[0]) for label in range(8))


def test_the_last_epoch_is_what_the_checkpoint_makes_of_the_images(store):
    run = finished(store, RESIDUAL)
    trail, weights = read_trail(run), run_weights(run, LAST)
    moment = trail.moments[-1]
    images = read_arrays("fashion-mini", "test")[0]
    for place, index in enumerate(trail.images):
        seen = see(weights, images[index])
        assert moment.probabilities[place] == pytest.approx(seen.probabilities, abs=1e-5)
        for at, one in enumerate(trail.plan.maps):
            path = one.path
            if one.is_last:  # of the block: the last row that belongs to it
                path = [row for row in seen.steps if row.split(".")[0] == one.block][-1]
            expected = seen.steps[path].output[0, list(one.channels)].numpy()
            low, high = map(float, moment.ranges[at])
            assert moment.map(at)[place] == pytest.approx(
                expected, abs=(high - low) / 500 + 1e-5
            ), one.path


def test_kernels_histograms_and_path_are_the_parameters(store):
    run = finished(store, TINY)
    trail, moment = read_trail(run), read_trail(run).moments[-1]
    state = load_checkpoint(run)["network"]
    kernels = state[f"{trail.plan.kernels_of}.weight"].numpy()
    assert moment.kernels == pytest.approx(kernels, rel=1e-3, abs=1e-6)
    for row, path in enumerate(trail.plan.layers):
        weights = state[f"{path}.weight"].numpy()
        assert moment.histograms[row].sum() == pytest.approx(1, abs=1e-3)
        if weights.size < 20_000:  # of larger ones a sample
            stats = (weights.min(), weights.max(), weights.mean(), weights.std())
            assert moment.weights[row] == pytest.approx(stats, rel=1e-5, abs=1e-7)
            counts, _ = np.histogram(weights, moment.histograms.shape[1], stats[:2])
            assert moment.histograms[row] == pytest.approx(counts / weights.size, abs=1e-4)
    path = parameters_path(run)
    assert path_epochs(run) == [0, 1, 2, 3] and len(path) == 4
    begun = network_of(run_weights(run, "initial"))
    for values, expected in ((path[0], begun.state_dict()), (path[-1], state)):
        assert list(values) == [name for name, _ in begun.named_parameters()]
        for name, value in values.items():
            assert value == pytest.approx(expected[name].numpy(), rel=1e-3, abs=1e-6)


# Training goes on as if nothing had happened ----------------------------------------------------


@pytest.mark.parametrize("spec", [TINY, RESIDUAL], ids=lambda spec: spec.model.arch)
def test_the_bits_of_the_training_are_those_without_a_trail(store, monkeypatch, spec):
    with_trail = finished(store, spec)
    no_trail(monkeypatch)
    without = finished(store, spec)
    assert read_trail(with_trail) is not None and read_trail(without) is None
    assert history(store, with_trail.id) == history(store, without.id)
    one, other = (load_checkpoint(run) for run in (with_trail, without))
    for part in ("network", "optimiser"):
        flat = [dict(_tensors(state[part])) for state in (one, other)]
        assert flat[0].keys() == flat[1].keys()
        assert all(torch.equal(flat[0][name], flat[1][name]) for name in flat[0])


def _tensors(value, name=""):
    if isinstance(value, torch.Tensor):
        yield name, value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from _tensors(one, f"{name}/{key}")
    elif isinstance(value, list | tuple):
        for key, one in enumerate(value):
            yield from _tensors(one, f"{name}/{key}")


def test_a_network_that_draws_numbers_also_in_evaluation_trains_to_the_same_bits(
    store, monkeypatch, networks_file
):
    networks_file(
        "import random\nimport numpy as np\nimport torch\nfrom torch import nn\n"
        "class Noisy(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n"
        "        self.conv = nn.Conv2d(1, 4, 3)\n        self.linear = nn.Linear(4 * 26 * 26, 10)\n"
        "    def forward(self, x):\n"
        "        noise = random.random() + np.random.random() + torch.rand(1)\n"
        "        return self.linear(self.conv(x).flatten(1)) + 0.1 * noise\n"
    )
    import random

    from core.training.fit import start
    from core.training.trail import moment_of, what_there_is

    spec = replace(TINY, model=complete(ModelSpec("nets.py:Noisy", image_size=28)))
    network = start(spec).network
    states = random.getstate(), np.random.get_state()[1].copy(), torch.get_rng_state()
    plan = what_there_is(plan_trail(analyze(spec.model)), network, torch.zeros(8, 1, 28, 28))
    assert moment_of(network, plan, torch.zeros(8, 1, 28, 28), 0).probabilities is not None
    assert network.training
    assert random.getstate() == states[0]
    assert (np.random.get_state()[1] == states[1]).all()
    assert torch.equal(torch.get_rng_state(), states[2])
    assert not any(module._forward_hooks for module in network.modules())


def test_an_error_of_the_trail_is_one_note_and_the_run_ends_well(store, monkeypatch):
    def fail(*_arguments) -> None:
        raise OSError("no room for it")

    monkeypatch.setattr(keep_trail, "keep_moment", fail)
    run = finished(store, TINY)
    assert run.note.count("cannot be replayed (no room for it)") == 1
    assert read_trail(run) is None
    assert history(store, run.id) == uninterrupted(store, TINY)


# Going on, and going away -----------------------------------------------------------------------


def test_a_run_gone_on_with_continues_its_trail(store):
    run = claimed(store, TINY)

    def stop(event: Progress | EpochMetrics) -> None:
        if isinstance(event, Progress) and (event.epoch, event.step) == (3, 1):
            raise StopRequested

    assert execute(store, run, stop) is JobState.STOPPED
    for name in ("trail-1-3.npz", "path-1-3.npz", ".trail-1-3.npz.77"):  # after its checkpoint
        (folder_of(run) / name).write_bytes(b"of an epoch that never counted")
    assert read_trail(store.get(run.id)).epochs == (0, 1, 2)
    store.resume(run.id)
    assert work(store, drain=True) == 1
    done = store.get(run.id)
    kept = [name for name in names_of(done) if name.startswith(("trail", "path", "."))]
    attempts = ["1-0", "1-1", "1-2", "2-3"]
    assert kept == [f"{kind}-{one}.npz" for kind in ("path", "trail") for one in attempts]
    unbroken = read_trail(finished(store, TINY))
    for one, other in zip(read_trail(done).moments, unbroken.moments, strict=True):
        assert one.epoch == other.epoch
        assert (one.probabilities == other.probabilities).all()


def test_an_epoch_counts_only_once_the_store_has_recorded_it(store):
    run = finished(store, TINY)
    for kind in ("trail", "path"):
        [last] = files_of(run, f"{kind}-1-3-*.npz")
        last.with_name(last.name.replace("-1-3-", "-1-4-")).write_bytes(last.read_bytes())
    assert read_trail(run).epochs == (0, 1, 2, 3) and path_epochs(run) == [0, 1, 2, 3]


def test_a_damaged_file_and_one_of_another_run_are_left_out(store):
    run, other = finished(store, TINY), finished(store, replace(TINY, seed=1))
    [half], [foreign] = files_of(run, "trail-1-1-*"), files_of(run, "trail-1-2-*")
    half.write_bytes(half.read_bytes()[:-1])
    foreign.unlink()
    [of_other] = files_of(other, "trail-1-2-*")
    shutil.copy(of_other, folder_of(run))
    assert read_trail(run).epochs == (0, 3)


def test_a_deleted_run_leaves_nothing(store):
    run = finished(store, TINY)
    delete_runs(store, [run.id])
    assert not folder_of(run).exists() and read_trail(run) is None

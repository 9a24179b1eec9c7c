"""A run of a network in somebody's file keeps that file, and is built from what it kept."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from sqlalchemy import text
from torch import nn

from core.cli.commands import main
from core.folders import runs_folder
from core.jobs import heartbeat as heartbeat_module
from core.jobs.execution import execute
from core.jobs.files import best_path, delete_runs
from core.jobs.measurements import trained_run
from core.jobs.records import setting_key
from core.jobs.store import JobState, Run, Store, open_store
from core.jobs.worker import work
from core.measure.gradient_flow import measure_flow
from core.measure.predict import predict
from core.measure.requests import LayerTimesRequest
from core.report.tables.runs import epoch_frame, run_frame
from core.specs import LabError, ModelSpec, RunSpec
from core.training.records import EpochMetrics, Progress
from core.zoo import build, own
from core.zoo.catalogue import complete
from core.zoo.export import source_code
from core.zoo.own_source import Since, kept_source, read_source, since
from tests.core.jobs.tiny_runs import TINY, history

OLD = """
from torch import nn

class Net(nn.Module):
    def __init__(self, in_channels: int = 1, num_classes: int = 10, width: int = 4):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, width, 3, stride=2)
        self.head = nn.Linear(width, num_classes)

    def forward(self, x):
        return self.head(self.conv(x).relu().mean((2, 3)))
"""
NEW = OLD.replace("relu()", "sigmoid()")  # the same parameters, other figures
EDITS = {"edited": NEW, "broken": "class Net(:", "without the network": "", "deleted": None}


@pytest.fixture
def file(networks_file) -> Path:
    return networks_file(OLD)


@pytest.fixture
def spec(file) -> RunSpec:
    return replace(TINY, model=complete(ModelSpec("nets.py:Net", image_size=28)))


def change(file: Path, content: str | None) -> None:
    file.unlink() if content is None else file.write_text(content)


def stopped_in_the_second_epoch(store: Store, spec: RunSpec) -> Run:
    run = store.start_here(spec)

    def stop(event: Progress | EpochMetrics) -> None:
        if isinstance(event, Progress) and (event.epoch, event.step) == (2, 1):
            raise heartbeat_module.StopRequested

    assert execute(store, run, stop) is JobState.STOPPED
    return store.get(run.id)


def finished(store: Store, spec: RunSpec) -> Run:
    run = store.start_here(spec)
    assert execute(store, run) is JobState.FINISHED, store.get(run.id).message
    return store.get(run.id)


def sources() -> list[str]:
    """What is kept, as paths below the folder of sources."""
    folders = runs_folder().glob("store-*/sources")
    return sorted(str(path.relative_to(top)) for top in folders for path in top.rglob("*.py"))


# What is kept


def test_a_run_keeps_its_file_and_is_named_by_it(store, spec, file):
    run = store.get(store.enqueue(spec))
    digest = sha256(file.read_bytes()).hexdigest()
    assert (run.source.path, run.source.sha256) == (str(file), digest)
    assert run.spec.model.arch == f"nets.py@{digest[:12]}:Net"
    assert kept_source(run.source).files == (("nets.py", OLD.encode()),)
    assert store.networks() == ["nets.py:Net"]  # by which it is found, whatever the source


def test_a_network_of_the_lab_keeps_none(store):
    run = store.get(store.enqueue(TINY))
    assert run.source is None and run.spec == TINY and sources() == []


def test_one_content_is_kept_once_and_another_beside_it(store, spec, file):
    first, second = (store.get(store.enqueue(replace(spec, seed=seed))) for seed in (1, 2))
    assert first.source == second.source and len(sources()) == 1
    file.write_text(NEW)
    third = store.get(store.enqueue(spec))
    assert len(sources()) == 2 and third.spec.model != first.spec.model
    assert [since(run.source) for run in (first, third)] == [Since.CHANGED, Since.SAME]
    file.unlink()
    assert since(first.source) is Since.GONE


def test_what_the_file_imports_from_beside_it_is_kept_and_used(store, spec, file):
    package = file.parent / "layers"
    package.mkdir()
    (package / "__init__.py").write_text("from . import sizes\n")
    (package / "sizes.py").write_text("WIDTH = 4\n")
    (file.parent / "beside_kept.py").write_text("from layers.sizes import WIDTH as HALF\n")
    (file.parent / "unused.py").write_text("")
    file.write_text(
        OLD.replace("\n", "\nfrom beside_kept import HALF\n", 1).replace("= 4", "= HALF")
    )
    run = store.get(store.enqueue(replace(spec, model=complete(spec.model))))
    names = [name for name, _ in kept_source(run.source).files]
    assert names == ["nets.py", "beside_kept.py", "layers/__init__.py", "layers/sizes.py"]
    unset = replace(run.spec.model, options=())
    assert complete(unset).option("width") == 4
    (package / "sizes.py").write_text("WIDTH = 6\n")
    assert since(run.source) is Since.CHANGED
    assert complete(ModelSpec("nets.py:Net")).option("width") == 6  # the file itself
    assert complete(unset).option("width") == 4  # what was kept, after the other was imported
    assert build(unset).conv.out_channels == 4


def test_a_kept_source_that_was_changed_is_refused_and_kept_anew(store, spec):
    run = store.get(store.enqueue(spec))
    path = own.file_of(run.spec.model.arch)
    path.write_text(NEW)
    with pytest.raises(LabError, match="is not what was kept"):
        build(run.spec.model)
    store.enqueue(spec)
    assert path.read_text() == OLD and build(run.spec.model)


def test_only_kept_sources_can_be_named(file, tmp_path):
    (tmp_path / "elsewhere.py").write_text(OLD)
    for arch in ("nets.py@0123456789ab:Net", "../../elsewhere.py@0123456789ab:Net"):
        with pytest.raises(LabError, match="is not kept here"):
            build(ModelSpec(arch, image_size=28))
    assert own.is_own("nets.py@0123456789ab:Net") and not own.is_own("nets.py@0123:Net")


# What it is used for


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread", "few_test_images")
@pytest.mark.parametrize("content", EDITS.values(), ids=EDITS.keys())
def test_a_run_goes_on_with_what_it_kept(store, spec, file, content, monkeypatch):
    unbroken = history(store, finished(store, spec).id)
    run = stopped_in_the_second_epoch(store, spec)
    change(file, content)
    monkeypatch.setenv(own.VARIABLE, "")  # a worker that was started without the file
    monkeypatch.setattr(own, "_last_good", {})
    store.resume(run.id)
    assert work(store, drain=True) == 1
    assert store.get(run.id).message == ""
    assert history(store, run.id) == unbroken and len(unbroken) == 3


@pytest.mark.usefixtures("one_thread", "few_test_images")
def test_its_parameters_are_loaded_into_what_it_kept(store, spec, file):
    run = finished(store, replace(spec, recipe=replace(spec.recipe, epochs=1)))
    before = predict(run.spec, best_path(run), run.compute_plan)
    [*_, flow] = measure_flow((), "fashion-mini", 1, "default", 4, [trained_run(store, run.id)])
    names = [layer.path for layer in flow.networks[0].layers]
    file.write_text(NEW.replace("4", "5"))
    assert (predict(run.spec, best_path(run), run.compute_plan) == before).all()
    [*_, flow] = measure_flow((), "fashion-mini", 1, "default", 4, [trained_run(store, run.id)])
    assert [layer.path for layer in flow.networks[0].layers] == names == ["conv", "head"]

    scope: dict = {}
    exec(source_code(run.spec.model), scope)  # the exported code, without the lab
    network: nn.Module = scope["Net"]()
    network.load_state_dict(load_file(best_path(run)))
    image = torch.rand(2, 1, 28, 28)
    ours = build(run.spec.model)
    ours.load_state_dict(load_file(best_path(run)))
    assert torch.equal(network(image), ours(image))


def test_a_measurement_is_of_the_file_as_it_was(store, spec, file):
    request = LayerTimesRequest(spec.model, "cpu", 2)
    job = store.enqueue_measurement(request)
    assert store.measurement(request).id == job.id and len(sources()) == 1
    file.write_text(NEW)
    assert store.measurement(request) is None  # nobody has measured this network
    other = store.enqueue_measurement(request)
    assert other.id != job.id and other.request.model != job.request.model


# How runs are told apart


def test_runs_of_two_sources_are_not_pooled(store, spec, file):
    runs = []
    for content, accuracy in ((OLD, 0.5), (NEW, 0.75)):
        file.write_text(content)
        run = store.start_here(spec)
        store.record(run, EpochMetrics(1, 0.5, 0.8, 0.6, accuracy, 1.0, 0.1, 5000.0, 0.01))
        store.finish(run, JobState.FINISHED)
        runs.append(store.get(run.id))
    keys = [setting_key(run.spec) for run in runs]
    assert store.final_accuracies(keys) == {keys[0]: [0.5], keys[1]: [0.75]}
    assert [reached for _, reached in store.best_accuracies()] == [[0.5], [0.75]]


def test_tables_and_json_say_which_source(store, spec, file, capsys):
    run = store.start_here(spec)
    store.record(run, EpochMetrics(1, 0.5, 0.8, 0.6, 0.5, 1.0, 0.1, 5000.0, 0.01))
    store.enqueue(TINY)
    file.write_text(NEW)
    digest = sha256(OLD.encode()).hexdigest()
    columns = ["source_file", "source_sha256", "source_now"]
    for frame in (run_frame([run]), epoch_frame([run], store.epochs([run.id]))):
        assert frame[columns].values.tolist() == [["nets.py", digest, "changed"]]
        assert str(file.parent) not in frame.to_csv()  # which visitors may download
    assert main(["runs", "--format", "json"]) == 0
    [lenet, own_run] = json.loads(capsys.readouterr().out)
    assert lenet["source"] is None
    assert own_run["source"] == {"path": str(file), "sha256": digest, "now": "changed"}
    assert main(["runs"]) == 0
    assert "source_now" in capsys.readouterr().out


def test_the_command_line_writes_the_kept_source(store, spec, file, tmp_path, capsys):
    run_id = store.enqueue(spec)
    file.write_text(NEW)
    folder = tmp_path / "out"
    assert main(["export", str(run_id), "--source", str(folder)]) == 0
    assert (folder / "nets.py").read_text() == OLD
    assert main(["export", str(run_id), "--source", str(file.parent)]) == 2
    assert "is there and is another" in capsys.readouterr().err and file.read_text() == NEW
    assert main(["export", str(store.enqueue(TINY)), "--source", str(folder)]) == 2
    assert "keeps no source" in capsys.readouterr().err


# How long it is kept


def test_a_source_goes_with_the_last_job_that_needs_it(store, spec, file):
    first, second = store.enqueue_all([spec, replace(spec, seed=1)])
    times = store.enqueue_measurement(LayerTimesRequest(spec.model, "cpu", 2))
    file.write_text(NEW)
    other = store.enqueue(spec)
    delete_runs(store, [first])
    store.delete([times.id])
    assert len(sources()) == 2
    delete_runs(store, [second])
    assert sources() == [f"{read_source(file).sha256[:12]}/nets.py"]
    delete_runs(store, [other])
    assert sources() == []


def test_nothing_is_queued_where_the_source_cannot_be_kept(store, spec, isolated_runs):
    isolated_runs.mkdir(exist_ok=True)
    (isolated_runs / store.id).mkdir()
    (isolated_runs / store.id / "sources").write_text("a file in the way")
    with pytest.raises(LabError, match="could not be written"):
        store.enqueue(spec)
    assert store.runs() == []


def test_a_store_from_before_has_runs_that_kept_none(store, spec):
    run_id = store.enqueue(spec)
    with store.writing() as connection:
        connection.execute(text("UPDATE jobs SET request = :request"), {"request": spec.to_json()})
        connection.execute(text("ALTER TABLE jobs DROP COLUMN source"))
        connection.execute(text("DELETE FROM lab WHERE name = 'store_id'"))
        connection.execute(text("UPDATE lab SET value = '5'"))
    run = open_store().get(run_id)
    assert run.source is None and run.spec == spec
    assert run_frame([run])["source_now"].tolist() == [""]

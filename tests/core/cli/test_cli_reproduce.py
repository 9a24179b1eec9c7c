"""`python -m core reproduce`: the runs that the lab ships, trained again."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from core.cli import reproduce
from core.cli.reproduce import course_runs, small_vgg_runs
from core.jobs.store import JobState, open_store
from core.specs import ModelSpec, RunSpec
from core.training.recipes import recipe


def tiny_run(seed: int) -> RunSpec:
    short = recipe("fast", 64, epochs=1, batch_size=32)
    return RunSpec(ModelSpec("lenet", image_size=28), "fashion-mini", short, 64, seed=seed)


@pytest.mark.slow
def test_reproduce_trains_what_is_missing_and_writes_every_epoch(
    command, rows_of, tmp_path, monkeypatch
):
    def tiny_runs(seeds: int):
        for seed in range(seeds):
            for spec in course_runs(1):
                yield replace(
                    spec,
                    dataset="fashion-mini",
                    train_images=64,
                    seed=seed,
                    recipe=replace(spec.recipe, epochs=1, batch_size=32),
                )

    monkeypatch.setitem(reproduce.RUNS, "course", tiny_runs)
    file = tmp_path / "reproduction.csv"
    code, _, err = command("reproduce", "--seeds", "1", "--csv", str(file))
    assert code == 0 and "0 of 6 runs are in the store" in err
    rows = rows_of(file.read_text("utf-8"))
    assert [(row["arch"], row["shortcut"], row["as_published"]) for row in rows] == [
        ("course-inception", "", "False"),
        ("course-residual", "identity", "False"),
        ("course-residual", "constant-scaling", "True"),
        ("course-residual", "conv", "True"),
        ("course-residual", "constant-scaling", "False"),
        ("course-residual", "conv", "False"),
    ]
    assert {row["torch"].partition("+")[0] for row in rows} == {torch.__version__.partition("+")[0]}
    assert "6 of 6 runs are in the store" in command(
        "reproduce", "--seeds", "1", "--csv", str(file)
    )[2]  # fmt: skip
    assert rows_of(file.read_text("utf-8")) == rows


def test_an_interrupted_reproduction_goes_on_and_queues_nothing_twice(
    command, tmp_path, monkeypatch
):
    monkeypatch.setitem(reproduce.RUNS, "course", lambda seeds: [tiny_run(s) for s in range(seeds)])

    def interrupted(store, drain):
        run = store.claim()
        store.finish(run, JobState.STOPPED)
        raise KeyboardInterrupt

    arguments = ("reproduce", "--seeds", "2", "--csv", str(tmp_path / "rows.csv"))
    with monkeypatch.context() as patch:
        patch.setattr("core.jobs.worker.work", interrupted)
        code, _, err = command(*arguments)
    assert code == 130 and "the same command goes on with it" in err
    assert command(*arguments)[0] == 0
    assert [run.state for run in open_store().runs()] == [JobState.FINISHED] * 2


def test_the_small_vgg_is_trained_as_published_but_for_its_size():
    specs = list(small_vgg_runs(2))
    assert [spec.seed for spec in specs] == [0, 1]
    assert {(s.model.arch, s.model.ratio, s.model.image_size) for s in specs} == {("vgg11", 4, 64)}
    assert {(s.recipe.name, s.recipe.epochs, s.dataset) for s in specs} == {
        ("published-vgg", 5, "fashion-mnist")
    }


def test_the_course_notes_rows_are_trained_as_published():
    specs = list(course_runs(3))
    assert len(specs) == 18 and {spec.seed for spec in specs} == {0, 1, 2}
    assert {(s.dataset, s.recipe.name, s.recipe.epochs, s.recipe.batch_size) for s in specs} == {
        ("mnist", "published-course", 10, 64)
    }

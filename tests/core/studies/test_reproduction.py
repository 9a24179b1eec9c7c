"""The shipped reproduction beside what was published: read, compared, put in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.report.sentences.reproduction import reproduction_remark
from core.specs import LabError, ModelSpec
from core.studies.published import PUBLISHED, residual
from core.studies.reproduction import SHIPPED, read_runs, reproductions

HEAD = (
    "arch,shortcut,as_published,seed,epoch,train_loss,train_accuracy,test_loss,test_accuracy,"
    "train_seconds,evaluation_seconds,dataset,recipe,epochs,batch_size,machine,torch,date"
)


def lines(arch: str, shortcut: str, published: str, seed: int, final: float, epochs: int = 10):
    """One run: its accuracy rises in even steps to `final`."""
    return [
        f"{arch},{shortcut},{published},{seed},{epoch},0.1,0.9,0.2,"
        f"{final - (epochs - epoch) / 1000},11.5,0.9,mnist,published-course,10,64,"
        f'"a CPU, 1 threads",2.15.0,2026-11-2{seed}'
        for epoch in range(1, epochs + 1)
    ]


@pytest.fixture
def file(tmp_path):
    """A file as the lab ships it: the residual net thrice, the Inception net once and a half."""
    path = tmp_path / "reproduction.csv"
    rows = [HEAD]
    for seed, final in enumerate((0.9890, 0.9895, 0.9900)):
        rows += lines("course-residual", "identity", "False", seed, final)
    for seed, final in enumerate((0.9930, 0.9931, 0.9932)):
        rows += lines("course-residual", "conv", "True", seed, final)
    rows += lines("course-inception", "", "", 0, 0.98)
    rows += lines("course-inception", "", "", 1, 0.99, epochs=5)
    path.write_text("\n".join(rows) + "\n")
    return path


def row(file, title: str):
    return next(entry for entry in reproductions(read_runs(file)) if entry.title == title)


def test_the_file_holds_runs_of_epochs(file):
    runs = read_runs(file)
    assert len(runs) == 8
    first = runs[0]
    assert first.model == residual("identity", False)
    assert [m.epoch for m in first.metrics] == list(range(1, 11))
    assert (first.final, first.is_complete, first.machine) == (0.989, True, "a CPU, 1 threads")
    assert runs[3].model == residual("conv", True)
    assert runs[-2].model == ModelSpec("course-inception", image_size=28)
    assert not runs[-1].is_complete


def test_without_a_file_nothing_is_reproduced(tmp_path):
    rows = reproductions(read_runs(tmp_path / "none.csv"))
    assert all(entry.final is None and not reproduction_remark(entry) for entry in rows)


def test_every_published_run_has_a_row_and_both_homework_blocks_a_corrected_one(file):
    rows = reproductions(read_runs(file))
    assert [entry.published for entry in rows if entry.published] == list(PUBLISHED)
    assert len(PUBLISHED) == 7
    corrected = [entry for entry in rows if entry.published is None]
    assert [entry.title for entry in corrected] == [
        "VGG-11, ratio 4, at 64 px instead of 224",
        "constant scaling, corrected",
        "conv shortcut, corrected",
    ]
    assert all(entry.model.option("as_published") is False for entry in corrected[1:])
    assert corrected[0].model == replace(PUBLISHED[0].model, image_size=64)


def test_ours_is_the_mean_of_whole_runs(file):
    reproduction = row(file, "plain residual")
    assert (reproduction.final.count, reproduction.final.mean) == (3, pytest.approx(0.9895))
    assert reproduction.difference == pytest.approx(0.9895 - 0.9898)
    assert (reproduction.machines, reproduction.date) == ("a CPU, 1 threads", "2026-11-22")
    assert not reproduction.is_notable and reproduction_remark(reproduction) == ""
    assert row(file, "Course Inception net").final.count == 1


def test_a_difference_of_over_0_3_points_is_said_with_what_explains_it(file):
    far = reproduction_remark(row(file, "conv shortcut, as published"))
    assert far.startswith("conv shortcut, as published: our mean is 0.34 points above")
    assert "seeds alone do not explain it" in far
    alone = reproduction_remark(row(file, "Course Inception net"))
    assert "0.90 points below" in alone and "With 1 of our seeds it cannot be said why" in alone


def test_a_wide_spread_explains_a_difference(tmp_path):
    path = tmp_path / "wide.csv"
    rows = [HEAD]
    for seed, final in enumerate((0.975, 0.98, 0.995)):
        rows += lines("course-residual", "identity", "False", seed, final)
    path.write_text("\n".join(rows))
    assert reproduction_remark(row(path, "plain residual")).endswith(
        "the spread between seeds explains it."
    )


def test_a_network_at_another_size_is_not_taken_for_the_published_one(tmp_path):
    """VGG-11 at 64 pixels is no reproduction of the run at 224."""
    path = tmp_path / "vgg.csv"
    rows = [f"{HEAD},ratio,image_size"]
    for size in (64, 224):
        text = "vgg11,,,0,{},0.1,0.9,0.2,0.9,10,1,fashion-mnist,published-vgg,5,128,a,2.15,2026"
        rows += [f"{text.format(epoch)},4,{size}" for epoch in range(1, 6)]
    path.write_text("\n".join(rows))
    reproduction = row(path, "VGG-11, ratio 4")
    assert [run.model.image_size for run in reproduction.runs] == [224]


def test_a_broken_file_is_one_sentence(tmp_path):
    path = tmp_path / "broken.csv"
    path.write_text("arch,seed\ncourse-residual,x\n")
    with pytest.raises(LabError, match="is not the file that the lab ships"):
        read_runs(path)


@pytest.mark.skipif(not SHIPPED.exists(), reason="the reproduction is not in this checkout")
def test_the_shipped_file_is_complete():
    runs = read_runs()
    assert runs and all(run.is_complete for run in runs)

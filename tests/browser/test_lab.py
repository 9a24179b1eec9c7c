"""What only a browser proves. Each test answers a reader's question and compares with core."""

from __future__ import annotations

import os
import re
import signal
import sys
from pathlib import Path

import pandas as pd
from safetensors import safe_open

from core.analysis import analyze
from core.jobs.store import JobState, open_store
from core.report import formats
from core.specs import ModelSpec
from core.zoo.building import build
from pages.views.app.frame import PAGES
from tests.core.jobs.tiny_runs import wait_until


def memory_maps(process_id: int) -> str:
    """The files that a process has mapped: its loaded libraries among them."""
    return Path(f"/proc/{process_id}/maps").read_text()


def lab_store(lab):
    """The store that the server under test writes."""
    return open_store(f"sqlite:///{lab.runs_dir / 'lab.sqlite'}")


def test_the_first_page_comes_without_torch(visitor, lab):
    """Runs first: later tests make the server import torch."""
    visitor.open()
    visitor.page.get_by_text("Take VGG-11 apart").wait_for()
    if sys.platform == "linux":
        assert "libtorch" not in memory_maps(lab.process.pid)


def test_the_ratio_slider_changes_the_totals_and_the_address(visitor):
    visitor.open("/architecture")
    visitor.wait_for_metric("Parameters", formats.short(128_806_154))
    slider = visitor.page.get_by_role("slider", name="Ratio")
    slider.focus()
    slider.press("ArrowRight")
    narrow = analyze(ModelSpec("vgg11", 2)).totals
    visitor.wait_for_metric("Parameters", formats.short(narrow.params))
    visitor.page.wait_for_url("**net_ratio=2**")
    visitor.page.reload()
    visitor.settle()
    visitor.wait_for_metric("MACs an image", formats.short(narrow.macs))


def test_train_one_epoch_reload_meanwhile_and_download_everything(visitor, lab, tmp_path):
    visitor.open("/train?train_images=1000&train_epochs=2&train_batch=50")
    visitor.page.get_by_text("of memory").wait_for()
    visitor.button("Start training").click()
    visitor.page.wait_for_url("**run=*")
    visitor.page.reload()  # the run goes on without the tab that started it
    visitor.settle()
    visitor.page.get_by_text("✓ finished").wait_for()
    visitor.button("Metrics as CSV").last.wait_for()  # beside the one of the page before
    [run] = lab_store(lab).runs()
    epochs = lab_store(lab).epochs([run.id])[run.id]
    visitor.wait_for_metric("Best test accuracy", formats.percent(run.best_accuracy))
    for title in ("Loss by epoch", "Test accuracy by epoch"):
        visitor.page.get_by_text(title, exact=True).first.wait_for()

    frame = pd.read_csv(visitor.download("Metrics as CSV"))
    assert frame["epoch"].tolist() == [1, 2]
    assert frame["test_accuracy"].tolist() == [m.test_accuracy for m in epochs]
    assert set(frame["network"]) == {"course-residual"}
    assert set(frame["batch_size"]) == {50}

    weights = visitor.download("Parameters of epoch")
    with safe_open(weights, framework="pt") as file:
        kept = set(file.keys())
    assert kept == set(build(ModelSpec("course-residual", image_size=28)).state_dict())


def test_a_killed_worker_and_a_closed_tab_leave_one_unbroken_curve(visitor, lab):
    visitor.open("/train?train_images=1000&train_epochs=5&train_batch=10")
    visitor.button("Start training").click()
    visitor.page.wait_for_url("**run=*")
    store = lab_store(lab)
    run_id = store.runs(1)[0].id
    wait_until(lambda: store.epochs([run_id]).get(run_id))  # the page looks but once a second
    [worker] = store.workers()
    os.kill(int(worker.rpartition(" ")[2]), signal.SIGKILL)
    run = store.get(run_id)
    assert run.state is JobState.RUNNING and 1 <= len(store.epochs([run_id])[run_id]) < 5
    visitor.take_a_new_tab()

    visitor.open("/runs")  # starts a worker again
    assert str(run.id) in visitor.download("Runs as CSV").read_text()
    visitor.open(f"/train?run={run.id}")
    visitor.page.get_by_text("✓ finished").wait_for()
    frame = pd.read_csv(visitor.download("Metrics as CSV"))
    assert frame["epoch"].tolist() == list(range(1, 6))
    ended = store.get(run.id)
    assert ended.attempt == 2 and ended.note == ""
    visitor.page.get_by_text("Where", exact=False).first.wait_for()


def test_stop_keeps_what_was_learned(visitor, lab):
    visitor.open("/train?train_images=1000&train_epochs=200")
    visitor.button("Start training").click()
    visitor.page.get_by_text(re.compile(r"^epoch \d+ of 200$")).first.wait_for()  # some are done
    visitor.button("Stop").click()
    visitor.page.get_by_text("■ stopped").wait_for()
    run = lab_store(lab).runs(1)[0]
    assert run.state is JobState.STOPPED
    assert 0 < len(lab_store(lab).epochs([run.id])[run.id]) < 200
    visitor.button("Continue").wait_for()


def test_why_is_vgg_slower_and_bigger_than_alexnet(visitor):
    """Q2: both side by side; the address holds them and a chip takes one away."""
    visitor.open("/compare")
    alexnet, vgg = (analyze(ModelSpec(name)).totals for name in ("alexnet", "vgg11"))
    visitor.page.get_by_text(f"{vgg.macs / alexnet.macs:.3g} times the MACs").wait_for()
    saved = vgg.saved_bytes / alexnet.saved_bytes  # what makes it need more memory
    visitor.page.get_by_text(f"{saved:.3g} times what is saved").wait_for()
    frame = pd.read_csv(visitor.download("Comparison as CSV"))
    assert frame["macs"].tolist() == [alexnet.macs, vgg.macs]
    assert frame["params"].tolist() == [alexnet.params, vgg.params]
    visitor.button("alexnet, 224 px").click()
    visitor.page.wait_for_url("**networks=vgg11**")


def test_which_shortcut_is_best_in_one_chart(visitor, lab):
    two = "res_variants=plain+residual&res_variants=no+shortcut"
    visitor.open(f"/residual?res_seeds=1&res_epochs=1&res_images=320&{two}")
    visitor.button("Train them").click()
    visitor.page.get_by_text("2 variants × 1 seed of").first.wait_for()
    visitor.button("Every epoch of every seed as CSV").wait_for(timeout=120_000)
    visitor.button("Stop the study").wait_for(state="detached", timeout=120_000)
    frame = pd.read_csv(visitor.download("Every epoch of every seed as CSV"))
    shortcuts = frame["options"].str.extract(r"shortcut=([\w-]+)")[0]
    assert sorted(shortcuts) == ["identity", "none"]
    visitor.page.get_by_text("one seed each").first.wait_for()


def test_runs_opens_a_record_and_exports_all(visitor, lab):
    visitor.open("/runs")
    frame = pd.read_csv(visitor.download("Runs as CSV"))
    assert frame["run"].tolist() == [run.id for run in lab_store(lab).runs()]


def test_no_page_is_wider_than_its_window(visitor):
    """Through the menu, page after page, in a wide and in a narrow window."""
    visitor.open()
    main = visitor.page.get_by_test_id("stMain")
    for _, label, _ in PAGES:
        visitor.page.set_viewport_size({"width": 1600, "height": 900})
        visitor.page.get_by_test_id("stSidebar").get_by_role("link", name=label).click()
        visitor.settle()
        for width in (1600, 400):
            visitor.page.set_viewport_size({"width": width, "height": 900})
            visitor.page.wait_for_timeout(300)
            widths = main.evaluate("one => [one.scrollWidth, one.clientWidth]")
            assert widths[0] <= widths[1], (label, width)

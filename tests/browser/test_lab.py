"""What only a browser proves. Each test answers a reader's question and compares with core."""

from __future__ import annotations

import os
import re
import signal
import sys
import urllib.request
from itertools import cycle
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


def test_the_strip_and_the_totals_move_while_a_slider_is_dragged(visitor):
    """Before the page knows: the browser has the numbers of the slider's whole range."""
    with visitor.page.expect_response(  # once all sizes are known, which takes torch some seconds
        lambda reply: "over=image_size" in reply.url and reply.json()["complete"], timeout=120_000
    ):
        visitor.open("/architecture?net_network=lenet")
    work = visitor.page.get_by_test_id("stMetricValue").nth(1)
    note = visitor.page.get_by_test_id("stMetricDelta").nth(1)
    thumb = visitor.page.get_by_role("slider", name="Resize")
    box = thumb.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    visitor.page.mouse.move(x, y)
    visitor.page.mouse.down()
    try:
        moves = cycle((20, 21))  # until the browser has put together what it was sent

        def moved() -> bool:
            visitor.page.mouse.move(x + next(moves), y)
            return work.get_attribute("data-live") is not None

        wait_until(moved)
        size = int(thumb.input_value())
        macs = analyze(ModelSpec("lenet", image_size=size)).totals.macs
        expected = formats.short(macs)
        assert size != 28 and work.get_attribute("data-live") == expected
        default = analyze(ModelSpec("lenet", image_size=28)).totals.macs
        told = formats.part_of(macs, default, "the default")
        assert note.get_attribute("data-live") == told != "the default"
        assert visitor.page.locator(".strip").get_by_text(f"1×{size}²").count() == 1
        assert "net_size" not in visitor.page.url  # the page has not been asked
    finally:
        visitor.page.mouse.up()
    visitor.wait_for_metric("MACs an image", expected)
    wait_until(lambda: work.get_attribute("data-live") is None)
    assert note.inner_text().strip() == told  # the page says what the browser has said


def test_charts_are_drawn_by_the_small_bundle_alone_and_change_in_place(visitor):
    asked = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    visitor.open("/architecture?net_view=Cost")
    chart = visitor.page.locator(".chart").first
    chart.locator(".main-svg").first.wait_for()
    plot = chart.element_handle()
    slider = visitor.page.get_by_role("slider", name="Ratio")
    slider.focus()
    slider.press("ArrowRight")
    visitor.settle()
    assert plot.evaluate("element => element.isConnected")
    assert any("/lab/plotly" in url for url in asked)
    tools = chart.locator("[data-title]").evaluate_all("all => all.map(a => a.dataset.title)")
    assert "Whole screen; Esc ends it" in tools
    assert not any("hare" in name or "loud" in name for name in tools)  # to an outside host
    assert not any("PlotlyChart" in url for url in asked)


def test_files_are_sent_compressed_and_kept_by_the_browser(visitor, lab):
    replies = []
    visitor.take_a_new_tab()
    visitor.page.on("response", lambda reply: replies.append(reply))
    visitor.open("/architecture")
    visitor.page.locator(".strip .box").first.wait_for()
    scripts = [reply for reply in replies if reply.url.endswith(".js")]
    assert scripts and any("/lab/strip" in reply.url for reply in scripts)
    for reply in scripts:
        assert reply.headers["content-encoding"] == "gzip", reply.url
        assert "immutable" in reply.headers["cache-control"], reply.url
    with urllib.request.urlopen(scripts[0].url) as plain:  # who cannot unpack gets it as it is
        assert "content-encoding" not in plain.headers and plain.read()


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


def test_a_rate_is_found_and_put_into_the_form(visitor):
    """The button stands in a part of the page that is drawn alone: only a browser proves it."""
    visitor.open("/train?train_view=Find a rate&train_size=16&train_ratio=4&train_rate=0.0002")
    visitor.button("Find a rate").click()
    use = visitor.page.get_by_role("button", name=re.compile("^Use 0"))
    use.wait_for()
    visitor.button("Measure again").wait_for()
    rate = use.inner_text().split()[-1]
    use.focus()
    use.press("Enter")
    visitor.page.wait_for_url(f"**train_rate={rate}**")
    visitor.page.get_by_text(f", rate {rate}").wait_for()
    rows = pd.read_csv(visitor.download("Every step as CSV"))
    assert rows["seed"].min() == 0 and rows["learning_rate"].iloc[0] == 1e-4


def test_train_one_epoch_reload_meanwhile_and_download_everything(visitor, lab, tmp_path):
    visitor.open("/train?train_images=1000&train_epochs=2&train_batch=50")
    visitor.page.get_by_text("of memory").wait_for()
    visitor.button("Start training").click()
    visitor.page.wait_for_url("**run=*")
    visitor.page.reload()  # the run goes on without the tab that started it
    visitor.settle()
    visitor.page.get_by_text("✓ finished").wait_for()
    visitor.button("Metrics as CSV").last.wait_for()  # beside the one of the page before
    run = lab_store(lab).runs(1)[0]
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
    [worker] = [worker for worker in store.workers() if run_id in worker.jobs]
    os.kill(int(worker.process.rpartition(" ")[2]), signal.SIGKILL)
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
    visitor.page.get_by_text(f"{vgg.macs / alexnet.macs:.3g} times more").wait_for()
    saved = vgg.saved_bytes / alexnet.saved_bytes  # what makes it need more memory
    visitor.page.get_by_text(f"{saved:.3g} times more").wait_for()
    frame = pd.read_csv(visitor.download("Comparison as CSV"))
    assert frame["macs"].tolist() == [alexnet.macs, vgg.macs]
    assert frame["params"].tolist() == [alexnet.params, vgg.params]
    visitor.button("AlexNet").click()
    visitor.page.wait_for_url("**networks=vgg11**")


def test_which_shortcut_is_best_in_one_chart(visitor, lab):
    two = "res_variants=plain+residual&res_variants=no+shortcut"
    visitor.open(f"/residual?res_seeds=1&res_epochs=1&res_images=320&{two}")
    visitor.button("Train 2 runs").click()
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
        if label == "Teacher":  # in the menu of teachers only; test_signing_in.py looks at it
            continue
        visitor.page.set_viewport_size({"width": 1600, "height": 900})
        visitor.page.get_by_test_id("stSidebar").get_by_role("link", name=label).click()
        visitor.settle()
        for width in (1600, 400):
            visitor.page.set_viewport_size({"width": width, "height": 900})
            visitor.page.wait_for_timeout(300)
            widths = main.evaluate("one => [one.scrollWidth, one.clientWidth]")
            assert widths[0] <= widths[1], (label, width)


def test_the_page_server_has_never_loaded_torch(lab):
    """Runs last: all that came before has asked for torch, in the process that has it."""
    if sys.platform == "linux":
        assert "libtorch" not in memory_maps(lab.process.pid)

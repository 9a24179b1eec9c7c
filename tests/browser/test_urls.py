"""What only a browser proves of addresses: names in them, the way back, a base path."""

from __future__ import annotations

import pytest

from core.jobs.store import open_store
from core.specs import ModelSpec, Recipe, RunSpec
from tests.browser.conftest import Lab, Visitor, start_server

SHORT = Recipe("fast", epochs=1, batch_size=64, learning_rate=0.05)


def picked(visitor: Visitor) -> str:
    """The network that the picker shows."""
    return visitor.page.get_by_role("combobox", name="Network").input_value()


def test_the_address_has_names_and_back_returns_to_the_network_before(visitor):
    visitor.open("/architecture?net_network=Residual:+Course+residual+net&net_classes=inf")
    visitor.page.get_by_text("net_classes=inf").wait_for()
    visitor.page.wait_for_url("**/architecture?net_network=course-residual")
    box = visitor.page.get_by_role("combobox", name="Network")
    box.fill("LeNet")
    box.press("Enter")
    visitor.page.wait_for_url("**net_network=lenet**")
    visitor.settle()
    while "lenet" in visitor.page.url:  # other controls may have entries of their own
        visitor.page.go_back()
        visitor.settle()
    assert "net_network=course-residual" in visitor.page.url
    assert picked(visitor) == "Residual: Course residual net"


@pytest.fixture
def lab_below_a_path(window, tmp_path):
    """A visitor of a lab that is served below /lab, with one run in its store."""
    store = open_store(f"sqlite:///{tmp_path / 'lab.sqlite'}")
    run_id = store.enqueue(RunSpec(ModelSpec("lenet", image_size=28), "fashion-mini", SHORT))
    store.request_stop([run_id])
    with start_server("lab", LAB_RUNS_DIR=str(tmp_path), LAB_START_WORKER="0") as (url, process):
        visitor = Visitor(window.new_page(), Lab(url, process, tmp_path, 0.0))
        yield visitor
        visitor.page.close()


def open_first_run(visitor: Visitor, window, has_ticks: bool):
    """The tab that a click on the number of the first row opens.

    A table that has just been drawn does not hear clicks yet.
    """
    canvas = visitor.page.get_by_test_id("stDataFrame").first.locator("canvas").first
    for _ in range(10):
        canvas.click(position={"x": 44 if has_ticks else 12, "y": 52}, force=True)
        visitor.page.wait_for_timeout(1_000)
        if window.pages[-1] is not visitor.page:
            return window.pages[-1]
    raise AssertionError("The number of the run opens no tab.")


def test_links_work_below_a_base_path(lab_below_a_path, window):
    visitor = lab_below_a_path
    for path in ("/", "/runs"):
        visitor.open(path)
        opened = open_first_run(visitor, window, has_ticks=path == "/runs")
        assert opened.url == f"{visitor.lab.url}/train?run=1"
        opened.close()
    visitor.open("/residual?why_depths=20&why_quantity=variance+of+the+output")
    visitor.page.wait_for_url(f"{visitor.lab.url}/gradients?**")
    visitor.page.wait_for_url("**why_quantity=variance")

"""The curve of a run under way grows where it stands: nothing is mounted anew, the view is kept."""

from __future__ import annotations

import os
import time

import pytest

from core.analysis.cpu import threads
from core.jobs.store import JobState, open_store
from core.measure.requests import ComputePlanRequest
from core.specs import ModelSpec, RunSpec
from core.training.compute_plan import compute_plan_key
from core.training.recipes import recipe
from core.training.records import ComputePlan
from core.zoo.catalogue import complete
from tests.core.jobs.tiny_runs import wait_until

FIRST_POINT_SECONDS = 6.0  # below 2 where nothing else runs; the worker yields to all who compute
WATCHED_SECONDS = 8.0
BEHIND_SECONDS = 3.0  # what the worker has written is drawn by then, however busy the machine
TINY = RunSpec(
    complete(ModelSpec("course-residual", image_size=28)),
    "fashion-mini",
    recipe("fast", 64, epochs=1, batch_size=32),
    train_images=64,
)


# At each frame: what of the page is fainter than it should be, and a second button that stops
NOTE_WHAT_BLINKS = """() => {
  window.blinked = []
  const look = () => {
    for (const one of document.querySelectorAll('[data-testid="stMain"] [data-stale="true"]'))
      if (getComputedStyle(one).opacity < 1) window.blinked.push(one.dataset.testid)
    const stops = [...document.querySelectorAll("button")].filter(
      one => one.innerText.trim().endsWith("Stop")
        && one.checkVisibility({visibilityProperty: true}))
    if (stops.length > 1) window.blinked.push(`${stops.length} times Stop`)
    requestAnimationFrame(look)
  }
  look()
}"""


@pytest.fixture
def store(lab):
    """The store of the server under test; no run of it goes on when the test is over."""
    store = open_store(f"sqlite:///{lab.runs_dir / 'lab.sqlite'}")
    yield store
    store.request_stop([run.id for run in store.runs() if not run.state.is_over])
    wait_until(lambda: not store.unfinished())


def start_a_long_run(visitor, store) -> None:
    """On a server whose worker has torch, is idle, and has trained this net before."""
    plan = ComputePlanRequest(compute_plan_key(TINY))
    store.keep_result(plan, vars(ComputePlan(threads(), channels_last=True)))
    visitor.open("/train?train_network=course-residual&train_epochs=50")
    for _ in range(2):  # after the first one the worker measures how fast the device is
        warm_up = store.enqueue(TINY)
        wait_until(lambda job=warm_up: store.get(job).state is JobState.FINISHED)
    visitor.button("Start training").click()


def tick_first_row(visitor) -> None:
    """Of the table of runs; one that has just been drawn does not hear clicks yet."""
    canvas = visitor.page.get_by_test_id("stDataFrame").first.locator("canvas").first
    for _ in range(10):
        canvas.click(position={"x": 20, "y": 52}, force=True)
        for _ in range(50):
            visitor.page.wait_for_timeout(100)
            if "ticked=" in visitor.page.url:
                return
    raise AssertionError("A click on the box of the first row does not tick it.")


def points_of(chart) -> int:
    """How many the browser draws of what the steps have come to."""
    return chart.evaluate(
        "chart => { const line = chart.data?.find(line => line.meta);"
        " return line?.x.filter(x => x !== null).length ?? 0 }"
    )


def view_of(chart) -> list:
    """The mark on the element, and what its axes show."""
    return chart.evaluate("({mark, layout: {xaxis, yaxis}}) => [mark, xaxis.range, yaxis.range]")


def is_hidden(chart, name: str) -> bool:
    """Whether the reader has hidden this line, by the legend."""
    line = f"chart.data.find(line => line.name === '{name}')"
    return chart.evaluate(f"chart => {line}.visible") == "legendonly"


def axes_of(chart) -> tuple[float, float, float, float]:
    """Left, top, width and height of where its lines are, in pixels of the window."""
    box, size = chart.bounding_box(), chart.evaluate("chart => chart._fullLayout._size")
    return box["x"] + size["l"], box["y"] + size["t"], size["w"], size["h"]


def zoom(visitor, chart) -> None:
    """Draw a rectangle in the middle of the chart."""
    left, top, width, height = axes_of(chart)
    visitor.page.mouse.move(left + 0.1 * width, top + 0.2 * height)
    visitor.page.mouse.down()
    visitor.page.mouse.move(left + 0.6 * width, top + 0.8 * height, steps=5)
    visitor.page.mouse.up()


def test_points_come_within_seconds_and_the_chart_is_never_replaced(visitor, store):
    start_a_long_run(visitor, store)
    began = time.monotonic()
    chart = visitor.page.locator(".chart[data-runs]").first
    wait_until(lambda: chart.count() and points_of(chart))
    seconds = time.monotonic() - began
    print(f"The first point came after {seconds:.2f} s.")
    assert seconds < FIRST_POINT_SECONDS * max(1.0, 2 * os.getloadavg()[0] / threads())

    assert chart.evaluate("chart => chart.layout.xaxis.range") == [0, 50.2]
    low, high = chart.evaluate("chart => chart.layout.yaxis.range")
    assert low == 0 and high == 2.5  # the first loss is near log 10 = 2.3
    chart.evaluate("chart => { chart.mark = 'the same element' }")
    zoom(visitor, chart)
    chart.locator(".legendtoggle").last.click()  # hides the test images
    wait_until(lambda: is_hidden(chart, "test"))
    before = view_of(chart)
    assert before[1] != [0, 50.2]

    [run] = [run for run in store.runs() if run.spec.recipe.epochs == 50]
    drawn, written = set(), {}
    visitor.page.evaluate(NOTE_WHAT_BLINKS)
    end = time.monotonic() + WATCHED_SECONDS
    while time.monotonic() < end:
        drawn.add(points_of(chart))
        written.setdefault(len(store.step_curves([run])[run.id].epochs), time.monotonic())
        visitor.page.wait_for_timeout(50)
    due = [points for points, seen in written.items() if seen < end - BEHIND_SECONDS]
    assert max(drawn) >= max(due)
    assert len(drawn) >= len(written) / 2 > 1  # they come little by little
    assert view_of(chart) == before
    assert visitor.page.evaluate("window.blinked") == []

    visitor.button("Stop").click()
    visitor.page.get_by_text("■ stopped").wait_for()
    visitor.settle()
    assert view_of(chart) == before  # the record of the run that is over is the same chart
    assert is_hidden(chart, "test")
    kept = store.step_curves([run])[run.id]
    assert points_of(chart) == len(kept.epochs)


def test_hover_stays_while_points_come(visitor, store):
    start_a_long_run(visitor, store)
    chart = visitor.page.locator(".chart[data-runs]").first
    wait_until(lambda: chart.count() and points_of(chart))
    left, top, _, height = axes_of(chart)
    visitor.page.mouse.move(left + 3, top + 0.2 * height)
    chart.locator(".hovertext").first.wait_for()
    points = points_of(chart)
    wait_until(lambda: points_of(chart) > points)
    visitor.page.wait_for_timeout(100)
    assert chart.locator(".hovertext").count()


def test_a_run_that_is_ticked_grows_among_all_runs(visitor, store):
    start_a_long_run(visitor, store)
    visitor.page.wait_for_url("**run=*")
    visitor.open("/runs")
    tick_first_row(visitor)
    chart = visitor.page.locator(".chart[data-runs]").first
    wait_until(lambda: chart.count() and points_of(chart))
    chart.evaluate("chart => { chart.mark = 'the same element' }")
    points = points_of(chart)
    wait_until(lambda: points_of(chart) > points + 2)
    assert chart.evaluate("chart => chart.mark") == "the same element"

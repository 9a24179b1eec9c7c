"""What a visitor waits for, in a browser on a server of its own."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from tools.bench.figures import ROUNDS, Row, row

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


def first_page() -> list[Row]:
    """From the server's start until the first page has been drawn in a browser."""
    times = []
    for _ in range(3):
        with Server() as server:
            page = server.open_page("/")
            page.get_by_text("Take a network apart").wait_for()
            times.append(time.perf_counter() - server.began)
    return [row("server start to first page", times, "s", "within 3")]


def first_numbers() -> list[Row]:
    """On a cold server: the numbers of Architecture, then a slider's move; then a second look."""
    numbers, from_start, moves, again = [], [], [], []
    for _ in range(ROUNDS):
        with Server() as server:
            began = time.perf_counter()
            page = server.open_page("/architecture")
            value = page.get_by_test_id("stMetricValue").first
            value.wait_for(timeout=60_000)
            numbers.append(time.perf_counter() - began)
            from_start.append(time.perf_counter() - server.began)
            control = page.get_by_role("slider", name="Ratio")
            control.focus()
            before, began = value.inner_text(), time.perf_counter()
            control.press("ArrowRight")
            while value.inner_text() == before:
                time.sleep(0.005)
            moves.append(time.perf_counter() - began)
            page.wait_for_timeout(3000)
            began = time.perf_counter()
            page.reload()
            value.wait_for(timeout=60_000)
            again.append(time.perf_counter() - began)
    return [
        row("cold server: its start to first numbers", from_start, "s", ""),
        row("first numbers by a browser that knows the lab's files", again, "s", "1.5 to 2.5"),
        row("cold server: answer to first numbers", numbers, "s", "1.5 to 2.5"),
        row("cold server: the first slider move", moves, "s", ""),
    ]


def page_weight() -> list[Row]:
    """What a browser that knows nothing receives for Architecture with a chart."""
    with Server() as server:
        tab = server.browser.new_page()
        received = {"files": 0.0, "messages": 0.0}
        network = tab.context.new_cdp_session(tab)
        network.send("Network.enable")

        def note(name: str, size: float) -> None:
            received[name] += size / 1e6

        network.on("Network.loadingFinished", lambda e: note("files", e["encodedDataLength"]))
        network.on(
            "Network.webSocketFrameReceived",
            lambda e: note("messages", 0.75 * len(e["response"]["payloadData"])),  # base64
        )
        tab.goto(server.url + "/architecture?net_view=Cost")
        tab.locator(".chart .main-svg").first.wait_for()
        tab.wait_for_timeout(3000)
    return [
        row("first look at Architecture's Cost: files received", received["files"], "MB", "4.5"),
        row("first look at Architecture's Cost: messages", received["messages"], "MB", ""),
    ]


def drag() -> list[Row]:
    """The strip while Resize is dragged, and the whole page after its release."""
    with Server() as server:
        page = server.open_page("/architecture")
        with page.expect_response(
            lambda reply: "over=image_size" in reply.url and reply.json()["complete"],
            timeout=120_000,
        ):
            pass
        page.wait_for_timeout(2000)
        box = page.get_by_role("slider", name="Resize").bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.evaluate(_COUNT_REDRAWS)
        page.mouse.move(x, y)
        page.mouse.down()
        began = time.perf_counter()
        for step in range(_DRAG_STEPS):
            page.mouse.move(x - step, y)
        dragged = time.perf_counter() - began
        drawn = page.evaluate("window.redraws")
        released = []
        work = page.get_by_test_id("stMetricValue").nth(1)
        for turn in range(ROUNDS):
            shown = work.get_attribute("data-live")
            assert shown
            began = time.perf_counter()
            page.mouse.up()
            page.wait_for_function(_IS_NEW, arg=shown)
            page.wait_for_selector('[data-test-script-state="notRunning"]')
            released.append(1000 * (time.perf_counter() - began))
            page.wait_for_timeout(1500)
            page.mouse.down()
            page.mouse.move(x - 8 * (turn + 1), y)
            page.wait_for_timeout(300)
    return [
        row("strip while Resize is dragged: redraws a second", drawn / dragged, "1/s", ""),
        row("Resize, from release to the whole page", released, "ms", "300"),
    ]


_DRAG_STEPS = 60
_IS_NEW = """shown => {
  const work = document.querySelectorAll("[data-testid=stMetricValue]")[1]
  return !work.dataset.live && work.innerText === shown
}"""
_COUNT_REDRAWS = """() => {
  window.redraws = 0
  new MutationObserver(() => window.redraws++)
    .observe(document.querySelector(".strip svg"), {childList: true})
}"""


def slider() -> list[Row]:
    """One step of the ratio slider until the number on the page has changed."""
    rows = []
    with Server() as server:
        for title, wanted in (
            ("VGG: VGG-11", "under 300"),
            ("VGG: VGG-19", "under 300"),
            ("DenseNet: DenseNet-121", "under 700"),
        ):
            page = server.open_page(f"/architecture?net_network={title.replace(' ', '+')}")
            control = page.get_by_role("slider", name="Ratio")
            value = page.get_by_test_id("stMetricValue").first
            value.wait_for(timeout=60_000)
            page.wait_for_timeout(2000)
            times = []
            for turn in range(ROUNDS + 1):
                control.focus()
                before = value.inner_text()
                began = time.perf_counter()
                control.press("ArrowRight")  # a ratio that was never analysed before
                while value.inner_text() == before:
                    time.sleep(0.005)
                if turn:  # the first move warms up
                    times.append(1000 * (time.perf_counter() - began))
                page.wait_for_timeout(500)  # the rest of the page
            rows.append(row(f"slider move, {title}", times, "ms", wanted))
    return rows


def inside() -> list[Row]:
    """From a key to the changed picture on Inside: another image, another layer, another number."""
    vgg = "in_network=new&inside_network=vgg11&inside_ratio=4&inside_size=96"
    rows = []
    with Server() as server:
        for title, query in (("course residual net", ""), ("VGG-11/4, 96 px", vgg)):
            page = server.open_page(f"/inside?{query}&in_order=The+first")
            page.set_default_timeout(60_000)
            page.locator(".number figure").first.wait_for()
            images = page.get_by_role("spinbutton", name="Number")
            number = page.locator(".number [data-name=map]")
            layers = page.locator("[data-layer]:not([data-block])")
            picture, opened = page.locator(".picture"), page.locator(".number")
            for what, place, controls, key in (
                ("another image", picture, _PRESSES * [images], "ArrowUp"),
                ("another layer", opened, layers.all()[:_PRESSES], "Enter"),
                ("another channel's number", opened, _PRESSES * [number], "PageDown"),
            ):
                times = [_until_drawn(page, place, control, key) for control in controls]
                rows.append(row(f"Inside, {title}: {what}", times[1:], "ms", "under 300"))
            page.close()
    return rows


def _until_drawn(page: Page, place: Locator, control: Locator, key: str) -> float:
    """Milliseconds from the key until what stands in `place` is new and on the screen."""
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
    page.wait_for_timeout(500)
    control.focus()
    place.evaluate(_WATCH)
    control.press(key)
    page.wait_for_function("window.drawnAt")
    return float(page.evaluate("window.drawnAt - window.pressedAt"))


_PRESSES = 10
_WATCH = """place => {
  window.drawnAt = null
  addEventListener("keydown", () => { window.pressedAt = performance.now() },
                   {capture: true, once: true})
  new MutationObserver((_, watcher) => {
    watcher.disconnect()
    requestAnimationFrame(() => setTimeout(() => { window.drawnAt = performance.now() }))
  }).observe(place, {childList: true})
}"""


class Server:
    """A lab of its own with a browser on it."""

    def __enter__(self) -> Server:
        from playwright.sync_api import sync_playwright

        from tests.browser.conftest import launch, start_server

        self.rim = ExitStack()
        browser = launch(self.rim.enter_context(sync_playwright()))
        self.browser = self.rim.enter_context(browser)
        folder = self.rim.enter_context(tempfile.TemporaryDirectory())
        self.began = time.perf_counter()
        folders = {"LAB_RUNS_DIR": folder, "LAB_CACHE_DIR": folder}
        self.url, _ = self.rim.enter_context(start_server(**folders))
        return self

    def open_page(self, path: str):  # type: ignore[no-untyped-def]
        """A tab at `path`."""
        page = self.browser.new_page()
        page.goto(self.url + path)
        return page

    def __exit__(self, *_: object) -> None:
        self.rim.close()

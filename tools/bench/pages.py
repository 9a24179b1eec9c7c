"""What a visitor waits for, in a browser on a server of its own."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from statistics import median

from tools.bench.figures import ROUNDS, Row, row


def first_page() -> list[Row]:
    """From the server's start until the first page has been drawn in a browser."""
    times = []
    for _ in range(3):
        with Server() as server:
            page = server.open_page("/")
            page.get_by_text("Take VGG-11 apart").wait_for()
            times.append(time.perf_counter() - server.began)
    return [row("server start to first page", median(times), "s", "within 3")]


def first_numbers() -> list[Row]:
    """On a cold server, from its answer on: the numbers of Architecture, then a slider's move."""
    numbers, moves = [], []
    for _ in range(ROUNDS):
        with Server() as server:
            began = time.perf_counter()
            page = server.open_page("/architecture")
            value = page.get_by_test_id("stMetricValue").first
            value.wait_for(timeout=60_000)
            numbers.append(time.perf_counter() - began)
            control = page.get_by_role("slider", name="Ratio")
            control.focus()
            before, began = value.inner_text(), time.perf_counter()
            control.press("ArrowRight")
            while value.inner_text() == before:
                time.sleep(0.005)
            moves.append(time.perf_counter() - began)
    return [
        row("cold server: answer to first numbers, median", median(numbers), "s", "1.5 to 2.5"),
        row("the same, slowest", max(numbers), "s", ""),
        row("cold server: the first slider move, median", median(moves), "s", ""),
        row("the same, slowest", max(moves), "s", ""),
    ]


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
                    times.append(time.perf_counter() - began)
                page.wait_for_timeout(500)  # the rest of the page
            rows.append(row(f"slider move, {title}", 1000 * median(times), "ms", wanted))
    return rows


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

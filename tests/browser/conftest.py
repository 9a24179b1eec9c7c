"""One server and one browser for all browser tests."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.jobs.store import Store, open_store
from core.measure.requests import PredictRequest
from core.specs import ModelSpec, RunSpec
from core.training.recipes import recipe
from core.zoo.catalogue import complete
from tests.required import skip_without

PROJECT = Path(__file__).parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass
class Lab:
    """A running server: its address, its process, its folder for runs."""

    url: str
    process: subprocess.Popen[bytes]
    runs_dir: Path
    seconds_to_answer: float  # from the start of the process until the server answers


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def start_server(
    base_path: str = "", port: str = "", **variables: str
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """`streamlit run dashboard.py`, as the README says: its address and its process."""
    port = port or str(free_port())
    command = [sys.executable, "-m", "streamlit", "run", "dashboard.py"]
    process = subprocess.Popen(
        [
            *command,
            *("--server.port", port, "--server.headless", "true"),
            *("--server.baseUrlPath", base_path),
        ],
        cwd=PROJECT,
        env=os.environ | variables,
        stdout=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}/{base_path}".rstrip("/")
    try:
        wait_until_healthy(url)
        yield url, process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def lab(tmp_path_factory) -> Iterator[Lab]:
    """A server with an empty folder for runs."""
    runs_dir = tmp_path_factory.mktemp("runs")
    began = time.perf_counter()
    with start_server(LAB_RUNS_DIR=str(runs_dir)) as (url, process):
        yield Lab(url, process, runs_dir, time.perf_counter() - began)


@pytest.fixture(scope="session")
def furnished_lab(tmp_path_factory) -> Iterator[Lab]:
    """A server without workers: two finished runs with a study, predictions, a run under way."""
    runs_dir = tmp_path_factory.mktemp("furnished")
    furnish(open_store(f"sqlite:///{runs_dir / 'lab.sqlite'}"))
    with start_server(LAB_RUNS_DIR=str(runs_dir), LAB_START_WORKER="0") as (url, process):
        yield Lab(url, process, runs_dir, 0.0)


def furnish(store: Store) -> None:
    """Run 1 has a record with predictions, run 2 is the other of its study, run 3 goes on."""
    from core.jobs.execution import execute  # torch

    def work() -> None:
        while job := store.claim():
            execute(store, job)

    first, second = (_tiny_run(shortcut) for shortcut in ("identity", "none"))
    settings = {"network": first.model.arch, "dataset": first.dataset}
    store.create_study("Two blocks", settings, [first, second])
    work()
    best = store.get(1).best_file
    assert best is not None
    store.enqueue_measurement(PredictRequest(1, best.sha256))
    work()
    store.enqueue(first)
    store.claim()


def _tiny_run(shortcut: str) -> RunSpec:
    model = ModelSpec("course-residual", image_size=28, options=(("shortcut", shortcut),))
    few = 64  # training images
    tiny = recipe("fast", few, epochs=2, batch_size=32)
    return RunSpec(complete(model), "fashion-mini", tiny, train_images=few)


def wait_until_healthy(url: str) -> None:
    """Until the server answers, at most a minute."""
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("The server did not answer within a minute.")


@pytest.fixture(scope="session")
def browser():
    """Chromium; a machine without one skips, unless LAB_REQUIRE_BROWSER=1."""
    is_there = any(map(shutil.which, BROWSERS))
    reason = "no Chromium on this machine: install it to run the browser tests"
    skip_without("" if is_there else reason, "LAB_REQUIRE_BROWSER")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver, launch(driver) as chromium:
        yield chromium


@contextmanager
def launch(driver):
    """The Chromium of this machine."""
    path = next(filter(None, map(shutil.which, BROWSERS)))
    arguments = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
    chromium = driver.chromium.launch(executable_path=path, args=arguments)
    yield chromium
    chromium.close()


class Visitor:
    """A tab on the lab, and what somebody does in it."""

    def __init__(self, page, lab: Lab) -> None:
        self.page, self.lab = page, lab
        self.outside: list[str] = []
        page.on("request", self._note)

    def _note(self, request) -> None:
        own = (self.lab.url, self.lab.url.replace("http", "ws"), "data:", "blob:")
        if not request.url.startswith(own):
            self.outside.append(request.url)

    def leave(self) -> None:
        """Empty the tab, which ends the session."""
        self.page.goto("about:blank")
        self.page.remove_listener("request", self._note)

    def take_a_new_tab(self) -> None:
        """Close this one and open another, still empty."""
        self.page.close()
        self.page = self.page.context.new_page()
        self.page.on("request", self._note)

    def open(self, path: str = "/") -> None:
        """Go to an address of the lab and wait until the page is drawn."""
        self.page.goto(self.lab.url + path)
        self.settle()

    def settle(self) -> None:
        """Wait until the script has run to its end."""
        self.page.wait_for_timeout(150)
        self.page.wait_for_selector(
            '[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=180_000
        )

    def wait_until_drawn(self) -> None:
        """Wait until the code of every element is there, and charts are as wide as their places."""
        self.page.wait_for_function(
            """() => !document.querySelector('[data-testid="stSkeleton"]')
              && [...document.querySelectorAll(".chart")].every(chart => !chart.checkVisibility() ||
                chart.querySelector(".main-svg")?.clientWidth === chart.clientWidth)"""
        )
        self.page.wait_for_timeout(150)

    def metric(self, label: str) -> str:
        """What the number called `label` shows."""
        card = self.page.get_by_test_id("stMetric").filter(
            has=self.page.get_by_text(label, exact=True)
        )
        return card.get_by_test_id("stMetricValue").inner_text()

    def wait_for_metric(self, label: str, value: str) -> None:
        """Wait until the number called `label` shows `value`."""
        card = self.page.get_by_test_id("stMetric").filter(
            has=self.page.get_by_text(label, exact=True)
        )
        card.get_by_test_id("stMetricValue").get_by_text(value, exact=True).wait_for()

    def button(self, name: str):
        """The page's button called `name`; Streamlit's own header has a Stop of its own."""
        own = self.page.locator(':not([data-testid="stBaseButton-header"])')
        return self.page.get_by_role("button", name=name).and_(own)

    def download(self, name: str) -> Path:
        """Press the download button called `name`; the file that comes.

        While the script runs a button may still stand for a file that is gone.
        """
        self.settle()
        with self.page.expect_download() as download:
            self.button(name).click()
        return Path(download.value.path())


SIZE = {"width": 1400, "height": 900}


@pytest.fixture(scope="session")
def window(browser):
    """One window for all tests of this process: what it has cached saves seconds."""
    context = browser.new_context(
        viewport=SIZE,
        reduced_motion="reduce",  # nothing pulses while a test waits
    )
    context.set_default_timeout(180_000)  # a small machine may be busy
    yield context
    context.close()


@pytest.fixture
def visitor(window, lab) -> Iterator[Visitor]:
    """Somebody new to the lab, 1,400 × 900 pixels; no host but the lab was asked.

    The tab is that of the test before, emptied: one more takes as long as its first page.
    """
    page = window.pages[-1] if window.pages else window.new_page()
    page.set_viewport_size(SIZE)
    someone = Visitor(page, lab)
    yield someone
    someone.leave()
    assert someone.outside == []

"""What a page server counts: how long pages take, who looks; served where LAB_METRICS_PORT says."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from streamlit.runtime import get_instance
from streamlit.runtime.stats import ACTIVE_SESSIONS_FAMILY, GaugeStat

from core.jobs.engines.child_process import WORKER_DEATHS
from core.jobs.status import StoreStatus
from core.jobs.store import Store
from core.operating.logs import log
from core.operating.metrics import Histogram, gauge
from core.operating.status_server import serve_status
from core.specs import LabError
from pages.views.app.services import lab_store

_ANSWER_SECONDS = 3.0
PAGE_SECONDS = Histogram(
    "lab_page_seconds",
    "How long the script of a page took, from its head to its last line.",
    ("page",),
    (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)


@contextmanager
def page_timed(page: str) -> Iterator[None]:
    """Counts how long the page takes; a visitor who goes on ends it early."""
    began = time.perf_counter()
    try:
        yield
    finally:
        PAGE_SECONDS.observe(time.perf_counter() - began, page)


class PageServerStatus(StoreStatus):
    """Of a page server, whose visitors are answered by `loop`."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self.loop = loop

    def problem(self) -> str | None:
        """As of the store; a server that answers nobody is not well either."""
        turn = asyncio.run_coroutine_threadsafe(asyncio.sleep(0), self.loop)
        try:
            turn.result(_ANSWER_SECONDS)
        except TimeoutError:
            return f"The pages have not answered for {_ANSWER_SECONDS:.0f} seconds."
        return super().problem()

    def opened(self) -> Store:
        """That of the pages."""
        return lab_store()

    def lines(self) -> Iterator[str]:
        """Also its pages and sessions, and the workers that it has started."""
        yield from super().lines()
        [sessions] = get_instance().stats_mgr.get_stats([ACTIVE_SESSIONS_FAMILY]).values()
        count = sum(stat.value for stat in sessions if isinstance(stat, GaugeStat))
        yield from gauge("lab_sessions", "Visitors who have a page open.", count)
        yield from WORKER_DEATHS.lines()
        yield from PAGE_SECONDS.lines()


def serve_metrics() -> None:
    """Answer /healthz and /metrics at LAB_METRICS_PORT, PORT or HOST:PORT, where that is set."""
    if not (address := os.environ.get("LAB_METRICS_PORT")):
        return
    status = PageServerStatus(asyncio.get_running_loop())
    try:
        serve_status(address, status.problem, status.lines)
    except LabError as error:  # pages matter more
        log("no-metrics", str(error))

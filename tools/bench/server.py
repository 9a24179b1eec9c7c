"""What the page server spends on a visitor, over Streamlit's own protocol: no browser."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time

from tools.bench.figures import Row, cpu_seconds, row
from tools.load.session import Session

_MOVES, _SWITCHES = 40, 9
_WARM_SECONDS = 10.0  # until torch is loaded
_SIZE = "Resize (pixels a side)"
_PAGES = ("architecture", "compare", "calculators", "train", "residual", "runs", "")


def server_work() -> list[Row]:
    """CPU of the server for a move of a slider to a size that nobody has seen, and for a page."""
    from tests.browser.conftest import start_server

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        folders = {"LAB_RUNS_DIR": folder, "LAB_CACHE_DIR": folder}
        with start_server(**folders) as (url, process):
            time.sleep(_WARM_SECONDS)
            return asyncio.run(_visit(int(url.rpartition(":")[2]), process.pid))


async def _visit(port: int, process_id: int) -> list[Row]:
    rows = []
    for title, query, wanted in (
        ("VGG-11", "", "0.05"),
        ("DenseNet-121", "net_network=densenet121", "0.12"),
    ):
        cpu, waits = await _moves(port, process_id, query)
        rows += [
            row(f"slider move, {title}, new size: CPU of the server", cpu, "s", wanted),
            row(f"slider move, {title}, new size: until all is sent", waits, "s", "0.3"),
        ]
    session = Session(port)
    await session.open("")
    used: dict[str, list[float]] = {page: [] for page in _PAGES}
    for _ in range(_SWITCHES):
        for page, times in used.items():
            before = cpu_seconds(process_id)
            await session.switch_to(page)
            await asyncio.sleep(0.05)
            times.append(cpu_seconds(process_id) - before)
    await session.close()
    for page, times in used.items():
        mean = sum(times[1:]) / len(times[1:])  # the clock of CPU time ticks a hundredth
        rows.append(row(f"switch to /{page}: CPU of the server", mean, "s", "within 0.1"))
    return rows


async def _moves(port: int, process_id: int, query: str) -> tuple[float, list[float]]:
    """Mean CPU of a move, and each wait."""
    session, draw, waits = Session(port), random.Random(9), []
    await session.open("architecture", query)
    slider = next(one for one in session.widgets("slider") if one.slider.label == _SIZE).slider
    sizes = draw.sample(range(64, int(slider.max) + 1, int(slider.step)), _MOVES)
    before = cpu_seconds(process_id)
    for size in sizes:
        control = next(one for one in session.widgets("slider") if one.slider.label == _SIZE)
        waits.append((await session.set(control, size)).seconds)
    used = cpu_seconds(process_id) - before
    await session.close()
    return used / _MOVES, waits

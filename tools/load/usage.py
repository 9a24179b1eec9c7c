"""What the parts of a lab under load take of a machine (Linux)."""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from tools.bench.figures import cpu_seconds

OTHERS = "what else is on this machine"  # above a tenth of a core it spoils the measurement
_SAMPLE_SECONDS = 2.0
_PROGRAMS = {"postgres": "PostgreSQL", "nginx": "nginx"}  # by the name of their processes


class Usage:
    """CPU of every part, and the page servers' memory, from entering to leaving."""

    def __init__(self, page_servers: Collection[int]) -> None:
        """By the numbers of their processes."""
        self.page_servers = page_servers
        self.memory: list[float] = []  # of all page servers together, MiB, every two seconds
        self._cpu: dict[str, float] = defaultdict(float)  # seconds
        self._seen: dict[int, float] = {}  # process → CPU seconds that are counted
        self._is_over = threading.Event()

    def __enter__(self) -> Usage:
        self._count()
        self._cpu.clear()  # what was before
        self.began, self._busy = time.monotonic(), _machine_seconds()
        self._thread = threading.Thread(target=self._sample)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
        self._count()
        self.seconds = time.monotonic() - self.began
        self._cpu[OTHERS] = _machine_seconds() - self._busy - sum(self._cpu.values())

    @property
    def cores(self) -> dict[str, float]:
        """How many cores each part has kept busy."""
        return {part: used / self.seconds for part, used in self._cpu.items()}

    def growth(self, after_seconds: float) -> float:
        """From this moment to the end, as a share of what it was; means of ten samples each."""
        rest = self.memory[int(after_seconds / _SAMPLE_SECONDS) :]
        early, late = rest[:10], rest[-10:]
        return (sum(late) / len(late)) / (sum(early) / len(early)) - 1

    def _sample(self) -> None:
        while not self._is_over.wait(_SAMPLE_SECONDS):
            self._count()
            pages = 0
            for process_id in self.page_servers:
                with suppress(OSError, IndexError):  # it may be killed
                    pages += int(Path(f"/proc/{process_id}/statm").read_text().split()[1])
            self.memory.append(pages * os.sysconf("SC_PAGE_SIZE") / 2**20)

    def _count(self) -> None:
        """Add what every process has used since it was last seen; one that ends loses its last."""
        for process_id, (part, used) in cpu_of_processes(self.page_servers).items():
            self._cpu[part] += used - self._seen.get(process_id, 0.0)
            self._seen[process_id] = used


def cpu_of_processes(page_servers: Collection[int]) -> dict[int, tuple[str, float]]:
    """Of each process of the lab that this one has started: its part, and CPU seconds so far."""
    names, parents = {}, {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            start, _, rest = path.read_text().rpartition(")")
            names[int(path.parent.name)] = start.partition("(")[2]
            parents[int(path.parent.name)] = int(rest.split()[1])
    used = {}
    for process_id, name in names.items():
        ancestors = _ancestors(process_id, parents)
        if process_id == os.getpid():
            part = "visitors"
        elif os.getpid() not in ancestors:
            continue
        elif process_id in page_servers:
            part = "page servers"
        elif name in _PROGRAMS:
            part = _PROGRAMS[name]
        else:
            part = "workers" if _is_worker(process_id) else "PyTorch beside pages"
        with suppress(OSError):
            used[process_id] = (part, cpu_seconds(process_id))
    return used


def _machine_seconds() -> float:
    """CPU seconds of all that this machine has done."""
    user, nice, system, _idle, _waiting, *interrupts = (
        int(ticks) for ticks in Path("/proc/stat").read_text().splitlines()[0].split()[1:8]
    )
    return (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")


def _is_worker(process_id: int) -> bool:
    with suppress(OSError):
        return b"\0worker\0" in Path(f"/proc/{process_id}/cmdline").read_bytes()
    return False


def _ancestors(process_id: int, parents: dict[int, int]) -> list[int]:
    """Its parent, the parent of that one, and so on."""
    found = []
    while parent := parents.get(process_id):
        found.append(parent)
        process_id = parent
    return found

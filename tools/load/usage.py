"""What the parts of a lab under load take of a machine (Linux)."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

_SAMPLE_SECONDS = 2.0
_PROGRAMS = {"postgres": "PostgreSQL", "nginx": "nginx"}
_TICKS = os.sysconf("SC_CLK_TCK")  # of CPU time, a second


class Usage:
    """CPU of every part, and the page servers' memory, from entering to leaving."""

    def __init__(self, page_servers: Sequence[int]) -> None:
        """By the numbers of their processes."""
        self.page_servers = page_servers
        self.memory: list[float] = []  # of all page servers together, MiB, every two seconds
        self._cpu: Counter[str] = Counter()
        self._seen: dict[int, float] = {}  # process → CPU seconds that are counted
        self._is_over = threading.Event()

    def __enter__(self) -> Usage:
        self._count()
        self._cpu.clear()  # what was before
        self.began = time.monotonic()
        self._thread = threading.Thread(target=self._sample)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
        self._count()
        self.seconds = time.monotonic() - self.began

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
        processes = _processes()
        for process_id, (_parent, _name, used) in processes.items():
            if part := self._part(process_id, processes):
                self._cpu[part] += used - self._seen.get(process_id, 0.0)
                self._seen[process_id] = used

    def _part(self, process_id: int, processes: dict[int, tuple[int, str, float]]) -> str:
        """Which part of the lab a process belongs to; empty: none."""
        if process_id == os.getpid():
            return "visitors"
        if process_id in self.page_servers:
            return "page servers"
        parent, name, _used = processes[process_id]
        if name in _PROGRAMS:
            return _PROGRAMS[name] if self._is_ours(process_id, processes) else ""
        if parent in self.page_servers:
            return "their processes with PyTorch"
        return "workers" if self._is_ours(process_id, processes) else ""

    def _is_ours(self, process_id: int, processes: dict[int, tuple[int, str, float]]) -> bool:
        while process_id in processes:
            if process_id == os.getpid():
                return True
            process_id = processes[process_id][0]
        return False


def _processes() -> dict[int, tuple[int, str, float]]:
    """Of this machine: parent, name, CPU seconds so far."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            start, _, rest = path.read_text().rpartition(")")
            fields = rest.split()
            name = start.partition("(")[2]
            found[int(path.parent.name)] = (
                int(fields[1]),
                name,
                (int(fields[11]) + int(fields[12])) / _TICKS,
            )
    return found

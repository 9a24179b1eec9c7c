"""What this machine's CPU is, in words. Imports no torch."""

from __future__ import annotations

import platform
from contextlib import suppress

from core.analysis.cpu import CPU_INFO, threads


def processor() -> str:
    """The processor's name where the system tells it, else its kind."""
    with suppress(OSError), CPU_INFO.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.startswith("model name"):
                return f"{line.partition(':')[2].strip()} CPU"
    return f"{platform.processor() or platform.machine()} CPU"


def cpu_in_words() -> str:
    """The processor and the threads that this process, and those it starts, may use."""
    return f"{processor()}, {threads()} threads"

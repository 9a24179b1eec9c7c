"""Memory of this machine that is free, also inside of a container."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def available_host_bytes() -> int | None:
    """Free and reclaimable memory of this machine, within the container's limit."""
    limits = [value for value in (_meminfo_available(), _cgroup_available()) if value is not None]
    if limits:
        return min(limits)
    try:  # macOS: no way to ask for reclaimable memory without a package; half is a fair guess
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (ValueError, OSError, AttributeError):
        return None


def total_host_bytes() -> int | None:
    """All memory of this machine, within the container's limit."""
    try:
        machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None
    with suppress(OSError, ValueError):  # "max" is no number: no limit
        machine = min(machine, int(Path("/sys/fs/cgroup/memory.max").read_text().strip()))
    return machine


def _meminfo_available() -> int | None:
    try:
        with open("/proc/meminfo") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


def _reclaimable() -> int:
    """Bytes of files that the kernel keeps in this container's memory until somebody needs it."""
    with open("/sys/fs/cgroup/memory.stat") as lines:
        return sum(int(line.split()[1]) for line in lines if line.startswith("inactive_file "))


def _cgroup_available() -> int | None:
    try:
        with (
            open("/sys/fs/cgroup/memory.max") as limit,
            open("/sys/fs/cgroup/memory.current") as used,
        ):
            text = limit.read().strip()
            if text == "max":
                return None
            return int(text) - int(used.read()) + _reclaimable()
    except (OSError, ValueError):
        return None


def bound_memory(more_bytes: int) -> None:
    """Let this process take no more than so much beside what it has, where a system can bound it.

    Who asks for more gets a MemoryError, or is ended.
    """
    with suppress(ImportError, ValueError, OSError):
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        limit = pages * resource.getpagesize() + more_bytes
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

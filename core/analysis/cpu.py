"""The threads and the instructions of this machine's CPU. Imports no torch."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

_AVX512 = frozenset(("avx512f", "avx512bw", "avx512vl", "avx512dq"))  # what oneDNN asks for
CPU_INFO = Path("/proc/cpuinfo")


def threads() -> int:
    """CPU threads that this process may use: OMP_NUM_THREADS, else the cores it may run on."""
    asked_for = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    if asked_for.isdigit() and int(asked_for) > 0:
        return int(asked_for)
    return cores()


def cores() -> int:
    """CPU threads that this process may run on, whatever it was asked to use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@cache
def has_avx512() -> bool:
    """Whether oneDNN uses AVX-512 here; no where it cannot be told, which estimates more memory."""
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper()  # oneDNN's own switch
    if limit.startswith(("SSE", "AVX2")) or limit == "AVX":
        return False
    try:
        lines = CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    flags = next((line for line in lines if line.startswith("flags")), "")
    return set(flags.split()) >= _AVX512

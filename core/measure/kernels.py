"""How long a CUDA device computes, by PyTorch's profiler: for the rest of the time it waits."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.profiler import ProfilerActivity, profile


def kernels_of(work: Callable[[], object]) -> tuple[float, int]:
    """Seconds in kernels, and their number, while the current device does `work`."""
    with profile(activities=[ProfilerActivity.CUDA]) as profiler:
        work()
        torch.cuda.synchronize()
    events = [event for event in profiler.key_averages() if event.self_device_time_total > 0]
    return sum(e.self_device_time_total for e in events) / 1e6, sum(e.count for e in events)

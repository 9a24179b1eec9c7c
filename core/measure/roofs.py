"""The two roofs of a device: the most that it computes, and the most that it moves.

Williams, Waterman and Patterson, Roofline: an insightful visual performance model for multicore
architectures (Communications of the ACM 52, 2009).

On the CPU it is measured with pieces of work of some two milliseconds: where others work too, a
process seldom has all cores for longer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from time import perf_counter

import torch

from core.training.devices import synchronize

PEAK_SIDES = {"cpu": 512, "cuda": 8192, "mps": 4096}  # of the square matrices
_WIDE = {"cpu": (8, 64, 12), "cuda": (64, 256, 56), "mps": (64, 128, 28)}  # images, channels, side
_ARRAY_BYTES = {"cpu": 2**26, "cuda": 2**28, "mps": 2**27}  # several times what a cache holds
_PARTS = {"cpu": 4}  # into which these arrays are cut
_SECONDS, _TIMES = 0.05, 3  # as often as fits into that time, and at least so often


def matrix_peak(device: torch.device, dtype: torch.dtype = torch.float32) -> float:
    """FLOP/s of a large matrix product; TF32 where convolutions compute in that.

    Each core of a CPU has as many rows as a square matrix.
    """
    side = PEAK_SIDES.get(device.type, 2048)
    rows = torch.rand((_cores(device) * side, side), device=device).to(dtype)
    square = torch.rand((side, side), device=device).to(dtype)
    with _as_convolutions():
        return 2 * side * rows.numel() / _least_seconds(device, lambda: rows @ square)


def arithmetic_peak(device: torch.device) -> float:
    """FLOP/s in float32 of the faster of a large matrix product and a wide convolution, 5×5.

    Which one it is depends on the libraries: MKL's matrix product is no measure for AMD's cores.
    """
    images, channels, side = _WIDE.get(device.type, _WIDE["cpu"])
    maps = torch.rand((_cores(device) * images, channels, side, side), device=device)
    maps = maps.to(memory_format=torch.channels_last)
    weights = torch.rand((channels, channels, 5, 5), device=device)
    weights = weights.to(memory_format=torch.channels_last)
    flops = 2 * 25 * channels * maps.numel()
    seconds = _least_seconds(device, lambda: torch.conv2d(maps, weights, padding=2))
    return max(flops / seconds, matrix_peak(device))


def memory_peak(device: torch.device) -> float:
    """Bytes a second, read and written, of the sum of two arrays that no cache holds.

    The sum is STREAM's third operation (McCalpin 1995).
    """
    count, parts = _ARRAY_BYTES.get(device.type, 2**26) // 4, _PARTS.get(device.type, 1)
    arrays = [torch.ones(count, device=device).chunk(parts) for _ in range(3)]
    in_turn = cycle(zip(*arrays, strict=True))

    def add() -> None:
        first, second, result = next(in_turn)
        torch.add(first, second, out=result)

    return 12 * (count // parts) / _least_seconds(device, add)


def _cores(device: torch.device) -> int:
    """Among which PyTorch shares out the work, as far as it must be asked for enough of it."""
    return torch.get_num_threads() if device.type == "cpu" else 1


def _least_seconds(device: torch.device, work: Callable[[], object]) -> float:
    """Whatever else runs here only ever adds time."""
    seconds: list[float] = []
    while len(seconds) < _TIMES or sum(seconds) < _SECONDS:
        synchronize(device)
        began = perf_counter()
        work()
        synchronize(device)
        seconds.append(perf_counter() - began)
    return min(seconds)


@contextmanager
def _as_convolutions() -> Iterator[None]:
    """Matrix products in the precision of convolutions, which PyTorch sets apart on CUDA."""
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before

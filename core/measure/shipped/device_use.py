"""How much of a training step a large card computes: measured on one, shipped with the lab.

Kernel time by wall time of the lab's own loop (`tools/bench/accelerator.py`, PyTorch's profiler).
Imports no torch.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from core.specs import ModelSpec

_FILE = Path(__file__).parent / "device_use.csv"


@dataclass(frozen=True)
class DeviceUse:
    """One network, trained in one way on one card."""

    model: ModelSpec
    precision: str  # in which convolutions multiply: TF32, bfloat16
    steps: str  # plain: launched one by one from Python; captured: replayed as one graph
    batch_size: int
    images_per_second: float
    kernel_share: float  # of the wall time; the card waits for the rest
    launches: int  # kernels a step
    device: str
    machine: str
    date: str


@cache
def device_uses() -> tuple[DeviceUse, ...]:
    """The rows of the file."""
    with open(_FILE, encoding="utf-8", newline="") as file:
        return tuple(
            DeviceUse(
                ModelSpec.from_text(row["network"]),
                row["precision"],
                row["steps"],
                int(row["batch_size"]),
                float(row["images_per_second"]),
                float(row["kernel_share"]),
                int(row["launches"]),
                row["device"],
                row["machine"],
                row["date"],
            )
            for row in csv.DictReader(file)
        )

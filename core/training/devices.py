"""The devices this machine really has, and what they are."""

from __future__ import annotations

import platform
import re
from contextlib import suppress
from pathlib import Path

import torch

from core.analysis.cpu import cores
from core.host_memory import available_host_bytes, total_host_bytes
from core.specs import LabError
from core.training.processor import cpu_in_words, processor
from core.training.records import Device, DeviceReport


def available_devices() -> tuple[str, ...]:
    """cuda (cuda:1, ... when there are several), mps, cpu: the fastest first."""
    names: list[str] = []
    if torch.cuda.is_available():
        names += ["cuda", *(f"cuda:{index}" for index in range(1, torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        names.append("mps")
    return (*names, "cpu")


def find_device(name: str) -> torch.device:
    """The device `name`; raises LabError that lists those of this machine."""
    here = available_devices()
    if name not in (*here, *(["cuda:0"] if "cuda" in here else [])):
        raise LabError(
            "There is no device {name} on this machine; it has {here}.",
            name=repr(name),
            here=", ".join(here),
        )
    return torch.device(name)


def describe(name: str) -> str:
    """What the device is, in words: the card's name, or the processor and its threads."""
    if name.startswith("cuda"):
        return torch.cuda.get_device_name(torch.device(name))
    if name == "mps":
        return f"Apple {platform.machine()} GPU"
    return cpu_in_words()


def synchronize(device: torch.device) -> None:
    """Wait until everything queued on `device` is done, so that a clock tells the truth."""
    if device.type == "cuda":
        torch.cuda.current_stream(device).synchronize()
    elif device.type == "mps":
        torch.mps.synchronize()


def choose_kernels(device: torch.device, deterministic: bool) -> None:
    """From now on this process asks cuDNN for kernels that add in a fixed order, or for any.

    The fastest ones add in whatever order their threads end, so that equal runs differ by rounding.
    Runs that share a process ask for the same.
    """
    if device.type == "cuda":
        torch.backends.cudnn.deterministic = deterministic


def cuda_generator(device: torch.device) -> torch.Generator:
    """The generator that dropout on a CUDA device draws from."""
    torch.cuda.init()
    index = torch.cuda.current_device() if device.index is None else device.index
    generator: torch.Generator = torch.cuda.default_generators[index]
    return generator


def available_bytes(device: torch.device) -> int | None:
    """Memory that a run may still take on `device`, None where it cannot be known."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory()
    return available_host_bytes()


def total_bytes(device: torch.device) -> int | None:
    """All memory of `device`, None where it cannot be known."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    if device.type == "mps":
        return torch.mps.recommended_max_memory()
    return total_host_bytes()


def devices_here() -> tuple[Device, ...]:
    """Every device of `available_devices`, with what it is."""
    return tuple(
        Device(name, describe(name), total_bytes(torch.device(name)))
        for name in available_devices()
    )


def free_bytes(name: str) -> int | None:
    """`available_bytes` of the device `name`. Raises LabError as `find_device`."""
    return available_bytes(find_device(name))


def described_devices() -> dict[str, str]:
    """Every device of `available_devices`, each with what it is in words.

    The CPU with all its threads, also where this process itself is to use one.
    """
    whole = {"cpu": f"{processor()}, {cores()} threads"}
    return {name: describe(name) for name in available_devices()} | whole


def device_report() -> DeviceReport:
    """What PyTorch finds on this machine, and why it may find no more."""
    return DeviceReport(
        described_devices(),
        str(torch.__version__),  # a class of torch's own, whose reader would import torch
        torch.version.cuda,
        _nvidia_driver(),
        torch.backends.mps.is_built(),
    )


def _nvidia_driver() -> str | None:
    """The version of NVIDIA's driver; None where there is none, or none that Linux tells."""
    with suppress(OSError):
        text = Path("/proc/driver/nvidia/version").read_text()
        if match := re.search(r"\b\d{3}\.\d+(\.\d+)?\b", text):
            return match[0]
    return None

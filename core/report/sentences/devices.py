"""Which devices a machine has for training, in words. Imports no torch."""

from __future__ import annotations

from core.training.records import DeviceReport


def device_sentence(report: DeviceReport) -> str:
    """What PyTorch finds; without a GPU also what it was built for, and which driver runs."""
    found = [f"{name} ({words})" for name, words in report.devices.items()]
    if len(found) > 1:
        return f"PyTorch {report.torch} finds {', '.join(found[:-1])} and {found[-1]} here."
    built_for = []
    if report.cuda:
        driver = f"NVIDIA's driver is {report.driver}" if report.driver else "no NVIDIA driver runs"
        built_for.append(f"PyTorch {report.torch} was built for CUDA {report.cuda}; {driver}")
    else:
        built_for.append(f"PyTorch {report.torch} was built without CUDA")
    if report.has_mps:
        built_for.append("it was built for MPS, and finds no such GPU")
    return f"This machine has no CUDA and no MPS device, only {found[0]}: {'; '.join(built_for)}."

"""Which devices a machine has for training, in words. Imports no torch."""

from __future__ import annotations

from core.language import _, listed, semicolon
from core.report import formats
from core.training.records import DeviceReport


def device_sentence(report: DeviceReport) -> str:
    """What PyTorch finds; without a GPU also what it was built for, and which driver runs."""
    found = [
        _("{name} ({words})", name=name, words=formats.machine(words))
        for name, words in report.devices.items()
    ]
    torch = report.torch
    if len(found) > 1:
        return _("PyTorch {torch} finds {devices} here.", torch=torch, devices=listed(found))
    why = []
    if report.cuda:
        why.append(_("PyTorch {torch} was built for CUDA {cuda}", torch=torch, cuda=report.cuda))
        why.append(
            _("NVIDIA's driver is {driver}", driver=report.driver)
            if report.driver
            else _("no NVIDIA driver runs")
        )
    else:
        why.append(_("PyTorch {torch} was built without CUDA", torch=torch))
    if report.has_mps:
        why.append(_("it was built for MPS, and finds no such GPU"))
    return _(
        "This machine has no CUDA and no MPS device, only {device}: {why}.",
        device=found[0],
        why=semicolon().join(why),
    )

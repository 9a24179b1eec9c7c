"""What a job needs, held against what a worker has. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import and_, or_, true

from core.analysis.kept import kept_analysis
from core.jobs.schema import jobs_table
from core.measure.request import Request
from core.measure.requests import (
    LayerTimesRequest,
    LearningRatesRequest,
    StepCostRequest,
    ThroughputRequest,
)
from core.specs import LabError, RunSpec
from core.training.estimate import needed_bytes
from core.training.records import Device

_JOBS = jobs_table.c


@dataclass(frozen=True)
class Needs:
    """What a worker must have to execute a job."""

    device: str = ""  # its name; "": whichever
    hardware: str | None = None  # what that device is; None: whatever has the name
    memory_bytes: int | None = None  # of the device; None: not known before somebody tries

    def columns(self) -> dict[str, Any]:
        """As the table of jobs has them."""
        return {
            "needs_device": self.device,
            "needs_hardware": self.hardware,
            "needs_bytes": self.memory_bytes,
        }

    def is_met_by(self, device: Device) -> bool:
        """Whether the job can be executed on this device. The same as `fits`, for one job."""
        return (
            self.device in ("", device.name)
            and self.hardware in (None, device.hardware)
            and (
                self.memory_bytes is None
                or device.memory_bytes is None
                or self.memory_bytes <= device.memory_bytes
            )
        )


def needs_of_run(spec: RunSpec) -> Needs:
    """Its device, and the memory where its network has been taken apart before."""
    memory = None
    with suppress(LabError):  # a network or a data set of another lab
        if analysis := kept_analysis(spec.model):
            memory = needed_bytes(spec, analysis)
    return Needs(device_name(spec.device), memory_bytes=memory)


def needs_of_request(request: Request) -> Needs:
    """The device that is measured; other measurements take whatever there is."""
    if isinstance(request, LayerTimesRequest):
        return Needs(device_name(request.device), request.hardware or None)
    if isinstance(request, LearningRatesRequest | StepCostRequest):  # with the memory of its run
        return replace(needs_of_run(request.run), hardware=request.hardware or None)
    if isinstance(request, ThroughputRequest):  # all are of one machine: the rarest stands for them
        hardware = dict(zip(request.devices, request.hardware, strict=False))
        rarest = max(request.devices, key=lambda name: (name != "cpu", name))
        return Needs(device_name(rarest), hardware.get(rarest))
    return Needs()


def fits(devices: Sequence[Device] | None) -> Any:
    """The condition that a worker with these devices can execute a job; None: with any."""
    if devices is None:
        return true()
    names = ["", *(device.name for device in devices)]  # which the index has
    return and_(_JOBS.needs_device.in_(names), or_(*fits_in_ways(devices)))


def fits_in_ways(devices: Sequence[Device] | None) -> list[Any]:
    """Conditions of which one holds where `fits` does; each is for one `needs_device`."""
    if devices is None:
        return [true()]
    return [_JOBS.needs_device == "", *map(_fits_one, devices)]


def _fits_one(device: Device) -> Any:
    conditions = [
        _JOBS.needs_device == device.name,
        or_(_JOBS.needs_hardware.is_(None), _JOBS.needs_hardware == device.hardware),
    ]
    if device.memory_bytes is not None:
        small = _JOBS.needs_bytes <= device.memory_bytes
        conditions.append(or_(_JOBS.needs_bytes.is_(None), small))
    return and_(*conditions)


def only_named(devices: Iterable[Device], names: Sequence[str]) -> tuple[Device, ...]:
    """Those with these names; without any name all. Raises LabError for one that is not there."""
    here = {device.name: device for device in devices}
    if unknown := [name for name in names if device_name(name) not in here]:
        raise LabError(
            "There is no device {name} on this machine; it has {here}.",
            name=repr(unknown[0]),
            here=", ".join(here),
        )
    return tuple(here[device_name(name)] for name in names) or tuple(here.values())


def device_name(device: str) -> str:
    """As workers declare it: the first card has two names."""
    return "cuda" if device == "cuda:0" else device

"""What every request of a measurement shares: its key, by which equal ones are one job."""

from __future__ import annotations

import platform
from dataclasses import dataclass, field
from hashlib import sha256
from typing import ClassVar

from core.specs import RunSpec, Spec


@dataclass(frozen=True)
class Request(Spec):
    """What is measured. Equal requests share one job, found by their key."""

    kind: ClassVar[str]
    title: ClassVar[str]  # in lists; translated where it is shown
    in_key: ClassVar[str]  # what stands before the hash in the key, as older labs wrote it

    def what(self) -> tuple[object, ...]:
        """What the result depends on, besides the machine."""
        raise NotImplementedError

    def where(self) -> tuple[object, ...]:
        """The hardware that the result depends on, whatever its host is called; here: none."""
        return ()

    def runs_needed(self) -> tuple[int, ...]:
        """The runs of which files are read."""
        return ()

    @property
    def key(self) -> str:
        """A short name for this measurement."""
        return self._key_of(*self.where(), *self.what())

    @property
    def key_by_host(self) -> str:
        """Its name in labs whose results all belonged to a host: they are still found there."""
        return self._key_of(platform.node(), *self.what())

    def _key_of(self, *parts: object) -> str:
        text = " ".join(map(str, parts))
        return f"{self.in_key} {sha256(text.encode()).hexdigest()}"


@dataclass(frozen=True)
class DeviceRequest(Request):
    """Something whose result depends on what one device is."""

    # What the device is, see records.Device; "": that of this host
    hardware: str = field(default="", kw_only=True)

    def where(self) -> tuple[object, ...]:
        """What the device is."""
        return (self.hardware or platform.node(),)


@dataclass(frozen=True)
class RunRequest(DeviceRequest):
    """Something about the steps of one run, on its device."""

    run: RunSpec

    def __post_init__(self) -> None:
        object.__setattr__(self, "run", RunSpec.read(self.run))

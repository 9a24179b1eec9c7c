"""Which parameters a network is looked at with. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, replace

from core.specs import ModelSpec


@dataclass(frozen=True)
class Weights:
    """A network and where its parameters are: a file, or the seed that they are drawn by."""

    spec: ModelSpec  # every option filled in
    file: str = ""  # path of a safetensors file or of a run's checkpoint; "": as initialized
    sha256: str = ""  # of the file
    initialization: str = "default"  # default, xavier, he
    seed: int = 0
    mean: float | None = None  # of the pixels, 0 to 1, that the network reads as 0; None: 0
    std: float | None = None  # pixels are divided by this; None: 1

    @property
    def as_initialized(self) -> Weights:
        """The same network with the parameters that it began with."""
        return replace(self, file="", sha256="")

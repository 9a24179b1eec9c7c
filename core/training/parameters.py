"""Parameters of a network for a file, and from one. Imports no torch before it is needed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.specs import LabError

if TYPE_CHECKING:
    from torch import Tensor, nn

CHECKPOINT = ".pt"  # how the names of checkpoints end; other files are safetensors


def tensors_of(network: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers by name, each with memory of its own on the host, as files want them.

    Some may be one and the same in the network. What modules keep besides (`get_extra_state`) is
    no tensor, so no such file can hold it.
    """
    import torch

    return {
        name: value.to("cpu", copy=True, memory_format=torch.contiguous_format)
        for name, value in network.state_dict().items()
        if isinstance(value, torch.Tensor)
    }


def load_parameters(network: nn.Module, path: Path) -> None:
    """Put the parameters of a safetensors file, or of a checkpoint, into `network`.

    Raises LabError where they cannot be read, or do not fit.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        state = _of_checkpoint(path) if path.suffix == CHECKPOINT else load_file(path)
        network.load_state_dict(_besides_tensors(network) | state)
    except (SafetensorError, OSError, RuntimeError, KeyError) as error:
        raise LabError(
            "The parameters in {name} cannot be read, or are another network's; train the run"
            " again.",
            name=path.name,
        ) from error


def _besides_tensors(network: nn.Module) -> dict[str, Any]:
    """What modules keep that is no tensor, as it is now: a file may not have it."""
    import torch

    state = network.state_dict()
    return {name: value for name, value in state.items() if not isinstance(value, torch.Tensor)}


def _of_checkpoint(path: Path) -> Any:
    import torch

    return torch.load(path, map_location="cpu", weights_only=True)["network"]


def check_hash(path: Path, sha256: str) -> None:
    """Raise LabError unless the file is the one with this hash."""
    try:
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise LabError(
            "{name} is not here any more; choose another run.", name=path.name
        ) from error
    if digest != sha256:
        raise LabError(
            "{name} is not what the run has written; perhaps another store uses the same"
            " LAB_RUNS_DIR. Train the run again.",
            name=path.name,
        )

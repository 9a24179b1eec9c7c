"""The files of a run: best parameters as safetensors, and the state that a resume needs.

Each is written whole: to a temporary file, flushed to the disk, then renamed over the old one.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.runs.store import Run, Store, runs_dir
from core.specs import LabError

if TYPE_CHECKING:
    from torch import nn


def run_folder(run_id: int) -> Path:
    """Where the files of a run lie."""
    return runs_dir() / f"run-{int(run_id)}"


def best_file(run_id: int) -> Path:
    """The parameters of the run's best epoch, as safetensors."""
    return run_folder(run_id) / "best.safetensors"


def resume_file(run_id: int) -> Path:
    """The state after the run's last finished epoch."""
    return run_folder(run_id) / "resume.pt"


def write_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary file, then put it in the place of `path` in one step.

    Raises LabError when the disk is full or the folder cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(temporary)
        with open(temporary, "rb") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    except Exception as error:  # torch and safetensors wrap an OSError in errors of their own
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise LabError(
            f"The run's files could not be written ({error}); free some disk space, or set"
            " LAB_RUNS_DIR to a folder that can be written, and continue the run."
        ) from error


def save_best(run: Run, network: nn.Module, epoch: int) -> None:
    """Keep the network's parameters and running statistics as the best of the run."""
    from safetensors.torch import save_file

    tensors = {name: value.contiguous().cpu() for name, value in network.state_dict().items()}
    about = {"spec": run.spec.to_json(), "run": str(run.id), "epoch": str(epoch)}
    write_whole(best_file(run.id), lambda path: save_file(tensors, path, metadata=about))


def save_resume(run: Run, state: dict[str, Any]) -> None:
    """Keep what the next epoch depends on."""
    import torch

    write_whole(resume_file(run.id), lambda path: torch.save(state, path))


def load_resume(run: Run) -> dict[str, Any] | None:
    """What `save_resume` kept, None where there is nothing that can be read."""
    import torch

    path = resume_file(run.id)
    if not path.exists():
        return None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # a file of another version or half a disk: start over rather than fail
        return None
    return state if isinstance(state, dict) else None


def delete_runs(store: Store, run_ids: Iterable[int]) -> None:
    """Remove runs from the store, and their folders."""
    chosen = list(run_ids)
    store.delete(chosen)
    for run_id in chosen:
        delete_folder(run_id)


def delete_folder(run_id: int) -> None:
    """Remove the files of a run, where there are any."""
    shutil.rmtree(run_folder(run_id), ignore_errors=True)

"""The files of a run: best parameters as safetensors, and the checkpoint that a resume needs.

Each is written whole (to a temporary file, flushed to the disk, then renamed) under a name of its
own, and is used only after the store has saved its hash: after a crash the store still names the
file before it. Names contain the attempt, so a worker that has lost its run cannot overwrite or
delete files of a later attempt.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.folders import runs_folder
from core.jobs.database import StoreUnavailable
from core.jobs.records import Run, StoredFile
from core.language import Message, lazy
from core.specs import LabError
from core.training.parameters import check_hash

if TYPE_CHECKING:
    from torch import nn

    from core.jobs.store import Store

_FILE_OF_ATTEMPT = re.compile(r"\.?(?:best|checkpoint)-(\d+)-")
_PREDICTIONS = re.compile(r"predictions-.*\.npz")


class CannotWrite(StoreUnavailable):
    """The run's files cannot be written now; once the disk has room, or is back, they can."""


class DamagedFile(LabError):
    """A file that the store vouches for is gone, or is not what was written."""


def run_folder(run_id: int) -> Path:
    """Where the files of a run lie."""
    return runs_folder() / f"run-{int(run_id)}"


def path_of(run: Run, file: StoredFile) -> Path:
    """Where a file of the run lies; names from the store never lead out of its folder."""
    return run_folder(run.id) / Path(file.name).name


def best_path(run: Run) -> Path | None:
    """The parameters of the run's best epoch as safetensors, None where they are not here."""
    path = path_of(run, run.best_file) if run.best_file else None
    return path if path is not None and path.exists() else None


def verified_best(run: Run) -> Path:
    """The path of the best parameters, after its hash was checked. Raises LabError otherwise."""
    path = best_path(run)
    if path is None or run.best_file is None:
        raise LabError(
            "The best parameters of run {id} are not here; choose another run.", id=run.id
        )
    if run.best_file.sha256:  # "": of a lab that did not keep it
        check_hash(path, run.best_file.sha256)
    return path


def write_whole(path: Path, write: Callable[[Path], None]) -> StoredFile:
    """Let `write` fill a temporary file, then give it its name in one step.

    Raises CannotWrite, one sentence, when the operating system refuses.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(temporary)
        with open(temporary, "rb") as written:
            digest = hashlib.file_digest(written, "sha256").hexdigest()
            os.fsync(written.fileno())
        temporary.replace(path)
        _flush_folder(path.parent)
    except Exception as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        if refusal := _refusal(error, path.parent):
            raise CannotWrite(refusal) from error
        raise
    return StoredFile(path.name, digest)


def _refusal(error: Exception, folder: Path) -> Message | None:
    """Why the operating system has refused to write, and what would help; None if it has not."""
    system = _system_error(error)
    number = system.errno if system else 0
    where = str(folder)
    if number in (errno.ENOSPC, errno.EDQUOT) or (system is None and _is_full(folder)):
        return lazy(
            "The run's files could not be written into {folder}: the disk is full; free some"
            " space.",
            folder=where,
        )
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return lazy(
            "The run's files could not be written into {folder}: the folder is read-only; make it"
            " writable, or set LAB_RUNS_DIR.",
            folder=where,
        )
    if system is not None:
        return lazy(
            "The run's files could not be written into {folder} ({reason}); mend that, or set"
            " LAB_RUNS_DIR.",
            folder=where,
            reason=system.strerror or str(system),
        )
    return None


def _system_error(error: BaseException | None) -> OSError | None:
    """The OSError behind an error: torch and safetensors wrap it in errors of their own."""
    while error is not None and not isinstance(error, OSError):
        error = error.__cause__ or error.__context__
    return error


def _is_full(folder: Path) -> bool:
    """Whether nothing more fits, for errors that keep no number: those of torch's own writer."""
    try:
        return shutil.disk_usage(folder).free < 2**20
    except OSError:
        return False


def _flush_folder(folder: Path) -> None:
    """Make a new name in the folder survive a power cut, where the system can."""
    with suppress(OSError, AttributeError):  # Windows opens no folders
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def save_best(run: Run, network: nn.Module, epoch: int) -> StoredFile:
    """Write the network's parameters and running statistics after `epoch`."""
    from safetensors.torch import save_file

    tensors = {name: value.contiguous().cpu() for name, value in network.state_dict().items()}
    about = {"spec": run.spec.to_json(), "run": str(run.id), "epoch": str(epoch)}
    path = run_folder(run.id) / f"best-{run.attempt}-{epoch}.safetensors"
    return write_whole(path, lambda target: save_file(tensors, target, metadata=about))


def save_checkpoint(run: Run, state: dict[str, Any]) -> StoredFile:
    """Write what the next step depends on: `Training.state()`."""
    import torch

    path = run_folder(run.id) / f"checkpoint-{run.attempt}-{state['epoch']}-{state['step']}.pt"
    return write_whole(path, lambda target: torch.save(state, target))


def load_checkpoint(run: Run) -> dict[str, Any] | None:
    """The state that the run goes on from, None for a run without one.

    Raises DamagedFile when the file is gone or its hash is another than the store's.
    """
    import torch

    if run.checkpoint is None:
        return None
    try:
        with open(path_of(run, run.checkpoint), "rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != run.checkpoint.sha256:
                raise DamagedFile("Its checkpoint {name} is damaged", name=run.checkpoint.name)
            file.seek(0)
            state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    except OSError as error:
        raise DamagedFile("Its checkpoint {name} is gone", name=run.checkpoint.name) from error
    return state


def remove_others(run: Run) -> None:
    """Remove files of this attempt and earlier ones that the store does not know.

    What a later attempt has written stays, for this worker may have slept and lost the run.
    """
    known = {file.name for file in (run.checkpoint, run.best_file) if file}
    if current := predictions_name(run):
        known.add(current)
    with suppress(OSError):
        for path in run_folder(run.id).iterdir():
            written = _FILE_OF_ATTEMPT.match(path.name)
            is_older = written is not None and int(written[1]) <= run.attempt
            if path.name not in known and (is_older or _PREDICTIONS.fullmatch(path.name)):
                path.unlink(missing_ok=True)


def predictions_name(run: Run) -> str | None:
    """The file of what the run's best parameters predict; None for a run without any."""
    return f"predictions-{run.best_file.sha256[:16]}.npz" if run.best_file else None


def bytes_of_runs(run_ids: Iterable[int]) -> int:
    """What the files of these runs take on this disk."""
    total = 0
    for run_id in run_ids:
        with suppress(OSError):  # no folder, or one that is being deleted
            total += sum(entry.stat().st_size for entry in os.scandir(run_folder(run_id)))
    return total


def delete_runs(store: Store, run_ids: Iterable[int]) -> None:
    """Remove runs from the store, and their folders."""
    deleted = list(run_ids)
    store.delete(deleted)
    for run_id in deleted:
        delete_folder(run_id)


def delete_study(store: Store, study_id: str) -> None:
    """Remove a study: its runs, their epochs and their files."""
    delete_runs(store, [run.id for run in store.runs(study=study_id)])


def delete_folder(run_id: int) -> None:
    """Remove the files of a run, where there are any."""
    shutil.rmtree(run_folder(run_id), ignore_errors=True)

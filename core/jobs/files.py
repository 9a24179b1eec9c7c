"""The files of a run: best parameters as safetensors, and the checkpoint that a resume needs.

Each is written whole under a name of its own, and is used only after the store has saved its hash:
after a crash the store still names the file before it. Names contain the attempt, so a worker that
has lost its run cannot overwrite or delete files of a later attempt.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.jobs.records import Run, StoredFile
from core.specs import LabError
from core.storage.files_place import files_place
from core.storage.place import Unavailable, sha256_of
from core.training.parameters import check_hash, tensors_of

if TYPE_CHECKING:
    from torch import nn

    from core.jobs.store import Store

_FILE_OF_ATTEMPT = re.compile(r"\.?(?:best|checkpoint)-(\d+)-")
TRAIL_KINDS = ("trail", "path")  # of files of a trail, with which their names begin
_PREDICTIONS = re.compile(r"predictions-.*\.npz")
_AT_ONCE = 8  # folders whose sizes are asked for
_RUN_FOLDER = re.compile(r"run-(\d+)")


class DamagedFile(LabError):
    """A file that the store vouches for is gone, or is not what was written."""


def run_folder(run: Run) -> str:
    """The folder of a run's files, within their place."""
    return _folder(run.store_id, run.id)


def _folder(store_id: str, run_id: int) -> str:
    return f"{store_id}/run-{run_id}".lstrip("/")


def name_of(run: Run, file: StoredFile) -> str:
    """A file of the run within the place; names from the store never lead out of its folder."""
    return f"{run_folder(run)}/{Path(file.name).name}"


def has_best(run: Run) -> bool:
    """Whether the parameters of the run's best epoch can be had, as far as is known here."""
    return run.best_file is not None and files_place().may_have(name_of(run, run.best_file))


def best_path(run: Run) -> Path | None:
    """The parameters of the run's best epoch as safetensors, None where they are gone.

    They are brought to this machine if need be. Raises Unavailable.
    """
    return fetched(run, run.best_file) if run.best_file else None


def best_address(run: Run) -> str:
    """Where the best parameters lie, to be shown; "" before there are any."""
    return files_place().address(name_of(run, run.best_file)) if run.best_file else ""


def fetched(run: Run, file: StoredFile) -> Path | None:
    """A file of the run on this machine, None where it is gone. Raises Unavailable."""
    try:
        return files_place().fetch(name_of(run, file), file.sha256)
    except FileNotFoundError:
        return None


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


def _write(run: Run, name: str, fill: Callable[[Path], None]) -> StoredFile:
    """Raises CannotWrite, one sentence, when the place refuses."""
    size = 0

    def fill_and_weigh(path: Path) -> None:
        nonlocal size
        fill(path)
        size = path.stat().st_size

    sha256 = files_place().write(f"{run_folder(run)}/{name}", fill_and_weigh)
    return StoredFile(name, sha256, size)


def save_best(run: Run, network: nn.Module, epoch: int) -> StoredFile:
    """Write the network's parameters and running statistics after `epoch`."""
    from safetensors.torch import save_file

    tensors = tensors_of(network)
    about = {"spec": run.spec.to_json(), "run": str(run.id), "epoch": str(epoch)}
    name = f"best-{run.attempt}-{epoch}.safetensors"
    return _write(run, name, lambda path: save_file(tensors, path, metadata=about))


def save_checkpoint(run: Run, state: dict[str, Any]) -> StoredFile:
    """Write what the next step depends on: `Training.state()`."""
    import torch

    name = f"checkpoint-{run.attempt}-{state['epoch']}-{state['step']}.pt"
    file = _write(run, name, lambda path: torch.save(state, path))
    sizes = files_place().sizes(run_folder(run))
    trail = sum(size for name, size in sizes.items() if name.partition("-")[0] in TRAIL_KINDS)
    return replace(file, trail_bytes=trail)


def load_checkpoint(run: Run) -> dict[str, Any] | None:
    """The state that the run goes on from, None for a run without one.

    Raises DamagedFile when the file is gone or its hash is another than the store's, Unavailable.
    """
    import torch

    if run.checkpoint is None:
        return None
    path = fetched(run, run.checkpoint)
    if path is None:
        raise DamagedFile("Its checkpoint {name} is gone", name=run.checkpoint.name)
    if sha256_of(path) != run.checkpoint.sha256:
        raise DamagedFile("Its checkpoint {name} is damaged", name=run.checkpoint.name)
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def remove_others(run: Run) -> None:
    """Remove files of this attempt and earlier ones that the store does not know.

    What a later attempt has written stays, for this worker may have slept and lost the run.
    """
    known = {file.name for file in (run.checkpoint, run.best_file) if file}
    if current := predictions_name(run):
        known.add(current)
    place, folder = files_place(), run_folder(run)
    with suppress(Unavailable):
        others = place.sizes(folder).keys() - known
        place.remove(folder, [name for name in others if _may_go(name, run.attempt)])


def _may_go(name: str, attempt: int) -> bool:
    """Whether no later attempt has written the file."""
    written = _FILE_OF_ATTEMPT.match(name)
    is_older = written is not None and int(written[1]) <= attempt
    return is_older or _PREDICTIONS.fullmatch(name) is not None


def predictions_name(run: Run) -> str | None:
    """The file of what the run's best parameters predict; None for a run without any."""
    return f"predictions-{run.best_file.sha256[:16]}.npz" if run.best_file else None


def bytes_of_runs(runs: Iterable[Run]) -> int | None:
    """What the files of these runs take; None where that cannot be asked now."""
    place = files_place()
    folders = [run_folder(run) for run in runs]
    try:
        with ThreadPoolExecutor(_AT_ONCE) as several:
            return sum(sum(sizes.values()) for sizes in several.map(place.sizes, folders))
    except Unavailable:
        return None


def delete_runs(store: Store, run_ids: Iterable[int]) -> None:
    """Remove runs from the store, and their folders."""
    deleted = list(run_ids)
    store_ids = store.store_ids(deleted)
    store.delete(deleted)
    for run_id, store_id in store_ids.items():
        files_place().remove_folder(_folder(store_id, run_id))


def delete_study(store: Store, study_id: str) -> None:
    """Remove a study: its runs, their epochs and their files."""
    delete_runs(store, [run.id for run in store.runs(study=study_id)])


def remove_orphans(store: Store) -> None:
    """Remove the folders of runs that the store no longer has: their place was away meanwhile."""
    place = files_place()
    with suppress(Unavailable):
        own_id = store.id
        folders = map(_RUN_FOLDER.fullmatch, place.folders(own_id))
        there = [int(name[1]) for name in folders if name]
        for run_id in set(there) - store.store_ids(there).keys():
            place.remove_folder(_folder(own_id, run_id))


def delete_folder(run: Run) -> None:
    """Remove the files of a run, where there are any."""
    files_place().remove_folder(run_folder(run))

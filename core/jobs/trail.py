"""The trail of a run: a small file for each epoch that is kept, to replay its training from.

`trail-2-7-3fa91c20b7de.npz` is epoch 7 as attempt 2 has seen it, with the first digits of the
file's SHA-256, `path-2-7-b7de913fa0c2.npz` its parameters. A file is written before the store
records its epoch and counts only from then on: the store's checkpoint vouches for all epochs up to
its own. Imports no torch.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from core.jobs.files import TRAIL_KINDS, run_folder
from core.jobs.records import Run
from core.storage.files_place import files_place
from core.storage.place import sha256_of
from core.training.trail_records import FEWEST, Moment, Trail, TrailPlan, most_epochs, thinned

_VERSION = 1
_VIEWS, _PARAMETERS = TRAIL_KINDS
_DIGITS = 12  # of a SHA-256, that stand in a name
_NAME = re.compile(  # .NAME.PID: half a file
    rf"(\.?)({_VIEWS}|{_PARAMETERS})-(\d+)-(\d+)(?:-([0-9a-f]{{{_DIGITS}}}))?\.npz"
)
_CHECKPOINT = re.compile(r"checkpoint-(\d+)-(\d+)-\d+\.pt")
_UNREADABLE = (OSError, KeyError, ValueError, TypeError, EOFError, BadZipFile)
_Arrays = Mapping[str, NDArray[Any]]
_Begun = tuple[TrailPlan, tuple[int, ...], tuple[int, ...]]  # with images and their labels


@dataclass(frozen=True)
class _File:
    """A file of the trail, as its name tells."""

    name: str
    kind: str
    attempt: int
    epoch: int
    sha256: str  # its first digits; "": of an older lab
    is_whole: bool


def _files(run: Run) -> Iterator[_File]:
    """Raises Unavailable."""
    for name in sorted(files_place().sizes(run_folder(run))):
        if part := _NAME.match(name):
            yield _File(name, part[2], int(part[3]), int(part[4]), part[5] or "", not part[1])


def digits_of_trail_file(name: str) -> str | None:
    """The first digits of its SHA-256 ("": of an older lab); None where it is no whole one."""
    part = _NAME.fullmatch(name)
    return None if part is None or part[1] else part[5] or ""


# Reading --------------------------------------------------------------------------------------


def read_trail(run: Run) -> Trail | None:
    """What was kept of the run's training so far; None of a run without a trail.

    A damaged file, and one of another run, is left out.
    """
    kept: dict[_Begun, list[Moment]] = {}  # by what was planned, which a new lab may change
    for epoch, path in _vouched(run, _VIEWS).items():
        with suppress(*_UNREADABLE):
            about, arrays = _read(run, path)
            plan = TrailPlan.from_json(about["plan"])
            begun = (plan, tuple(about["images"]), tuple(about["labels"]))
            kept.setdefault(begun, []).append(_moment(begun, epoch, arrays))
    if not kept:
        return None
    (plan, images, labels), moments = max(kept.items(), key=lambda item: len(item[1]))
    return Trail(plan, images, labels, tuple(moments))


def parameters_path(run: Run) -> list[dict[str, NDArray[np.float32]]] | None:
    """The run's parameters after each epoch that was kept, the first as initialized, by name.

    As named_parameters has them; kept as float16. None where there are none: of an older run, or
    where they are too many for a trail. `path_epochs` has the epochs.
    """
    path = list(_parameters(run).values())
    return path or None


def path_epochs(run: Run) -> list[int]:
    """The epochs of `parameters_path`; 0: as initialized."""
    return list(_parameters(run))


def _parameters(run: Run) -> dict[int, dict[str, NDArray[np.float32]]]:
    """By epoch."""
    found = {}
    for epoch, path in _vouched(run, _PARAMETERS).items():
        with suppress(*_UNREADABLE):
            about, arrays = _read(run, path)
            ends = np.cumsum([int(np.prod(shape)) for shape in about["shapes"]])
            pieces = np.split(arrays["values"].astype(np.float32), ends[:-1])
            found[epoch] = {
                name: piece.reshape(shape)
                for name, shape, piece in zip(about["names"], about["shapes"], pieces, strict=True)
            }
    return found


def _vouched(run: Run, kind: str) -> dict[int, Path]:
    """The files of recorded epochs, by epoch; of two attempts the later one's."""
    recorded = _CHECKPOINT.fullmatch(run.checkpoint.name) if run.checkpoint else None
    last = int(recorded[2]) if recorded else 0
    files = (
        file for file in _files(run) if file.kind == kind and file.is_whole and file.epoch <= last
    )
    newest = {file.epoch: file for file in sorted(files, key=lambda f: (f.epoch, f.attempt))}
    names = {f"{run_folder(run)}/{file.name}": file for file in newest.values()}
    paths = files_place().fetch_all({name: file.sha256 for name, file in names.items()})
    return {
        names[name].epoch: path
        for name, path in paths.items()
        if sha256_of(path).startswith(names[name].sha256)
    }


def _read(run: Run, path: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """What the file says of itself, and its arrays. Raises ValueError for a file of another run."""
    with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    about: dict[str, Any] = json.loads(arrays.pop("about").tobytes())
    if (about["version"], about["belongs"]) != (_VERSION, _belongs(run)):
        raise ValueError(path.name)
    return about, arrays


def _moment(begun: _Begun, epoch: int, arrays: _Arrays) -> Moment:
    """Raises ValueError or KeyError where the arrays are not those of the plan."""
    plan, images, _ = begun
    shapes = [(len(images), len(one.channels), *one.sides) for one in plan.maps]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes], dtype=np.int64)
    pieces = np.split(arrays["maps"], ends[:-1]) if shapes else []
    maps = tuple(piece.reshape(shape) for piece, shape in zip(pieces, shapes, strict=True))
    return Moment(
        epoch=epoch,
        probabilities=arrays.get("probabilities"),
        maps=maps,
        ranges=arrays["ranges"],
        histograms=arrays["histograms"].astype(np.float32) / np.float32(65_535),
        weights=arrays["weights"],
        kernels=arrays.get("kernels"),
    )


def _belongs(run: Run) -> str:
    """Equal for runs whose trail is the same, however many epochs they have."""
    spec = run.spec
    text = f"{spec.model.to_json()} {spec.dataset} {spec.train_images} {spec.seed}"
    return sha256(f"{text} {spec.recipe.initialization}".encode()).hexdigest()[:16]


# Writing --------------------------------------------------------------------------------------


def keep_moment(run: Run, begun: _Begun, moment: Moment) -> None:
    """Write what is kept of an epoch. Raises CannotWrite, and ValueError where it is too large."""
    plan, images, labels = begun
    arrays = {
        "maps": np.concatenate([one.ravel() for one in moment.maps] or [np.zeros(0, np.uint8)]),
        "ranges": moment.ranges,
        "histograms": (moment.histograms * 65_535).round().astype(np.uint16),
        "weights": moment.weights,
    }
    if moment.probabilities is not None:
        arrays["probabilities"] = moment.probabilities
    if moment.kernels is not None:
        arrays["kernels"] = moment.kernels
    about = {"plan": plan.to_json(), "images": images, "labels": labels}
    _keep(run, _VIEWS, moment.epoch, about, arrays, plan.views_bytes)


def keep_parameters(
    run: Run, plan: TrailPlan, epoch: int, parameters: Mapping[str, NDArray[np.float16]]
) -> None:
    """Write the parameters after an epoch. Raises as `keep_moment`."""
    about = {
        "names": list(parameters),
        "shapes": [list(values.shape) for values in parameters.values()],
    }
    values = np.concatenate([values.ravel() for values in parameters.values()])
    _keep(run, _PARAMETERS, epoch, about, {"values": values}, plan.parameters_bytes)


def _keep(
    run: Run, kind: str, epoch: int, about: dict[str, Any], arrays: _Arrays, room: int
) -> None:
    """Write the file of this epoch; remove those for which there is no longer room."""
    about = {"version": _VERSION, "belongs": _belongs(run), **about}
    packed = io.BytesIO()
    text = np.frombuffer(json.dumps(about).encode(), np.uint8)
    np.savez(
        packed, allow_pickle=False, about=text, **dict(arrays)
    )  # not compressed: all files are equally large
    most = most_epochs(packed.tell(), room)
    if most < FEWEST:
        raise ValueError(f"an epoch would take {packed.tell():,} bytes")

    place, folder = files_place(), run_folder(run)
    digits = sha256(packed.getbuffer()).hexdigest()[:_DIGITS]
    name = f"{folder}/{kind}-{run.attempt}-{epoch}-{digits}.npz"
    place.write(name, lambda path: _fill(path, packed))
    files = [file for file in _files(run) if file.kind == kind and file.attempt <= run.attempt]
    kept = thinned((file.epoch for file in files if file.epoch <= epoch), most)
    place.remove(
        folder,
        [
            file.name
            for file in files
            if file.epoch not in kept or (file.attempt < run.attempt and file.epoch >= epoch)
        ],
    )


def _fill(path: Path, packed: io.BytesIO) -> None:
    path.write_bytes(packed.getbuffer())


def forget_trail(run: Run, after: int | None) -> None:
    """Remove what this attempt and earlier ones have kept of later epochs, and half files.

    `after`: the epoch that the run goes on from; None: it begins, and everything goes.
    """
    files = [
        file.name
        for file in _files(run)
        if file.attempt <= run.attempt
        and (after is None or file.epoch > after or not file.is_whole)
    ]
    files_place().remove(run_folder(run), files)

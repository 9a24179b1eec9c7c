"""python -m core inside"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from core.cli.flags import (
    NetworkFlags,
    RunFlags,
    RunNumber,
    command,
    given_network_flags,
)
from core.cli.runs import check_writable
from core.cli.writing import say
from core.data.catalogue import DatasetInfo, find_dataset
from core.inside.weights import Weights
from core.jobs.run_weights import BEST, WHICH, run_weights
from core.report.names import inside_file_name, run_facts, safe_name
from core.specs import MAX_SEED, LabError, check_whole, shown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_TABLE, _PICTURE, _ARRAYS, _ONNX, _CODE = "csv", "png", "npz", "onnx", "safetensors"
_TEXT = "text"  # of one number
_ENDINGS = {_CODE: "zip", _TEXT: "txt"}  # of files; others end as the format is called


@dataclass(frozen=True)
class Subject:
    """A network with its parameters, in words too."""

    weights: Weights
    data: DatasetInfo
    name: str  # what files about it begin with
    facts: tuple[tuple[str, str], ...]


@command("inside", "what a network makes of one image, and the network to take along")
@click.argument("run", type=RunNumber(), metavar="[RUN]", required=False)
@given_network_flags
@click.option("--seed", type=int, metavar="N", help="of the parameters of --network; default: 0")
@click.option(
    "--which", type=click.Choice(WHICH), default=BEST, help="which of the run's parameters"
)
@click.option(
    "--dataset", show_default="the run's, or fashion-mini", help="whose test images there are"
)
@click.option("--image", type=int, default=0, metavar="N", help="number of the test image")
@click.option(
    "--file", type=click.Path(path_type=Path), metavar="FILE", help="a PNG or JPEG of yours instead"
)
@click.option("--inverted", is_flag=True, help="black becomes white in --file")
@click.option("--layer", default="", metavar="PATH", show_default="all", help="as `analyze` lists")
@click.option(
    "--unit",
    default="",
    metavar="C,Y,X",
    show_default="none",
    help="one number of --layer, explained: its channel, row and column, counted from 0",
)
@click.option(
    "--format",
    "output",
    type=click.Choice((_TABLE, _PICTURE, _ARRAYS, _ONNX, _CODE, _TEXT)),
    default=_TABLE,
    show_default="csv; text with --unit",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    show_default="standard output for csv, else a file here",
)
def inside(
    run: int | None,
    network: NetworkFlags,
    seed: int | None,
    which: str,
    dataset: str | None,
    image: int,
    file: Path | None,
    inverted: bool,
    layer: str,
    unit: str,
    output: str,
    out: Path | None,
) -> int:
    """What each layer of a network makes of one image; or the network itself, to take along.

    csv: with --layer each of its numbers, without one a line for every layer. png: all channels
    of --layer on one scale. npz: the numbers of --layer, or of every layer. onnx, safetensors:
    the network with its parameters, the second as a zip with the code. With --unit: what that one
    number was computed from, as text or, with --format csv, every term.

    The network is that of RUN, or --network NAME as initialized.
    """
    if run and (network != NetworkFlags("") or seed is not None):
        raise LabError("A run has its own network and seed: leave out --network and its flags.")
    if unit and _is_default("output"):
        output = _TEXT
    _check_used(run, file, output)
    _check_unit(unit, layer, output)
    subject = subject_of_run(run, which, dataset) if run else _of_flags(network, seed, dataset)
    if output in (_ONNX, _CODE):
        data, about = _network_file(subject, output), ""
    else:
        pixels = pixels_of(subject, image, file, inverted)
        about = "own-picture" if file else f"image{image}"
        if unit:
            data = _explained(subject, pixels, layer, _place(unit), output)
        else:
            data = _file_of_image(subject, pixels, layer, output, about)
    if output in (_TABLE, _TEXT) and out is None:
        sys.stdout.write(data.decode())
        return 0
    ending = _ENDINGS.get(output, output)
    path = out or Path(f"{safe_name(subject.name, about, layer)}.{ending}")
    check_writable(path, "--out")
    path.write_bytes(data)
    say(f"{len(data):,} bytes are in {path}.")
    return 0


def _is_default(parameter: str) -> bool:
    """Whether nobody gave this flag."""
    source = click.get_current_context().get_parameter_source(parameter)
    return source is click.core.ParameterSource.DEFAULT


def _check_used(run: int | None, file: Path | None, output: str) -> None:
    """Raise LabError for a flag that would change nothing."""
    is_network = output in (_ONNX, _CODE)
    for parameter, is_used, says in (
        ("which", run, "is of a run's parameters; give the number of a RUN"),
        ("inverted", file, "turns the picture of --file; give that too"),
        ("image", not file, "is a test image, --file a picture instead of it; give one of both"),
        ("image", not is_network, f"changes nothing in {output}, which has the network alone"),
        ("file", not is_network, f"changes nothing in {output}, which has the network alone"),
        ("layer", not is_network, f"changes nothing in {output}, which has the network alone"),
    ):
        if not is_used and not _is_default(parameter):
            raise LabError(f"--{parameter} {says}.")


def _check_unit(unit: str, layer: str, output: str) -> None:
    """Raise LabError for flags that do not go together."""
    if output == _TEXT and not unit:
        raise LabError("Text explains one number: name it with --unit channel,row,column.")
    if unit and not layer:
        raise LabError("--unit is a number of a layer: name that with --layer.")
    if unit and output not in (_TABLE, _TEXT):
        raise LabError("One number of --unit is explained as text or csv; choose that --format.")


def _place(unit: str) -> tuple[int, int, int]:
    """`3,0,11`, or `3` of a vector. Raises LabError for anything else."""
    parts = unit.split(",")
    if len(parts) not in (1, 3) or not all(
        part.isascii() and part.isdigit() and len(part) < 10 for part in parts
    ):
        raise LabError(
            f"--unit is channel,row,column, counted from 0, such as 3,0,11; not {shown(unit)}."
        )
    channel, row, column = (*map(int, parts), 0, 0)[:3]
    return channel, row, column


def subject_of_run(run_id: int, which: str, dataset: str | None) -> Subject:
    """Raises LabError where there is no such run, or its parameters are not here."""
    from core.jobs.store import open_store

    run = open_store().get(run_id)
    weights, data = run_weights(run, which), find_dataset(dataset or run.spec.dataset)
    name = inside_file_name(weights, run, which)
    return Subject(weights, data, name, run_facts(run, which))


def _of_flags(network: NetworkFlags, seed: int | None, dataset: str | None) -> Subject:
    if not network.arch:
        raise LabError("Whose inside? Give the number of a RUN, or --network NAME.")
    seed = 0 if seed is None else seed
    check_whole("seed", seed, 0, MAX_SEED)
    spec, data = network.model_spec(), find_dataset(dataset or RunFlags.dataset)
    weights = Weights(spec, seed=seed, mean=data.mean, std=data.std)
    return Subject(weights, data, inside_file_name(weights, None, "initial"), ())


def pixels_of(subject: Subject, image: int, file: Path | None, inverted: bool) -> NDArray[np.uint8]:
    """The picture of the file, or the test image. Raises LabError where there is none."""
    from core.data.arrays import read_arrays
    from core.inside.picture import MOST_BYTES, read_picture

    if file is not None:
        height, width = subject.weights.spec.sides
        data = _read(file, MOST_BYTES + 1)
        return read_picture(data, subject.data.channels, inverted, width / height)
    images, _ = read_arrays(subject.data.name, "test")
    check_whole("image", image, 0, len(images) - 1)
    pixels: NDArray[np.uint8] = images[image]
    return pixels


def _read(file: Path, most: int) -> bytes:
    """The file's first bytes, `most` of them. Raises LabError where it cannot be read."""
    try:
        with file.open("rb") as opened:
            return opened.read(most)
    except OSError as error:
        raise LabError(
            f"{file} cannot be read ({error.strerror or error}); choose another file for --file."
        ) from error


def _network_file(subject: Subject, output: str) -> bytes:
    from core.inside.export import onnx_file, safetensors_zip

    make = onnx_file if output == _ONNX else safetensors_zip
    return make(subject.weights, subject.facts)


def _file_of_image(
    subject: Subject, pixels: NDArray[np.uint8], layer: str, output: str, image: str
) -> bytes:
    """What layers make of the image. Raises LabError for an unknown layer."""
    from core.inside.arrays import arrays_npz, layer_values, summaries
    from core.report.picture.all_channels import channels_png
    from core.report.tables.csv import to_csv
    from core.report.tables.layer_values import summary_frame, values_frame

    weights = subject.weights
    if output == _ARRAYS:
        return arrays_npz(weights, pixels, layer)
    if output == _TABLE and not layer:
        return to_csv(summary_frame(summaries(weights, pixels), subject.name, image)).encode()
    if not layer:
        raise LabError("A picture shows one layer: name it with --layer, as `inside RUN` lists.")
    values = layer_values(weights, pixels, layer)
    if output == _PICTURE:
        return channels_png(values)
    return to_csv(values_frame(layer, values)).encode()


def _explained(
    subject: Subject,
    pixels: NDArray[np.uint8],
    layer: str,
    place: tuple[int, int, int],
    output: str,
) -> bytes:
    """One number and what it was computed from. Raises LabError where there is none."""
    from core.inside.arrays import layer_values
    from core.inside.number import explain
    from core.report.number import number_text
    from core.report.tables.csv import to_csv
    from core.report.tables.number import number_frame

    layer_values(subject.weights, pixels, layer)  # names near layers where there is none
    explanation = explain(subject.weights, pixels, layer, *place)
    if output == _TABLE:
        return to_csv(number_frame(explanation)).encode()
    return number_text(explanation).encode()

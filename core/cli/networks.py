"""python -m core list | analyze"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from core.analysis import Analysis, LayerCost
from core.analysis import analyze as analyze_network
from core.analysis.broken_off import ForwardError
from core.cli.flags import NetworkFlags, command, network_flags, output_option
from core.cli.weights import write_weights
from core.cli.writing import cell, say, write_csv, write_json, write_table
from core.specs import MAX_BATCH_SIZE, LabError, check_whole
from core.zoo.architecture import Architecture, Option
from core.zoo.catalogue import CATALOGUE

_LAYER_COLUMNS = [
    "layer",
    "operation",
    "input_shape",
    "output_shape",
    "params",
    "macs",
    "elementwise_ops",
    "output_bytes",
    "saved_bytes",
    "receptive_field",
]


@command("list", "every network, with its defaults and options")
@output_option
def list_networks(output: str) -> int:
    """Every network of the catalogue, with its defaults and options."""
    rows = [_network_row(architecture) for architecture in CATALOGUE.values()]
    if output == "json":
        write_json(rows)
        return 0
    import pandas as pd

    texts = {
        "options": [_options_text(architecture.options) for architecture in CATALOGUE.values()]
    }
    frame = pd.DataFrame(rows).assign(**texts)
    if output == "csv":
        write_csv(frame)
    else:
        write_table(frame.drop(columns=["config", "ratio"]))
    return 0


def _network_row(architecture: Architecture) -> dict[str, Any]:
    """One network as plain values."""
    default = architecture.default
    return {
        "name": architecture.name,
        "title": architecture.title,
        "family": architecture.family,
        "year": architecture.year,
        "config": architecture.config,
        "ratio": default.ratio,
        "image_size": default.image_size,
        "in_channels": default.in_channels,
        "num_classes": default.num_classes,
        "source": architecture.source,
        "options": [_option_row(option) for option in architecture.options],
    }


def _option_row(option: Option) -> dict[str, Any]:
    """One option as plain values; `values` says what it takes."""
    return {
        "name": option.name,
        "title": option.title,
        "help": option.help,
        "default": option.default,
        "values": _option_values(option),
    }


def _option_values(option: Option) -> list[str] | str:
    """The values to choose from, or what a value looks like."""
    if option.choices:
        return [value for value, _ in option.choices]
    if isinstance(option.default, bool):
        return ["false", "true"]
    if isinstance(option.default, int | float):
        return f"{option.minimum:g} to {option.maximum:g}"
    return f"text like {option.default}"


def _options_text(options: Iterable[Option]) -> str:
    """`shortcut=identity (identity, conv, none)`: each default, and what else there is."""
    texts = []
    for option in options:
        values = _option_values(option)
        default = str(option.default)
        if isinstance(option.default, bool):
            default = default.lower()
        if isinstance(values, list):
            values = ", ".join(values)
        texts.append(f"{option.name}={default} ({values})")
    return "; ".join(texts)


@command("analyze", "what every layer of a network costs")
@network_flags(arch="", shown="none, where --weights is given")
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="what a safetensors file holds, instead of a network",
)
@click.option("--batch-size", type=int, default=1, metavar="N")
@click.option(
    "--level",
    type=click.Choice(("block", "weight-layer", "module")),
    default="module",
    help="a row for each block, each layer with weights, or every module and functional operation",
)
@output_option
def analyze(
    network: NetworkFlags, weights: Path | None, batch_size: int, level: str, output: str
) -> int:
    """Shapes, parameters, MACs and bytes of every layer.

    Shapes are (N, C, H, W) with N the batch size; MACs, FLOPs, element-wise operations and the
    bytes of a layer are per image; training_bytes is the peak of a training step with the whole
    batch.

    With --weights, the tensors of a file instead: their shapes, numbers and bytes, also those of
    buffers; by block a row for the first part of their names, by weight layer for all but the last.
    """
    if weights:
        if network != NetworkFlags(""):
            raise LabError(
                "--weights reads a file without its network: leave out ARCH and its flags."
            )
        return write_weights(weights, level, output)
    if not network.arch:
        raise click.MissingParameter(param_hint="'ARCH'", param_type="argument")
    from core.report.sentences.broken_off import how_far
    from core.report.tables.layers import layer_frame

    check_whole("batch_size", batch_size, 1, MAX_BATCH_SIZE)
    level = level.replace("-", " ")
    try:
        analysis = analyze_network(network.model_spec())
    except ForwardError as error:
        if output == "table" and error.partial.layers:
            write_table(layer_frame(error.partial, level)[_LAYER_COLUMNS])
            say(f"As far as it ran: {how_far(error)}")
        raise
    if output == "json":
        write_json(_analysis_json(analysis, level, batch_size))
        return 0
    for warning in analysis.warnings:
        say(f"Warning: {warning}")
    frame = layer_frame(analysis, level, batch_size=batch_size)
    if output == "csv":
        write_csv(frame)
        return 0
    write_table(frame[_LAYER_COLUMNS])
    print()
    for name, value in _totals_json(analysis, batch_size).items():
        print(f"{name:<16} {cell(name, value):>16}")
    return 0


def _analysis_json(analysis: Analysis, level: str, batch_size: int) -> dict[str, Any]:
    """The whole analysis as plain values."""
    return {
        "spec": analysis.spec.to_dict(),
        "totals": _totals_json(analysis, batch_size),
        "layers": [_layer_json(layer, batch_size) for layer in analysis.rows(level)],
        "warnings": list(analysis.warnings),
    }


def _totals_json(analysis: Analysis, batch_size: int) -> dict[str, Any]:
    """The totals, and the memory that a training step with such a batch takes at its peak."""
    return asdict(analysis.totals) | {
        "batch_size": batch_size,
        "training_bytes": analysis.training_bytes(batch_size),
        "inference_bytes": analysis.inference_bytes(batch_size),
    }


def _layer_json(layer: LayerCost, batch_size: int) -> dict[str, Any]:
    """Every field of the row and its FLOPs; shapes with N = `batch_size`."""
    shapes = {
        name: [batch_size * sizes[0], *sizes[1:]] if sizes else []
        for name, sizes in (
            ("input_shape", layer.input_shape),
            ("output_shape", layer.output_shape),
        )
    }
    return asdict(layer) | shapes | {"flops": layer.flops}

"""python -m core list | analyze"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from core.cli.writing import cell, say, write_csv, write_json, write_table
from core.specs import MAX_BATCH_SIZE, LabError, ModelSpec, check_whole

if TYPE_CHECKING:
    from core.analysis import Analysis, LayerCost
    from core.zoo.architecture import Architecture, Option

LAYER_COLUMNS = [
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


def list_networks(arguments: Namespace) -> int:
    """python -m core list"""
    from core.zoo.catalogue import CATALOGUE

    rows = [network_row(architecture) for architecture in CATALOGUE.values()]
    if arguments.format == "json":
        write_json(rows)
        return 0
    import pandas as pd

    texts = {"options": [options_text(row.options) for row in CATALOGUE.values()]}
    frame = pd.DataFrame(rows).assign(**texts)
    if arguments.format == "csv":
        write_csv(frame)
    else:
        write_table(frame.drop(columns=["config", "ratio"]))
    return 0


def network_row(architecture: Architecture) -> dict[str, Any]:
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
        "options": [option_row(option) for option in architecture.options],
    }


def option_row(option: Option) -> dict[str, Any]:
    """One option as plain values; `values` says what it takes."""
    return {
        "name": option.name,
        "title": option.title,
        "help": option.help,
        "default": option.default,
        "values": option_values(option),
    }


def option_values(option: Option) -> list[str] | str:
    """The values to choose from, or what a value looks like."""
    if option.choices:
        return [value for value, _ in option.choices]
    if isinstance(option.default, bool):
        return ["false", "true"]
    if isinstance(option.default, int):
        return f"{option.minimum} to {option.maximum}"
    return f"text like {option.default}"


def options_text(options: Iterable[Option]) -> str:
    """`shortcut=identity (identity, conv, none)`: each default, and what else there is."""
    shown = []
    for option in options:
        values = option_values(option)
        default = str(option.default)
        if isinstance(option.default, bool):
            default = default.lower()
        text = ", ".join(values) if isinstance(values, list) else values
        shown.append(f"{option.name}={default} ({text})")
    return "; ".join(shown)


def network_spec(arguments: Namespace) -> ModelSpec:
    """The network that the flags describe, every option filled in. Raises LabError."""
    from core.zoo.catalogue import complete, find

    default = find(arguments.arch).default
    given = {
        "ratio": arguments.ratio,
        "image_size": arguments.size,
        "in_channels": arguments.in_channels,
        "num_classes": arguments.classes,
    }
    chosen = [read_option(text) for text in arguments.option]
    kept = [pair for pair in default.options if pair[0] not in dict(chosen)]
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    return complete(replace(default, **changes, options=(*kept, *chosen)))


def read_option(text: str) -> tuple[str, str]:
    """NAME=VALUE as a pair. Raises LabError."""
    name, equals, value = text.partition("=")
    if not name.strip() or not equals:
        raise LabError(f"An option is given as NAME=VALUE, like shortcut=conv, not {text!r}.")
    return name.strip(), value.strip()


def analyze(arguments: Namespace) -> int:
    """python -m core analyze"""
    from core.analysis import analyze as analyze_network
    from core.report.tables.layers import layer_frame

    batch_size = arguments.batch_size
    check_whole("batch_size", batch_size, 1, MAX_BATCH_SIZE)
    level = arguments.level.replace("-", " ")
    analysis = analyze_network(network_spec(arguments))
    if arguments.format == "json":
        write_json(analysis_json(analysis, level, batch_size))
        return 0
    for warning in analysis.warnings:
        say(f"Warning: {warning}")
    frame = layer_frame(analysis, level, batch_size=batch_size)
    if arguments.format == "csv":
        write_csv(frame)
        return 0
    write_table(frame[LAYER_COLUMNS])
    print()
    for name, value in totals_json(analysis, batch_size).items():
        print(f"{name:<16} {cell(name, value):>16}")
    return 0


def analysis_json(analysis: Analysis, level: str, batch_size: int) -> dict[str, Any]:
    """Everything that was found, as plain values."""
    return {
        "spec": analysis.spec.to_dict(),
        "totals": totals_json(analysis, batch_size),
        "layers": [layer_json(layer, batch_size) for layer in analysis.rows(level)],
        "warnings": list(analysis.warnings),
    }


def totals_json(analysis: Analysis, batch_size: int) -> dict[str, Any]:
    """The totals, and the memory that a training step with such a batch takes at its peak."""
    return asdict(analysis.totals) | {
        "batch_size": batch_size,
        "training_bytes": analysis.training_bytes(batch_size),
        "inference_bytes": analysis.inference_bytes(batch_size),
    }


def layer_json(layer: LayerCost, batch_size: int) -> dict[str, Any]:
    """Every field of the row and its FLOPs; shapes with N = `batch_size`."""
    shapes = {
        name: [batch_size * sizes[0], *sizes[1:]] if sizes else []
        for name, sizes in (
            ("input_shape", layer.input_shape),
            ("output_shape", layer.output_shape),
        )
    }
    return asdict(layer) | shapes | {"flops": layer.flops}

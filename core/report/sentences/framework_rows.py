"""How the rows that the frameworks print for one network correspond, in words."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from core.analysis.records import Analysis, LayerCost
from core.explain.framework_rows import (
    FrameworkRows,
    KerasPadding,
    PrintedRow,
    framework_rows,
    keras_paddings,
)
from core.report import formats


def rows_sentences(analysis: Analysis) -> list[str]:
    """How many rows each framework prints and why; then Keras's padding, and its last activation.

    Raises LabError for a network whose rows are not known.
    """
    rows = framework_rows(analysis)
    sentences = [_counts(analysis, rows), padding_sentence(analysis)]
    return [*sentences, _sigmoid(analysis)] if rows.has_blocks else sentences


def _counts(analysis: Analysis, rows: FrameworkRows) -> str:
    """The numbers of rows, each with what a row is there."""
    blocks, weights = analysis.rows("block"), analysis.rows("weight layer")
    keras = f"{len(rows.keras)}, as N×H×W×C"
    if rows.has_blocks:
        keras += f": {len(rows.keras) - 1} blocks and its head as one Sequential"
    return (
        f"{len(blocks)} rows here are blocks. MXNet prints {len(rows.mxnet)},"
        f" {names_of(rows.mxnet)}: Flatten is inside Dense, an activation inside its layer"
        f"{first_dense(analysis, rows)}. Keras prints"
        f" {keras}. {len(weights)} layers have weights: {_kinds(weights)}{_inside(rows)}."
        f" {len(analysis.layers)} modules run; PyTorch's chapter prints {len(rows.pytorch)} rows,"
        f" {'with every module of the head' if rows.has_blocks else 'one for each'}."
    )


def names_of(rows: Sequence[PrintedRow]) -> str:
    """`sequential1 to sequential5, dense0, dropout0, dense1`."""
    runs = groupby(rows, key=lambda row: row.name.rstrip("0123456789"))
    names = []
    for _, run in runs:
        of_run = [row.name for row in run]
        names += [f"{of_run[0]} to {of_run[-1]}"] if len(of_run) > 2 else of_run
    return ", ".join(names)


def first_dense(analysis: Analysis, rows: FrameworkRows) -> str:
    """What the first dense layer, counted from 0 there, is called here."""
    dense = next((row for row in rows.mxnet if row.name == "dense0"), None)
    linear = next((layer for layer in analysis.layers if layer.operation == "Linear"), None)
    if dense is None or linear is None or linear.block == dense.name:
        return ""
    return f"; its {dense.name} is {linear.block} here"


def _kinds(weights: Sequence[LayerCost]) -> str:
    """`8 convolutions and 3 linear layers`."""
    kinds = [row.kind for row in weights]
    return " and ".join(
        f"{kinds.count(kind)} {name}{'' if kinds.count(kind) == 1 else 's'}"
        for kind, name in (("convolution", "convolution"), ("linear", "linear layer"))
        if kind in kinds
    )


def _inside(rows: FrameworkRows) -> str:
    """How many convolutions have no row of their own in any print."""
    blocks = [row for row in rows.pytorch if row.name == "Sequential"]
    further = [(len(row.paths) - 1) // 2 - 1 for row in blocks]  # besides pool and activations
    if not any(further):
        return ""
    where = [str(number) for number, count in enumerate(further, start=1) if count]
    count, last = sum(further), where.pop()
    return (
        f"; {count} of them {'stands' if count == 1 else 'stand'} behind another one inside"
        f" block{'s ' + ', '.join(where) + ' and' if where else ''} {last}, without a row of"
        f" {'its' if count == 1 else 'their'} own"
    )


def padding_sentence(analysis: Analysis) -> str:
    """What Keras's `same` padding would change."""
    convolutions = keras_paddings(analysis)
    others = [one for one in convolutions if one.sides != one.same]
    if not others:
        all_of = f"all {len(convolutions)}" if len(convolutions) > 1 else "the"
        which = f"{all_of} convolution{'s' if len(convolutions) > 1 else ''}"
        return f"Keras's padding “same” gives the shapes of {which}: it changes none."
    changed = "; ".join(map(_not_same, others))
    return (
        f"Keras's padding “same” gives the shapes of {len(convolutions) - len(others)} of the"
        f" {len(convolutions)} convolutions; {changed}."
    )


def _not_same(convolution: KerasPadding) -> str:
    """A convolution that `same` does not fit, and whether `valid` does."""
    here = formats.sides(convolution.sides)
    fits = convolution.valid == convolution.sides
    instead = f"“valid”, without padding, gives {here}" if fits else f"“valid” is not {here} either"
    return f"with it {convolution.path} would give {formats.sides(convolution.same)}, {instead}"


def _sigmoid(analysis: Analysis) -> str:
    """Whether the network has the last activation of Keras's version."""
    if analysis.layers[-1].operation == "Sigmoid":
        return (
            "It ends in a sigmoid, as Keras's version does: inside the last Dense there, with"
            " neither a row nor another shape."
        )
    return (
        "Keras's version also ends in a sigmoid, inside its last Dense: no row and no shape is"
        " another for it. “Your own VGG” with last activation “sigmoid” builds that."
    )

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
from core.language import _, comma, listed, ngettext, paragraph, semicolon
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
    return paragraph(
        _("{blocks} rows here are blocks.", blocks=len(blocks)),
        _(
            "MXNet prints {rows}, {names}: Flatten is inside Dense, an activation inside its"
            " layer{first_dense}.",
            rows=len(rows.mxnet),
            names=names_of(rows.mxnet),
            first_dense=first_dense(analysis, rows),
        ),
        _(
            "Keras prints {rows}, as N×H×W×C: {blocks} blocks and its head as one Sequential.",
            rows=len(rows.keras),
            blocks=len(rows.keras) - 1,
        )
        if rows.has_blocks
        else _("Keras prints {rows}, as N×H×W×C.", rows=len(rows.keras)),
        _weights(weights, rows),
        _(
            "{modules} modules run; PyTorch's chapter prints {rows} rows, with every module of the"
            " head.",
            modules=len(analysis.layers),
            rows=len(rows.pytorch),
        )
        if rows.has_blocks
        else _(
            "{modules} modules run; PyTorch's chapter prints {rows} rows, one for each.",
            modules=len(analysis.layers),
            rows=len(rows.pytorch),
        ),
    )


def names_of(rows: Sequence[PrintedRow]) -> str:
    """`sequential1 to sequential5, dense0, dropout0, dense1`."""
    runs = groupby(rows, key=lambda row: row.name.rstrip("0123456789"))
    names = []
    for _name, run in runs:
        of_run = [row.name for row in run]
        if len(of_run) > 2:
            of_run = [_("{first} to {last}", first=of_run[0], last=of_run[-1])]
        names += of_run
    return comma().join(names)


def first_dense(analysis: Analysis, rows: FrameworkRows) -> str:
    """A clause: what the first dense layer, counted from 0 there, is called here."""
    dense = next((row for row in rows.mxnet if row.name == "dense0"), None)
    linear = next((layer for layer in analysis.layers if layer.operation == "Linear"), None)
    if dense is None or linear is None or linear.block == dense.name:
        return ""
    return _("; its {dense} is {block} here", dense=dense.name, block=linear.block)


def _weights(weights: Sequence[LayerCost], rows: FrameworkRows) -> str:
    """How many layers have weights, and where they have no row of their own."""
    layers, kinds, inside = len(weights), _kinds(weights), _inside(rows)
    if not inside:
        return _("{layers} layers have weights: {kinds}.", layers=layers, kinds=kinds)
    return _(
        "{layers} layers have weights: {kinds}; {inside}.",
        layers=layers,
        kinds=kinds,
        inside=inside,
    )


def _kinds(weights: Sequence[LayerCost]) -> str:
    """`8 convolutions and 3 linear layers`."""
    kinds = [row.kind for row in weights]
    told = []
    if count := kinds.count("convolution"):
        told.append(ngettext("{number} convolution", "{number} convolutions", count))
    if count := kinds.count("linear"):
        told.append(ngettext("{number} linear layer", "{number} linear layers", count))
    return listed(told)


def _inside(rows: FrameworkRows) -> str:
    """How many convolutions have no row of their own in any print."""
    blocks = [row for row in rows.pytorch if row.name == "Sequential"]
    further = [(len(row.paths) - 1) // 2 - 1 for row in blocks]  # besides pool and activations
    if not any(further):
        return ""
    where = [str(number) for number, count in enumerate(further, start=1) if count]
    if len(where) > 1:
        return _(
            "{count} of them stand behind another one inside blocks {blocks}, without a row of"
            " their own",
            count=sum(further),
            blocks=listed(where),
        )
    return ngettext(
        "{number} of them stands behind another one inside block {block}, without a row of its own",
        "{number} of them stand behind another one inside block {block}, without a row of their"
        " own",
        sum(further),
        block=where[0],
    )


def padding_sentence(analysis: Analysis) -> str:
    """What Keras's `same` padding would change."""
    convolutions = keras_paddings(analysis)
    others = [one for one in convolutions if one.sides != one.same]
    if not others:
        if len(convolutions) == 1:
            return _("Keras's padding “same” gives the shapes of the convolution: it changes none.")
        return _(
            "Keras's padding “same” gives the shapes of all {count} convolutions: it changes none.",
            count=len(convolutions),
        )
    return _(
        "Keras's padding “same” gives the shapes of {count} of the {all} convolutions; {changed}.",
        count=len(convolutions) - len(others),
        all=len(convolutions),
        changed=semicolon().join(map(_not_same, others)),
    )


def _not_same(convolution: KerasPadding) -> str:
    """A convolution that `same` does not fit, and whether `valid` does."""
    values = {
        "path": convolution.path,
        "same": formats.sides(convolution.same),
        "here": formats.sides(convolution.sides),
    }
    if convolution.valid == convolution.sides:
        return _(
            "with it {path} would give {same}, “valid”, without padding, gives {here}", **values
        )
    return _("with it {path} would give {same}, “valid” is not {here} either", **values)


def _sigmoid(analysis: Analysis) -> str:
    """Whether the network has the last activation of Keras's version."""
    if analysis.layers[-1].operation == "Sigmoid":
        return _(
            "It ends in a sigmoid, as Keras's version does: inside the last Dense there, with"
            " neither a row nor another shape."
        )
    return _(
        "Keras's version also ends in a sigmoid, inside its last Dense: no row and no shape is"
        " another for it. “Your own VGG” with last activation “sigmoid” builds that."
    )

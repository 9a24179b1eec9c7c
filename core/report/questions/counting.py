"""Questions about rows, parameters and multiply-adds. Imports no torch."""

from __future__ import annotations

from core.analysis.records import Analysis
from core.explain.calculators import Bottleneck, StackedAgainstLarge
from core.explain.framework_rows import framework_rows
from core.report import formats
from core.report.questions.networks import (
    ALEXNET,
    VGG,
    VGG11,
    VGG16,
    VGG19,
    largest_layer,
    of_kind,
    weight_layers,
)
from core.report.questions.question import Evidence, Question
from core.report.sentences.equal_cost import equal_cost_sentence
from core.report.sentences.framework_rows import first_dense, names_of, padding_sentence


def _rows(evidence: Evidence) -> str:
    analysis = evidence.analysis_of(VGG11)
    blocks, layers = analysis.rows("block"), analysis.rows("weight layer")
    return (
        f"The {len(blocks)} rows are blocks. {len(layers)} layers have weights,"
        f" {weight_layers(analysis)}; with ReLU, pooling, dropout and flatten"
        f" {len(analysis.layers)} modules run."
    )


def _where_parameters_sit(evidence: Evidence) -> str:
    analysis = evidence.analysis_of(VGG11)
    largest = largest_layer(analysis)
    share = largest.params / analysis.totals.params
    return (
        f"{formats.percent(share)} of the {formats.short(analysis.totals.params)} are in"
        f" {largest.path}, {' × '.join(f'{side:,}' for side in reversed(largest.weight_shape))};"
        f" {_convolutions(analysis)}."
    )


def _convolutions(analysis: Analysis) -> str:
    found = of_kind(analysis, "convolution")
    params = sum(layer.params for layer in found) / analysis.totals.params
    macs = sum(layer.macs for layer in found) / analysis.totals.macs
    return (
        f"the {len(found)} convolutions hold {formats.percent(params)} of them and do"
        f" {formats.percent(macs)} of the multiply-adds"
    )


def _alexnet_and_vgg(evidence: Evidence) -> str:
    small, large = (evidence.analysis_of(spec).totals for spec in (ALEXNET, VGG11))
    return (
        f"VGG-11 has {large.params / small.params:.1f} times AlexNet's parameters, but"
        f" {large.macs / small.macs:.1f} times its multiply-adds and keeps"
        f" {large.saved_bytes / small.saved_bytes:.1f} times the memory for the backward pass."
    )


def _vgg_family(evidence: Evidence) -> str:
    sixteen, nineteen = (evidence.analysis_of(spec) for spec in (VGG16, VGG19))
    return " ".join(
        f"{name}: {weight_layers(analysis)}, {formats.short(analysis.totals.params)} parameters,"
        f" {formats.short(analysis.totals.macs)} MACs."
        for name, analysis in (("VGG-16 (D)", sixteen), ("VGG-19 (E)", nineteen))
    )


def _equal_cost(evidence: Evidence) -> str:
    return f"Not quite. {equal_cost_sentence(evidence.analysis_of(VGG11).layers)}"


def _of_equal_cost(analysis: Analysis) -> list[str]:
    """The largest group of convolutions that take the same multiply-adds."""
    convolutions = of_kind(analysis, "convolution")
    macs = [layer.macs for layer in convolutions]
    return [layer.path for layer in convolutions if layer.macs == max(macs, key=macs.count)]


def _mxnet(evidence: Evidence) -> str:
    analysis = evidence.analysis_of(VGG11)
    rows = framework_rows(analysis)
    return (
        f"MXNet prints {len(rows.mxnet)} rows, {names_of(rows.mxnet)}"
        f"{first_dense(analysis, rows)}. Flatten is inside its Dense, an activation inside its"
        " layer, and sequential0 is the network itself."
    )


def _keras(evidence: Evidence) -> str:
    analysis = evidence.analysis_of(VGG11)
    rows = framework_rows(analysis)
    first = rows.keras[0].output_shape
    return (
        f"The same layers with the channels last: {formats.shape(first, 'NHWC')} is"
        f" {formats.shape(first)} here. It prints {len(rows.keras)} rows, the head as one"
        f" Sequential. {padding_sentence(analysis)}"
    )


def _bottleneck(evidence: Evidence) -> str:
    numbers = Bottleneck()
    return (
        f"Yes: {formats.short(numbers.direct.macs)} MACs directly,"
        f" {formats.short(numbers.macs)} through {numbers.middle_channels} channels,"
        f" {numbers.gain:.1f} times fewer; up to {numbers.break_even_channels} channels in the"
        " middle save any."
    )


def _stacked(evidence: Evidence) -> str:
    numbers = StackedAgainstLarge()
    return (
        f"Both see {numbers.large.receptive_field} pixels a side. Two 3×3 take"
        f" {numbers.large.macs / numbers.stacked.macs:.2f} times fewer MACs and parameters, but"
        f" keep {numbers.stacked.saved_maps} maps for the backward pass instead of"
        f" {numbers.large.saved_maps}."
    )


QUESTIONS = (
    Question(
        "rows",
        "Where are VGG-11's 11 layers, if 8 rows are printed?",
        _rows,
        "architecture",
        VGG | {"net_frameworks": "true"},
        words="29 modules 10 rows",
    ),
    Question(
        "mxnet-names",
        "What are MXNet's dense0 and its 10 rows?",
        _mxnet,
        "architecture",
        VGG | {"net_frameworks": "true"},
        words="names gluon sequential dropout",
    ),
    Question(
        "keras-shapes",
        "Keras prints other shapes: is it the same network?",
        _keras,
        "architecture",
        VGG | {"net_frameworks": "true"},
        words="NHWC N,H,W,C tensorflow same padding",
    ),
    Question(
        "parameters",
        "Where do VGG-11's parameters sit?",
        _where_parameters_sit,
        "architecture",
        VGG | {"net_view": "Cost", "net_level": "every module"},
        words="128 million weights",
        decisive=lambda analysis: [largest_layer(analysis).path],
    ),
    Question(
        "alexnet-vgg",
        "Why is VGG slower and bigger than AlexNet?",
        _alexnet_and_vgg,
        "compare",
        {"networks": f"{ALEXNET.to_text()}|{VGG11.to_text()}"},
        words="memory activations hand count",
    ),
    Question(
        "vgg-family",
        "How do I build VGG-16 and VGG-19 from table 1?",
        _vgg_family,
        "compare",
        {"networks": f"{VGG16.to_text()}|{VGG19.to_text()}"},
        words="configuration D E",
    ),
    Question(
        "equal-cost",
        "Are most convolutions of VGG equal in parameters and computation?",
        _equal_cost,
        "architecture",
        VGG | {"net_view": "Cost", "net_level": "by weight layer"},
        decisive=_of_equal_cost,
        words="halving height and width doubling channels",
    ),
    Question(
        "bottleneck",
        "Does a 1×1 convolution bring the computation to a tenth?",
        _bottleneck,
        "calculators",
        {"calc_tool": "1×1 bottleneck"},
        words="inception 192 32",
    ),
    Question(
        "stacked",
        "Two 3×3 convolutions for one 5×5: what is gained?",
        _stacked,
        "calculators",
        {"calc_tool": "Stacked 3×3"},
        words="backward pass hungrier three 7×7",
    ),
)

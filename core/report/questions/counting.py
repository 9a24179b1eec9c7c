"""Questions about rows, parameters and multiply-adds. Imports no torch."""

from __future__ import annotations

from core.analysis.records import Analysis
from core.explain.calculators import Bottleneck, StackedAgainstLarge
from core.explain.framework_rows import framework_rows
from core.language import N_, _, paragraph
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
    return _(
        "The {rows} rows are blocks. {layers} layers have weights, {kinds}; with ReLU, pooling,"
        " dropout and flatten {modules} modules run.",
        rows=len(blocks),
        layers=len(layers),
        kinds=weight_layers(analysis),
        modules=len(analysis.layers),
    )


def _where_parameters_sit(evidence: Evidence) -> str:
    analysis = evidence.analysis_of(VGG11)
    totals = analysis.totals
    largest, convolutions = largest_layer(analysis), of_kind(analysis, "convolution")
    return _(
        "{share} of the {all} are in {layer}, {shape}; the {convolutions} convolutions hold"
        " {params} of them and do {macs} of the multiply-adds.",
        share=formats.percent(largest.params / totals.params),
        all=formats.short(totals.params),
        layer=largest.path,
        shape=" × ".join(f"{side:,}" for side in reversed(largest.weight_shape)),
        convolutions=len(convolutions),
        params=formats.percent(sum(layer.params for layer in convolutions) / totals.params),
        macs=formats.percent(sum(layer.macs for layer in convolutions) / totals.macs),
    )


def _alexnet_and_vgg(evidence: Evidence) -> str:
    small, large = (evidence.analysis_of(spec).totals for spec in (ALEXNET, VGG11))
    return _(
        "VGG-11 has {params:.1f} times AlexNet's parameters, but {macs:.1f} times its multiply-adds"
        " and keeps {memory:.1f} times the memory for the backward pass.",
        params=large.params / small.params,
        macs=large.macs / small.macs,
        memory=large.saved_bytes / small.saved_bytes,
    )


def _vgg_family(evidence: Evidence) -> str:
    sixteen, nineteen = (evidence.analysis_of(spec) for spec in (VGG16, VGG19))
    return paragraph(
        *(
            _(
                "{network}: {layers}, {params} parameters, {macs} MACs.",
                network=name,
                layers=weight_layers(analysis),
                params=formats.short(analysis.totals.params),
                macs=formats.short(analysis.totals.macs),
            )
            for name, analysis in (("VGG-16 (D)", sixteen), ("VGG-19 (E)", nineteen))
        )
    )


def _equal_cost(evidence: Evidence) -> str:
    return paragraph(_("Not quite."), equal_cost_sentence(evidence.analysis_of(VGG11).layers))


def _of_equal_cost(analysis: Analysis) -> list[str]:
    """The largest group of convolutions that take the same multiply-adds."""
    convolutions = of_kind(analysis, "convolution")
    macs = [layer.macs for layer in convolutions]
    return [layer.path for layer in convolutions if layer.macs == max(macs, key=macs.count)]


def _mxnet(evidence: Evidence) -> str:
    analysis = evidence.analysis_of(VGG11)
    rows = framework_rows(analysis)
    return _(
        "MXNet prints {rows} rows, {names}{first_dense}. Flatten is inside its Dense, an activation"
        " inside its layer, and sequential0 is the network itself.",
        rows=len(rows.mxnet),
        names=names_of(rows.mxnet),
        first_dense=first_dense(analysis, rows),
    )


def _keras(evidence: Evidence) -> str:
    analysis = evidence.analysis_of(VGG11)
    rows = framework_rows(analysis)
    first = rows.keras[0].output_shape
    return paragraph(
        _(
            "The same layers with the channels last: {theirs} is {ours} here. It prints {rows}"
            " rows, the head as one Sequential.",
            theirs=formats.shape(first, "NHWC"),
            ours=formats.shape(first),
            rows=len(rows.keras),
        ),
        padding_sentence(analysis),
    )


def _bottleneck(evidence: Evidence) -> str:
    numbers = Bottleneck()
    return _(
        "Yes: {direct} MACs directly, {through} through {channels} channels, {gain:.1f} times"
        " fewer; up to {most} channels in the middle save any.",
        direct=formats.short(numbers.direct.macs),
        through=formats.short(numbers.macs),
        channels=numbers.middle_channels,
        gain=numbers.gain,
        most=numbers.break_even_channels,
    )


def _stacked(evidence: Evidence) -> str:
    numbers = StackedAgainstLarge()
    return _(
        "Both see {side} pixels a side. Two 3×3 take {gain:.2f} times fewer MACs and parameters,"
        " but keep {stacked} maps for the backward pass instead of {large}.",
        side=numbers.large.receptive_field,
        gain=numbers.large.macs / numbers.stacked.macs,
        stacked=numbers.stacked.saved_maps,
        large=numbers.large.saved_maps,
    )


QUESTIONS = (
    Question(
        "rows",
        N_("Where are VGG-11's 11 layers, if 8 rows are printed?"),
        _rows,
        "architecture",
        VGG | {"net_frameworks": "true"},
        words=N_("29 modules 10 rows"),
    ),
    Question(
        "mxnet-names",
        N_("What are MXNet's dense0 and its 10 rows?"),
        _mxnet,
        "architecture",
        VGG | {"net_frameworks": "true"},
        words=N_("names gluon sequential dropout"),
    ),
    Question(
        "keras-shapes",
        N_("Keras prints other shapes: is it the same network?"),
        _keras,
        "architecture",
        VGG | {"net_frameworks": "true"},
        words=N_("NHWC N,H,W,C tensorflow same padding"),
    ),
    Question(
        "parameters",
        N_("Where do VGG-11's parameters sit?"),
        _where_parameters_sit,
        "architecture",
        VGG | {"net_view": "Cost", "net_level": "every module"},
        words=N_("128 million weights"),
        decisive=lambda analysis: [largest_layer(analysis).path],
    ),
    Question(
        "alexnet-vgg",
        N_("Why is VGG slower and bigger than AlexNet?"),
        _alexnet_and_vgg,
        "compare",
        {"networks": f"{ALEXNET.to_text()}|{VGG11.to_text()}"},
        words=N_("memory activations hand count"),
    ),
    Question(
        "vgg-family",
        N_("How do I build VGG-16 and VGG-19 from table 1?"),
        _vgg_family,
        "compare",
        {"networks": f"{VGG16.to_text()}|{VGG19.to_text()}"},
        words=N_("configuration D E"),
    ),
    Question(
        "equal-cost",
        N_("Are most convolutions of VGG equal in parameters and computation?"),
        _equal_cost,
        "architecture",
        VGG | {"net_view": "Cost", "net_level": "by weight layer"},
        decisive=_of_equal_cost,
        words=N_("halving height and width doubling channels"),
    ),
    Question(
        "bottleneck",
        N_("Does a 1×1 convolution bring the computation to a tenth?"),
        _bottleneck,
        "calculators",
        {"calc_tool": "1×1 bottleneck"},
        words=N_("inception 192 32"),
    ),
    Question(
        "stacked",
        N_("Two 3×3 convolutions for one 5×5: what is gained?"),
        _stacked,
        "calculators",
        {"calc_tool": "Stacked 3×3"},
        words=N_("backward pass hungrier three 7×7"),
    ),
)

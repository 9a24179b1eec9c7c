"""Questions about the shapes of images and maps. Imports no torch."""

from __future__ import annotations

from core.analysis.records import Analysis
from core.explain.calculators import SlidingWindow
from core.explain.channels import channels
from core.language import N_, _
from core.report import formats
from core.report.questions.networks import (
    COURSE_INCEPTION,
    COURSE_RESIDUAL,
    SMALLER_VGG11,
    VGG,
    VGG11,
)
from core.report.questions.question import Evidence, Question
from core.report.sentences.flattened import flattened_sentence


def _smaller_images(evidence: Evidence) -> str:
    before, after = (evidence.analysis_of(spec) for spec in (VGG11, SMALLER_VGG11))
    maps = [_last_map(analysis) for analysis in (before, after)]
    return _(
        "The last map shrinks from {before} to {after}, parameters {params:.1f}-fold, multiply-adds"
        " {macs:.1f}-fold; one of its units sees {field} pixels, more than the whole image: less is"
        " left to tell apart.",
        before=maps[0],
        after=maps[1],
        params=before.totals.params / after.totals.params,
        macs=before.totals.macs / after.totals.macs,
        field=formats.sides(after.totals.receptive_field),
    )


def _last_map(analysis: Analysis) -> str:
    maps = [layer.output_shape for layer in analysis.layers if len(layer.output_shape) == 4]
    return "×".join(map(str, maps[-1][2:]))


def _chain_of_channels(evidence: Evidence) -> str:
    steps = channels(evidence.analysis_of(VGG11)).steps
    chain = [*steps[0].reads, *(step.gives for step in steps)]
    return _(
        "It does: {chain}. Without in_channels = out_channels inside a block its second convolution"
        " would expect the channels of the first, and PyTorch stops there.",
        chain=" → ".join(map(str, chain)),
    )


def _seven_by_seven(evidence: Evidence) -> str:
    return flattened_sentence(evidence.analysis_of(VGG11).layers)


def _course_nets(evidence: Evidence) -> str:
    inception, residual = (
        flattened_sentence(evidence.analysis_of(spec).layers)
        for spec in (COURSE_INCEPTION, COURSE_RESIDUAL)
    )
    return _(
        "Inception net: {inception} Residual net: {residual} The first number of a shape is the"
        " images of a batch, N, the second the channels, C.",
        inception=inception,
        residual=residual,
    )


def _pools(evidence: Evidence) -> str:
    halving, keeping = SlidingWindow(28, 2, 2), SlidingWindow(28, 3, 1, 1)
    return _(
        "Kernel and stride decide, not the kind: 2×2 with stride 2 makes 28 pixels {halved}, 3×3"
        " with stride 1 and padding 1 leaves {kept}.",
        halved=halving.output_side,
        kept=keeping.output_side,
    )


QUESTIONS = (
    Question(
        "smaller-images",
        N_("Images of 96 pixels instead of 224: what changes?"),
        _smaller_images,
        "architecture",
        VGG | {"net_size": "96"},
        words=N_("resize receptive field"),
    ),
    Question(
        "in-channels",
        N_("Does in_channels really change inside a block?"),
        _chain_of_channels,
        "architecture",
        VGG | {"net_view": "Explain", "net_layer": "block3.conv2"},
        words=N_("in_channels = out_channels"),
    ),
    Question(
        "seven-by-seven",
        N_("Why out_channels × 7 × 7?"),
        _seven_by_seven,
        "architecture",
        VGG | {"net_view": "Explain", "net_layer": "dense1.linear"},
        words=N_("flatten 25088"),
    ),
    Question(
        "last-layer",
        N_("How does one find 1408 or 512 for the last layer?"),
        _course_nets,
        "architecture",
        {
            "net_network": COURSE_INCEPTION.arch,
            "net_view": "Explain",
            "net_layer": "dense.linear",
        },
        words=N_("first two numbers of a shape N C"),
    ),
    Question(
        "pools",
        N_("Do average-pool and max-pool keep the size?"),
        _pools,
        "calculators",
        {"calc_tool": "Output size"},
    ),
)

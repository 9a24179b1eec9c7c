"""The questions that readers of the chapters have, each with its answer in one line and its proof.

An answer is computed from analyses, closed forms or the runs that come with the lab; none of its
numbers is written down here. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from core.analysis.records import Analysis, LayerCost
from core.explain.calculators import Bottleneck, SlidingWindow, StackedAgainstLarge
from core.report import formats
from core.report.sentences.another_size import measured_at_sizes, measured_sentence
from core.report.sentences.flattened import flattened_sentence
from core.specs import ModelSpec

if TYPE_CHECKING:
    from core.studies.reproduction import Reproduction

ALEXNET, VGG11, VGG16, VGG19 = (ModelSpec(name) for name in ("alexnet", "vgg11", "vgg16", "vgg19"))
SMALLER_VGG11 = replace(VGG11, image_size=96)
COURSE_INCEPTION = ModelSpec("course-inception", image_size=28)
COURSE_RESIDUAL = ModelSpec("course-residual", image_size=28)
DENSENET = ModelSpec("densenet", image_size=96)
_BATCH = 128  # images of the recipes that were published


@dataclass(frozen=True)
class Evidence:
    """What answers are computed from."""

    analysis_of: Callable[[ModelSpec], Analysis]
    reproductions: Callable[[], Sequence[Reproduction]]  # the runs that come with the lab


@dataclass(frozen=True)
class Question:
    """One of them, and the view that proves its answer."""

    text: str
    group: str
    answer: Callable[[Evidence], str]
    page: str  # architecture, compare, …
    address: Mapping[str, str] = field(default_factory=dict)  # parameters of that page
    needs_runs: bool = False  # answered from the runs that come with the lab

    def has(self, words: str, answer: str = "") -> bool:
        """Whether every one of these words stands in the question, its group or its answer."""
        text = f"{self.text} {self.group} {answer}".lower()
        return all(word in text for word in words.lower().split())


# Counting -------------------------------------------------------------------------------------


def _rows(evidence: Evidence) -> str:
    analysis = evidence.analysis_of(VGG11)
    blocks, layers = analysis.rows("block"), analysis.rows("weight layer")
    return (
        f"The {len(blocks)} rows are blocks. {len(layers)} layers have weights,"
        f" {_weight_layers(analysis)}; with ReLU, pooling, dropout and flatten"
        f" {len(analysis.layers)} modules run."
    )


def _where_parameters_sit(evidence: Evidence) -> str:
    analysis = evidence.analysis_of(VGG11)
    largest = max(analysis.layers, key=lambda layer: layer.params)
    share = largest.params / analysis.totals.params
    return (
        f"{formats.percent(share)} of the {formats.short(analysis.totals.params)} are in"
        f" {largest.path}, {' × '.join(f'{side:,}' for side in reversed(largest.weight_shape))};"
        f" {_convolutions(analysis)}."
    )


def _convolutions(analysis: Analysis) -> str:
    found = [layer for layer in analysis.layers if layer.kind == "convolution"]
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
        f"{name}: {_weight_layers(analysis)}, {formats.short(analysis.totals.params)} parameters,"
        f" {formats.short(analysis.totals.macs)} MACs."
        for name, analysis in (("VGG-16 (D)", sixteen), ("VGG-19 (E)", nineteen))
    )


def _weight_layers(analysis: Analysis) -> str:
    kinds = [layer.kind for layer in analysis.layers if layer.is_weight_layer]
    return f"{kinds.count('convolution')} convolutions and {kinds.count('linear')} linear layers"


def _equal_cost(evidence: Evidence) -> str:
    convolutions = _of_kind(evidence.analysis_of(VGG11), "convolution")
    counts = [layer.macs for layer in convolutions]
    most = max(set(counts), key=counts.count)
    sizes = [layer.params for layer in convolutions[1:]]
    return (
        f"Not quite: {counts.count(most)} of {len(counts)} convolutions take the same"
        f" {formats.short(most)} MACs, and from the second to the last parameters grow"
        f" {sizes[-1] / sizes[0]:.0f}-fold."
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


# Shapes ---------------------------------------------------------------------------------------


def _smaller_images(evidence: Evidence) -> str:
    before, after = (evidence.analysis_of(spec) for spec in (VGG11, SMALLER_VGG11))
    maps = [_last_map(analysis) for analysis in (before, after)]
    field_ = after.totals.receptive_field
    return (
        f"The last map shrinks from {maps[0]} to {maps[1]}, parameters"
        f" {before.totals.params / after.totals.params:.1f}-fold, multiply-adds"
        f" {before.totals.macs / after.totals.macs:.1f}-fold; one of its units sees"
        f" {formats.sides(field_)} pixels, more than the whole image: less is left to tell apart."
    )


def _last_map(analysis: Analysis) -> str:
    maps = [layer.output_shape for layer in analysis.layers if len(layer.output_shape) == 4]
    return "×".join(map(str, maps[-1][2:]))


def _chain_of_channels(evidence: Evidence) -> str:
    convolutions = _of_kind(evidence.analysis_of(VGG11), "convolution")
    chain = [convolutions[0].input_shape[1], *(layer.output_shape[1] for layer in convolutions)]
    return (
        f"It does: {' → '.join(map(str, chain))}. Without in_channels = out_channels inside a block"
        " its second convolution would expect the channels of the first, and PyTorch stops there."
    )


def _seven_by_seven(evidence: Evidence) -> str:
    return flattened_sentence(evidence.analysis_of(VGG11).layers)


def _course_nets(evidence: Evidence) -> str:
    inception, residual = (
        flattened_sentence(evidence.analysis_of(spec).layers)
        for spec in (COURSE_INCEPTION, COURSE_RESIDUAL)
    )
    return (
        f"Inception net: {inception} Residual net: {residual} The first number of a shape is the"
        " images of a batch, N, the second the channels, C."
    )


def _pools(evidence: Evidence) -> str:
    halving, keeping = SlidingWindow(28, 2, 2), SlidingWindow(28, 3, 1, 1)
    return (
        f"Kernel and stride decide, not the kind: 2×2 with stride 2 makes 28 pixels"
        f" {halving.output_side}, 3×3 with stride 1 and padding 1 leaves {keeping.output_side}."
    )


# Memory and time ------------------------------------------------------------------------------


def _too_much(evidence: Evidence) -> str:
    needed = evidence.analysis_of(VGG19).training_bytes(_BATCH)
    return (
        f"VGG-19 at 224 pixels needs about {formats.mebibytes(needed)} for a step with {_BATCH}"
        " images. Train says so before a run starts, with the time, and does not start what does"
        " not fit."
    )


# Training -------------------------------------------------------------------------------------


def _best_epoch(evidence: Evidence) -> str:
    row = _row(evidence, COURSE_INCEPTION.arch)
    best = [max(run.metrics, key=lambda one: one.test_accuracy).epoch for run in row.runs]
    gains = [max(e.test_accuracy for e in run.metrics) - run.final for run in row.runs]
    earlier = sum(epoch < row.epochs for epoch in best)
    return (
        f"In {earlier} of {len(best)} runs of the course's Inception net the best epoch came before"
        f" the last; it was up to {formats.points(max(gains))} points better. Every run keeps the"
        " weights of its best."
    )


def _size_and_accuracy(evidence: Evidence) -> str:
    rows = evidence.reproductions()
    measured = (measured_at_sizes(rows, row.model) for row in rows if row.model.arch == VGG11.arch)
    return measured_sentence(next(filter(None, measured)))


# Residual -------------------------------------------------------------------------------------


def _best_shortcut(evidence: Evidence) -> str:
    from core.report.sentences.verdict import pair_sentence
    from core.studies.statistics import compare

    rows = [
        row
        for row in evidence.reproductions()
        if row.model.arch == COURSE_RESIDUAL.arch and not row.model.option("as_published")
    ]
    pairs = compare({row.title: {run.seed: run.final for run in row.runs} for row in rows})
    decided = [pair for pair in pairs if pair.is_decided]
    return pair_sentence((decided or pairs)[0])


def _dead_convolution(evidence: Evidence) -> str:
    options = (("as_published", True), ("shortcut", "constant-scaling"))
    analysis = evidence.analysis_of(replace(COURSE_RESIDUAL, options=options))
    return next(text for text in analysis.warnings if "gradient" in text)


# GoogLeNet and DenseNet ------------------------------------------------------------------------


def _dense_blocks(evidence: Evidence) -> str:
    from core.explain.growth import growth

    steps = growth(evidence.analysis_of(DENSENET))
    dense = [step for step in steps if not step.is_transition]
    widest = max(step.channels_out for step in steps)
    return (
        f"Each of its {len(dense)} dense layers reads all maps before it and adds"
        f" {dense[0].channels_new} channels: up to {widest} side by side;"
        f" {sum(step.is_transition for step in steps)} transitions halve channels and sides."
    )


def _of_kind(analysis: Analysis, kind: str) -> list[LayerCost]:
    return [layer for layer in analysis.layers if layer.kind == kind]


def _row(evidence: Evidence, arch: str) -> Reproduction:
    return next(row for row in evidence.reproductions() if row.model.arch == arch and row.runs)


# All of them ----------------------------------------------------------------------------------

_VGG = {"net_network": "vgg11"}
_COUNTING, _SHAPES, _MEMORY = "Counting", "Shapes", "Memory and time"
_TRAINING, _RESIDUAL = "Training", "Residual"
_OTHERS = "GoogLeNet and DenseNet"

QUESTIONS = (
    Question(
        "Where are VGG-11's 11 layers, if 8 rows are printed?",
        _COUNTING,
        _rows,
        "architecture",
        _VGG | {"net_level": "by weight layer"},
    ),
    Question(
        "Where do VGG-11's parameters sit?",
        _COUNTING,
        _where_parameters_sit,
        "architecture",
        _VGG | {"net_view": "Cost", "net_level": "every module"},
    ),
    Question(
        "Why is VGG slower and bigger than AlexNet?",
        _COUNTING,
        _alexnet_and_vgg,
        "compare",
        {"networks": f"{ALEXNET.to_text()}|{VGG11.to_text()}"},
    ),
    Question(
        "How do I build VGG-16 and VGG-19 from table 1?",
        _COUNTING,
        _vgg_family,
        "compare",
        {"networks": f"{VGG16.to_text()}|{VGG19.to_text()}"},
    ),
    Question(
        "Are most convolutions of VGG equal in parameters and computation?",
        _COUNTING,
        _equal_cost,
        "architecture",
        _VGG | {"net_level": "by weight layer"},
    ),
    Question(
        "Does a 1×1 convolution bring the computation to a tenth?",
        _COUNTING,
        _bottleneck,
        "calculators",
        {"calc_tool": "1×1 bottleneck"},
    ),
    Question(
        "Two 3×3 convolutions for one 5×5: what is gained?",
        _COUNTING,
        _stacked,
        "calculators",
        {"calc_tool": "Stacked 3×3"},
    ),
    Question(
        "Images of 96 pixels instead of 224: what changes?",
        _SHAPES,
        _smaller_images,
        "architecture",
        _VGG | {"net_size": "96"},
    ),
    Question(
        "Does in_channels really change inside a block?",
        _SHAPES,
        _chain_of_channels,
        "architecture",
        _VGG | {"net_view": "Explain", "net_layer": "block3.conv2"},
    ),
    Question(
        "Why out_channels × 7 × 7?",
        _SHAPES,
        _seven_by_seven,
        "architecture",
        _VGG | {"net_view": "Explain", "net_layer": "dense1.linear"},
    ),
    Question(
        "How does one find 1408 or 512 for the last layer?",
        _SHAPES,
        _course_nets,
        "architecture",
        {
            "net_network": "course-inception",
            "net_view": "Explain",
            "net_layer": "dense.linear",
        },
    ),
    Question(
        "Do average-pool and max-pool keep the size?",
        _SHAPES,
        _pools,
        "calculators",
        {"calc_tool": "Output size"},
    ),
    Question(
        "It almost killed my computer: could I have known?",
        _MEMORY,
        _too_much,
        "architecture",
        {"net_network": "vgg19", "net_view": "Memory"},
    ),
    Question(
        "Are more epochs always better?",
        _TRAINING,
        _best_epoch,
        "residual",
        needs_runs=True,
    ),
    Question(
        "Does accuracy fall with smaller images?",
        _TRAINING,
        _size_and_accuracy,
        "residual",
        needs_runs=True,
    ),
    Question(
        "Which shortcut is best?",
        _RESIDUAL,
        _best_shortcut,
        "residual",
        needs_runs=True,
    ),
    Question(
        "Does a convolution that is never used matter?",
        _RESIDUAL,
        _dead_convolution,
        "architecture",
        {
            "net_network": "course-residual",
            "net_as_published": "true",
            "net_shortcut": "constant-scaling",
        },
    ),
    Question(
        "How is a DenseNet built?",
        _OTHERS,
        _dense_blocks,
        "architecture",
        {"net_network": "densenet", "net_view": "Growth"},
    ),
)

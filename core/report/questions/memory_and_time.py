"""Questions about memory, speed and devices. Imports no torch."""

from __future__ import annotations

from core.language import N_, _, paragraph
from core.measure.shipped import THROUGHPUT, shipped_result
from core.measure.shipped.device_use import device_uses
from core.report import formats
from core.report.questions.networks import ALEXNET, VGG, VGG11, VGG19
from core.report.questions.question import Evidence, Question
from core.report.sentences.devices import device_sentence
from core.report.sentences.speed import device_use_sentence, loop_sentence
from core.training.records import Throughput

_BATCH = 128  # images of the recipes that were published


def _too_much(evidence: Evidence) -> str:
    needed = evidence.analysis_of(VGG19).training_bytes(_BATCH)
    return _(
        "VGG-19 at 224 pixels needs about {memory} for a step with {images} images. Train says so"
        " before a run starts, with the time, and does not start what does not fit.",
        memory=formats.mebibytes(needed),
        images=_BATCH,
    )


def _no_faster(evidence: Evidence) -> str:
    result = shipped_result(THROUGHPUT)
    measured = loop_sentence(Throughput.from_dict(result)) if result else ""
    return paragraph(device_use_sentence(device_uses()), measured)


def _devices_here(evidence: Evidence) -> str:
    report = evidence.devices()
    if report is None:
        return _("PyTorch is still loading; it tells in a few seconds which devices it finds here.")
    return paragraph(
        device_sentence(report), _("Throughput trains the same network on each, in turns.")
    )


def _faster_here(evidence: Evidence) -> str:
    small, large = (evidence.analysis_of(spec).totals for spec in (ALEXNET, VGG11))
    return _(
        "Count and then measure: an image takes {alexnet} MACs through AlexNet and {vgg} through"
        " VGG-11, but a layer's seconds depend on your machine. Time runs each layer here, forward"
        " and backward, and says where time and work disagree.",
        alexnet=formats.short(small.macs),
        vgg=formats.short(large.macs),
    )


QUESTIONS = (
    Question(
        "too-much",
        N_("It almost killed my computer: could I have known?"),
        _too_much,
        "architecture",
        {"net_network": VGG19.arch, "net_view": "Memory"},
        words=N_("out of memory estimate"),
    ),
    Question(
        "no-faster",
        N_("A 4090 took 8 minutes, a 4060 6: why is the expensive card no faster?"),
        _no_faster,
        "train",
        {
            "train_view": "Throughput",
            "train_network": THROUGHPUT.run.model.arch,
        },
        needs_runs=True,
        words=N_("GPU batch size data-bound"),
    ),
    Question(
        "devices",
        N_("Is cuda or mps faster than the CPU here?"),
        _devices_here,
        "train",
        {"train_view": "Throughput"},
        is_of_this_machine=True,
        words=N_("device GPU driver"),
    ),
    Question(
        "faster-here",
        N_("Which network is faster on my machine?"),
        _faster_here,
        "architecture",
        VGG | {"net_view": "Time"},
        words=N_("seconds milliseconds"),
    ),
)

"""Questions about shortcuts and depth. Imports no torch."""

from __future__ import annotations

import re
from dataclasses import replace

from core.analysis.records import Analysis
from core.language import N_, _, paragraph
from core.measure.first_and_last import first_and_last
from core.measure.gradient_records import GradientFlow, NetworkFlow, depth_of
from core.measure.shipped import GRADIENTS, shipped_result
from core.report import formats
from core.report.questions.networks import COURSE_RESIDUAL
from core.report.questions.question import Evidence, Question
from core.report.sentences.gradients import arriving
from core.report.sentences.verdict import headline, pair_sentence
from core.studies.reproduction import course_accuracies
from core.studies.statistics import compare

_SCALING = "constant-scaling"  # the shortcut that the homework has a mistake in


def _best_shortcut(evidence: Evidence) -> str:
    found = course_accuracies(evidence.reproductions(), as_published=False)
    accuracies = {_(title): finals for title, finals in found.items()}
    pairs = compare(accuracies)
    decided = [pair_sentence(pair) for pair in pairs if pair.is_decided]
    return paragraph(headline(pairs, list(accuracies)), *decided)


def _dead_parameters(evidence: Evidence) -> str:
    options = (("as_published", True), ("shortcut", _SCALING))
    analysis = evidence.analysis_of(replace(COURSE_RESIDUAL, options=options))
    return analysis.warnings[0]


def _dead_layers(analysis: Analysis) -> list[str]:
    """The layers that a warning names."""
    named = set(re.findall(r"[\w.]*\w", " ".join(analysis.warnings), re.ASCII))
    return [layer.path for layer in analysis.layers if layer.params and layer.path in named]


def _dead_convolution(evidence: Evidence) -> str:
    rows = [row for row in evidence.reproductions() if row.model.option("shortcut") == _SCALING]
    [pair] = compare({_(title): finals for title, finals in course_accuracies(rows).items()})
    return pair_sentence(pair)


def _do_gradients_vanish(evidence: Evidence) -> str:
    result = shipped_result(GRADIENTS)
    assert result is not None, "core/measure/shipped has no gradients"
    return gradients_in_one_line(GradientFlow.from_dict(result).networks)


def gradients_in_one_line(flows: tuple[NetworkFlow, ...]) -> str:
    """What arrives at layer 1 of the deepest net without BatchNorm, with a shortcut and without."""
    plain = [flow for flow in flows if flow.model.option("batch_norm") is False]
    layers = max(len(flow.main_path) for flow in plain)
    deepest = {flow.model.option("shortcut"): flow for flow in plain
               if len(flow.main_path) == layers}  # fmt: skip
    arrives = {
        name: arriving(first_and_last(flow, "weight_gradient")) for name, flow in deepest.items()
    }
    gains = [block.gain.median for block in deepest["identity"].blocks]
    return _(
        "{depth} layers without BatchNorm: {plain} of the last layer's gradient reaches layer 1"
        " without a shortcut, {residual} with one. But a block's derivative is not always at least"
        " 1: {below} of {blocks} blocks make it smaller, down to {factor}.",
        depth=depth_of(deepest["none"].model),
        plain=arrives["none"],
        residual=arrives["identity"],
        below=sum(gain < 1 for gain in gains),
        blocks=len(gains),
        factor=formats.factor(min(gains)),
    )


QUESTIONS = (
    Question(
        "best-shortcut",
        N_("Which shortcut is best?"),
        _best_shortcut,
        "residual",
        needs_runs=True,
        words=N_("plain constant scaling conv verdict"),
    ),
    Question(
        "vanishing",
        N_("“The derivative is at least 1, so gradients do not vanish”: is that so?"),
        _do_gradients_vanish,
        "gradients",
        needs_runs=True,
        words=N_("depth plain net 110 layers"),
    ),
    Question(
        "dead-convolution",
        N_("Does the homework's convolution that is never used matter?"),
        _dead_convolution,
        "residual",
        needs_runs=True,
        words=N_("as published corrected curves"),
    ),
    Question(
        "dead-parameters",
        N_("Which parameters never get a gradient?"),
        _dead_parameters,
        "architecture",
        {
            "net_network": COURSE_RESIDUAL.arch,
            "net_as_published": "true",
            "net_shortcut": _SCALING,
        },
        words=N_("dead homework"),
        decisive=_dead_layers,
    ),
)

"""Questions about GoogLeNet's branches and DenseNet's growth. Imports no torch."""

from __future__ import annotations

from core.explain.growth import growth
from core.language import N_, _
from core.measure.shipped.branches import shipped_branches
from core.report.questions.networks import COURSE_INCEPTION, DENSENET
from core.report.questions.question import Evidence, Question
from core.report.sentences.branch_norms import branches_over_seeds
from core.report.sentences.studies import study_sentence

_TRAINED = {"net_network": COURSE_INCEPTION.arch, "net_view": "Trained"}


def _branch_weights(evidence: Evidence) -> str:
    return branches_over_seeds(shipped_branches())


def _deeper_head(evidence: Evidence) -> str:
    return study_sentence(evidence.study("heads"))


def _dense_blocks(evidence: Evidence) -> str:
    steps = growth(evidence.analysis_of(DENSENET))
    dense = [step for step in steps if not step.is_transition]
    widest = max(step.channels_out for step in steps)
    return _(
        "Each of its {layers} dense layers reads all maps before it and adds {new} channels: up to"
        " {widest} side by side; {transitions} transitions halve channels and sides.",
        layers=len(dense),
        new=dense[0].channels_new,
        widest=widest,
        transitions=sum(step.is_transition for step in steps),
    )


QUESTIONS = (
    Question(
        "branch-weights",
        N_("Does the better kernel of an Inception block get more weight?"),
        _branch_weights,
        "architecture",
        _TRAINED,
        needs_runs=True,
        words=N_("branch norm 5×5 3×3"),
    ),
    Question(
        "deeper-head",
        N_("Would more fully connected layers help?"),
        _deeper_head,
        "architecture",
        _TRAINED,
        needs_runs=True,
        words=N_("head linear"),
    ),
    Question(
        "densenet",
        N_("How is a DenseNet built?"),
        _dense_blocks,
        "architecture",
        {"net_network": DENSENET.arch, "net_view": "Growth"},
        words=N_("growth rate transition"),
    ),
)

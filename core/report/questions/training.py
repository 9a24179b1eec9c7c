"""Questions about training, answered from runs that come with the lab. Imports no torch."""

from __future__ import annotations

from core.language import N_, _, paragraph
from core.measure.learning_rate_records import LearningRates
from core.measure.shipped import LEARNING_RATES, shipped_result
from core.report.questions.networks import COURSE_INCEPTION, VGG11
from core.report.questions.question import Evidence, Question
from core.report.sentences.another_size import measured_at_sizes, measured_sentence
from core.report.sentences.epochs import best_epoch_sentence
from core.report.sentences.learning_rates import rate_verdict
from core.report.sentences.studies import means_sentence, study_sentence
from core.studies.reproduction import Reproduction
from core.zoo.catalogue import find


def _best_epoch(evidence: Evidence) -> str:
    row = _row(evidence, COURSE_INCEPTION.arch)
    return paragraph(
        best_epoch_sentence(row), _("Every run of the lab keeps the weights of its best.")
    )


def _row(evidence: Evidence, arch: str) -> Reproduction:
    return next(row for row in evidence.reproductions() if row.model.arch == arch and row.runs)


def _smaller_images(evidence: Evidence) -> str:
    return study_sentence(evidence.study("sizes"))


def _size_and_accuracy(evidence: Evidence) -> str:
    rows = evidence.reproductions()
    measured = (measured_at_sizes(rows, row.model) for row in rows if row.model.arch == VGG11.arch)
    return measured_sentence(next(filter(None, measured)))


def _sigmoid(evidence: Evidence) -> str:
    study = evidence.study("last-activation")
    return _(
        "Yes: {means} Cross-entropy has a softmax of its own; behind a sigmoid every score lies"
        " between 0 and 1, so no class can get near all of the probability.",
        means=means_sentence(study),
    )


def _learning_rate(evidence: Evidence) -> str:
    result = shipped_result(LEARNING_RATES)
    run = LEARNING_RATES.run
    measured = rate_verdict(LearningRates.from_dict(result), run.recipe) if result else []
    return paragraph(
        _(
            "A short training with a larger rate at each step shows where the loss begins to rise,"
            " here of the {network}.",
            network=_(find(run.model.arch).title),
        ),
        *measured,
    )


QUESTIONS = (
    Question(
        "more-epochs",
        N_("Are more epochs always better?"),
        _best_epoch,
        "architecture",
        {"net_network": COURSE_INCEPTION.arch, "net_view": "Trained"},
        needs_runs=True,
        words=N_("save the best"),
    ),
    Question(
        "learning-rate",
        N_("How large may the learning rate be?"),
        _learning_rate,
        "train",
        {"train_view": "Find a rate", "train_network": LEARNING_RATES.run.model.arch},
        needs_runs=True,
        words=N_("find a rate range test diverged"),
    ),
    Question(
        "smaller-images-accuracy",
        N_("Does accuracy fall with smaller images?"),
        _smaller_images,
        "architecture",
        {"net_network": "custom-vgg", "net_view": "Trained"},
        needs_runs=True,
        words=N_("resize 96 64 32"),
    ),
    Question(
        "size-and-accuracy",
        N_("What does VGG-11 reach at 224 pixels, and at 64?"),
        _size_and_accuracy,
        "architecture",
        {"net_network": VGG11.arch, "net_view": "Trained"},
        needs_runs=True,
        words=N_("resize 96 224"),
    ),
    Question(
        "sigmoid",
        N_("A sigmoid before cross-entropy, as in the Keras version: does it matter?"),
        _sigmoid,
        "architecture",
        {"net_network": "custom-vgg", "net_view": "Trained"},
        needs_runs=True,
        words=N_("logits last activation softmax"),
    ),
)

"""The readers' questions, each with its answer and its proof. No number is written down here."""

from __future__ import annotations

from core.language import N_
from core.report.questions import (
    branches_and_growth,
    counting,
    inside,
    memory_and_time,
    residual,
    shapes,
    training,
    your_network,
)
from core.report.questions.question import Question

GROUPS: dict[str, tuple[Question, ...]] = {
    N_("Counting"): counting.QUESTIONS,
    N_("Shapes"): shapes.QUESTIONS,
    N_("Memory and time"): memory_and_time.QUESTIONS,
    N_("Training"): training.QUESTIONS,
    N_("Residual"): residual.QUESTIONS,
    N_("What happens inside"): inside.QUESTIONS,
    N_("GoogLeNet and DenseNet"): branches_and_growth.QUESTIONS,
    N_("Your own network"): your_network.QUESTIONS,
}
QUESTIONS = {question.name: question for group in GROUPS.values() for question in group}

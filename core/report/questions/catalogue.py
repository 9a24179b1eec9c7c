"""The readers' questions, each with its answer and its proof. No number is written down here."""

from __future__ import annotations

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
    "Counting": counting.QUESTIONS,
    "Shapes": shapes.QUESTIONS,
    "Memory and time": memory_and_time.QUESTIONS,
    "Training": training.QUESTIONS,
    "Residual": residual.QUESTIONS,
    "What happens inside": inside.QUESTIONS,
    "GoogLeNet and DenseNet": branches_and_growth.QUESTIONS,
    "Your own network": your_network.QUESTIONS,
}
QUESTIONS = {question.name: question for group in GROUPS.values() for question in group}

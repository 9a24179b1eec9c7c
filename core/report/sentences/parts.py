"""What a network keeps without each of its parts, in words. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

from core.inside.parts_records import (
    BLOCKS,
    BRANCHES,
    CHANNELS,
    IDENTITY,
    ONLY_SHORTCUT,
    SHORTCUTS,
    Missing,
    MissingParts,
)
from core.report import formats
from core.report.names import counted
from core.report.sentences.guessing import is_guessing

NOUNS = {BLOCKS: "block", BRANCHES: "branch", SHORTCUTS: "shortcut", CHANNELS: "channel"}
BECOMES = {  # what stands in the place of a part
    "identity": "its input goes on as it is",
    "shortcut": "only its shortcut is left",
    "residual": "only F(x) is left",
    "zeros": "it gives zeros",
}
_HARDLY = 0.01  # of the accuracy
_WHY = {  # of blocks
    ONLY_SHORTCUT: "Without its residual branch a unit still hands on what came before, and the"
    " units behind it were trained to add to that: they can be left out one at a time (arXiv"
    " 1605.06431).",
    IDENTITY: "A plain net has one path: what stands behind a block was only ever trained to read"
    " what that block makes (arXiv 1605.06431).",
}


def worst_of(result: MissingParts) -> Missing | None:
    """The part that is missed the most; None while nothing is known."""
    return min(result.missing, key=lambda one: (one.accuracy, -one.loss), default=None)


def missing_finding(result: MissingParts, name: str = "the network") -> str:
    """Without any one of its 9 blocks the network keeps at least 91.2 % of 98.9 %."""
    worst, whole = worst_of(result), formats.percent(result.accuracy)
    guessing = f"guessing: {formats.percent(1 / result.classes)}"
    if worst is None:
        return f"Whole, {name} reaches {whole} ({guessing})."
    if is_guessing(result.accuracy, result.classes, result.images):
        return f"Whole, {name} reaches {whole}, no more than guessing: no part can be missed."
    guesses = [
        one for one in result.missing if is_guessing(one.accuracy, result.classes, result.images)
    ]
    if not guesses:
        least = "at least " if len(result.missing) > 1 else ""
        without = _without(result, result.missing)
        return f"{without} {name} keeps {least}{formats.percent(worst.accuracy)} of {whole}."
    fallen = formats.percent(max(one.accuracy for one in guesses))
    most = " or less" if len(guesses) > 1 else ""
    without = _without(result, guesses)
    return f"{without} {name} falls from {whole} to {fallen}{most} ({guessing})."


def _without(result: MissingParts, parts: Sequence[Missing]) -> str:
    """Without residual1 / any one of its 9 blocks / one of 3 of its 9 blocks."""
    if len(parts) == 1:
        return f"Without {parts[0].name}"
    all_parts = counted(len(result.missing), NOUNS[result.level])
    if len(parts) == len(result.missing):
        return f"Without any one of its {all_parts}"
    return f"Without any one of {len(parts)} of its {all_parts}"


def missing_sentences(result: MissingParts, name: str = "the network") -> list[str]:
    """The finding, which part is missed the most, and why. Plain text."""
    sentences = [missing_finding(result, name)]
    worst = worst_of(result)
    if worst is None or is_guessing(result.accuracy, result.classes, result.images):
        return sentences
    if len(result.missing) > 1:
        sentences.append(_spread_sentence(result, worst))
    if result.level == BLOCKS and len({one.becomes for one in result.missing}) == 1:
        sentences.append(_WHY.get(worst.becomes, ""))
    return [sentence for sentence in sentences if sentence]


def _spread_sentence(result: MissingParts, worst: Missing) -> str:
    """Which part is missed the most, and how many hardly at all."""
    within = sum(abs(one.accuracy - result.accuracy) < _HARDLY for one in result.missing)
    better = max(result.missing, key=lambda one: one.accuracy)
    text = f"{worst.name} is missed the most."
    if within:
        parts = counted(len(result.missing), NOUNS[result.level])
        text += f" Without {within} of the {parts} the accuracy changes by less than one point."
    if better.accuracy > result.accuracy:
        text += f" Without {better.name} it is even {formats.percent(better.accuracy)}."
    return text


def images_sentence(result: MissingParts) -> str:
    """Over which images it was measured."""
    if result.images == result.test_images:
        return f"Over all {counted(result.images, 'test image')}; nothing was trained anew."
    return (
        f"Over the first {result.images:,} of {counted(result.test_images, 'test image')}, as the"
        " parts are many or the network is large; nothing was trained anew."
    )

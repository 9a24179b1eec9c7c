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
from core.language import N_, _, ngettext, paragraph
from core.report import formats
from core.report.sentences.guessing import is_guessing

NOUNS = {
    BLOCKS: N_("block"),
    BRANCHES: N_("branch"),
    SHORTCUTS: N_("shortcut"),
    CHANNELS: N_("channel"),
}
BECOMES = {  # what stands in the place of a part
    "identity": N_("its input goes on as it is"),
    "shortcut": N_("only its shortcut is left"),
    "residual": N_("only F(x) is left"),
    "zeros": N_("it gives zeros"),
}
_HARDLY = 0.01  # of the accuracy
_WHY = {  # of blocks
    ONLY_SHORTCUT: N_(
        "Without its residual branch a unit still hands on what came before, and the units behind"
        " it were trained to add to that: they can be left out one at a time (arXiv 1605.06431)."
    ),
    IDENTITY: N_(
        "A plain net has one path: what stands behind a block was only ever trained to read what"
        " that block makes (arXiv 1605.06431)."
    ),
}


def worst_of(result: MissingParts) -> Missing | None:
    """The part that is missed the most; None while nothing is known."""
    return min(result.missing, key=lambda one: (one.accuracy, -one.loss), default=None)


def missing_finding(result: MissingParts, name: str = "") -> str:
    """Without any one of its 9 blocks the network keeps at least 91.2 % of 98.9 %."""
    name, worst = name or _("the network"), worst_of(result)
    values = {
        "network": name,
        "whole": formats.percent(result.accuracy),
        "guessing": formats.percent(1 / result.classes),
        "parts": _counted(result),
    }
    if worst is None:
        return _("Whole, {network} reaches {whole} (guessing: {guessing}).", **values)
    if is_guessing(result.accuracy, result.classes, result.images):
        return _(
            "Whole, {network} reaches {whole}, no more than guessing: no part can be missed.",
            **values,
        )
    guesses = [
        one for one in result.missing if is_guessing(one.accuracy, result.classes, result.images)
    ]
    if not guesses:
        return _(_kept(result), part=worst.name, kept=formats.percent(worst.accuracy), **values)
    return _(
        _fallen(result, guesses),
        part=guesses[0].name,
        count=len(guesses),
        fallen=formats.percent(max(one.accuracy for one in guesses)),
        **values,
    )


def _kept(result: MissingParts) -> str:
    """The template for a network that can miss each of its parts."""
    if len(result.missing) == 1:
        return N_("Without {part} {network} keeps {kept} of {whole}.")
    return N_("Without any one of its {parts} {network} keeps at least {kept} of {whole}.")


def _fallen(result: MissingParts, guesses: Sequence[Missing]) -> str:
    """The template for one that guesses without some of them."""
    if len(guesses) == 1:
        return N_("Without {part} {network} falls from {whole} to {fallen} (guessing: {guessing}).")
    if len(guesses) == len(result.missing):
        return N_(
            "Without any one of its {parts} {network} falls from {whole} to {fallen} or less"
            " (guessing: {guessing})."
        )
    return N_(
        "Without any one of {count} of its {parts} {network} falls from {whole} to {fallen} or less"
        " (guessing: {guessing})."
    )


def _counted(result: MissingParts) -> str:
    """`9 blocks`."""
    number = len(result.missing)
    if result.level == BLOCKS:
        return ngettext("{number:,} block", "{number:,} blocks", number)
    if result.level == BRANCHES:
        return ngettext("{number:,} branch", "{number:,} branches", number)
    if result.level == SHORTCUTS:
        return ngettext("{number:,} shortcut", "{number:,} shortcuts", number)
    return ngettext("{number:,} channel", "{number:,} channels", number)


def missing_sentences(result: MissingParts, name: str = "") -> list[str]:
    """The finding, which part is missed the most, and why. Plain text."""
    sentences = [missing_finding(result, name)]
    worst = worst_of(result)
    if worst is None or is_guessing(result.accuracy, result.classes, result.images):
        return sentences
    if len(result.missing) > 1:
        sentences.append(_spread_sentence(result, worst))
    if result.level == BLOCKS and len({one.becomes for one in result.missing}) == 1:
        sentences.append(_(_WHY.get(worst.becomes, "")))
    return [sentence for sentence in sentences if sentence]


def _spread_sentence(result: MissingParts, worst: Missing) -> str:
    """Which part is missed the most, and how many hardly at all."""
    within = sum(abs(one.accuracy - result.accuracy) < _HARDLY for one in result.missing)
    better = max(result.missing, key=lambda one: one.accuracy)
    hardly = even = ""
    if within:
        hardly = _(
            "Without {count} of the {parts} the accuracy changes by less than one point.",
            count=within,
            parts=_counted(result),
        )
    if better.accuracy > result.accuracy:
        even = _(
            "Without {part} it is even {accuracy}.",
            part=better.name,
            accuracy=formats.percent(better.accuracy),
        )
    return paragraph(_("{part} is missed the most.", part=worst.name), hardly, even)


def images_sentence(result: MissingParts) -> str:
    """Over which images it was measured."""
    if result.images == result.test_images:
        return ngettext(
            "Over all {number:,} test image; nothing was trained anew.",
            "Over all {number:,} test images; nothing was trained anew.",
            result.images,
        )
    return ngettext(
        "Over the first {images:,} of {number:,} test image, as the parts are many or the network"
        " is large; nothing was trained anew.",
        "Over the first {images:,} of {number:,} test images, as the parts are many or the network"
        " is large; nothing was trained anew.",
        result.test_images,
        images=result.images,
    )

"""Where two networks differ, in words. Imports no torch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.inside.similarity_records import LayerSimilarity, Similarity
from core.language import _, ngettext
from core.report import formats
from core.report.tables.predictions import class_name

_ALIKE = 0.95  # CKA from which two layers are called alike
_EQUAL = 0.9995  # what is written as 1.00
_Scores = NDArray[np.floating]


def least_alike(result: Similarity) -> LayerSimilarity | None:
    """The first layer with the lowest CKA."""
    return min(result.known, key=lambda one: one.cka or 0.0, default=None)


def cka_text(cka: float | None) -> str:
    """`0.41`; a dash where there is none."""
    return formats.NOTHING if cka is None else f"{cka:.2f}"


def pair_name(first: str, second: str) -> str:
    """`residual1.conv2`, or `stem1.conv / conv1` where both are called otherwise."""
    return first if first == second else f"{first} / {second}"


def similarity_finding(result: Similarity) -> str:
    """Both differ most at residual2.conv2: CKA 0.41."""
    least = least_alike(result)
    if least is None or least.cka is None:
        return _("No layer of the one can be compared with a layer of the other.")
    if least.cka >= _EQUAL:
        return _("Both are alike at every layer: CKA 1.00.")
    name, cka = pair_name(least.first, least.second), cka_text(least.cka)
    if least.cka >= _ALIKE:
        return _(
            "Both are alike at every layer; the least at {layer}: CKA {cka}.", layer=name, cka=cka
        )
    return _("Both differ most at {layer}: CKA {cka}.", layer=name, cka=cka)


def similarity_sentences(result: Similarity) -> list[str]:
    """The finding, where they begin to differ, and how often they say the same. Plain text."""
    sentences = [similarity_finding(result)]
    parts = next((one for one in result.known if (one.cka or 0) < _ALIKE), None)
    least = least_alike(result)
    if parts is not None and least is not None and parts != least:
        sentences.append(
            _(
                "The first layer with less than {limit} is {layer} ({cka}).",
                limit=_ALIKE,
                layer=pair_name(parts.first, parts.second),
                cka=cka_text(parts.cka),
            )
        )
    if result.agreed is not None:
        sentences.append(
            ngettext(
                "They take {share} of the first {number:,} test image for the same class.",
                "They take {share} of the first {number:,} test images for the same class.",
                result.images,
                share=formats.percent(result.agreed),
            )
        )
    return sentences


def prediction_sentence(first: _Scores, second: _Scores, names: tuple[str, ...]) -> str:
    """Here they part: Shirt (62.10 %) against Coat (48.00 %). Scores are probabilities."""
    one, two = int(first.argmax()), int(second.argmax())
    said, also_said = (class_name(names, index) for index in (one, two))
    sure, also_sure = formats.percent(float(first[one])), formats.percent(float(second[two]))
    if said == also_said:
        return _(
            "For this image both say {said}: {sure} and {also_sure} sure.",
            said=said,
            sure=sure,
            also_sure=also_sure,
        )
    return _(
        "For this image they part: {said} ({sure}) against {also_said} ({also_sure}).",
        said=said,
        sure=sure,
        also_said=also_said,
        also_sure=also_sure,
    )

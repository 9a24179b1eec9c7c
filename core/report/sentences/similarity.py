"""Where two networks differ, in words. Imports no torch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.inside.similarity_records import LayerSimilarity, Similarity
from core.report import formats
from core.report.names import counted
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
        return "No layer of the one can be compared with a layer of the other."
    if least.cka >= _EQUAL:
        return "Both are alike at every layer: CKA 1.00."
    name = pair_name(least.first, least.second)
    if least.cka >= _ALIKE:
        return f"Both are alike at every layer; the least at {name}: CKA {cka_text(least.cka)}."
    return f"Both differ most at {name}: CKA {cka_text(least.cka)}."


def similarity_sentences(result: Similarity) -> list[str]:
    """The finding, where they begin to differ, and how often they say the same. Plain text."""
    sentences = [similarity_finding(result)]
    parts = next((one for one in result.known if (one.cka or 0) < _ALIKE), None)
    least = least_alike(result)
    if parts is not None and least is not None and parts != least:
        sentences.append(
            f"The first layer with less than {_ALIKE} is {pair_name(parts.first, parts.second)}"
            f" ({cka_text(parts.cka)})."
        )
    if result.agreed is not None:
        images = counted(result.images, "test image")
        sentences.append(
            f"They take {formats.percent(result.agreed)} of the first {images} for the same class."
        )
    return sentences


def prediction_sentence(first: _Scores, second: _Scores, names: tuple[str, ...]) -> str:
    """Here they part: Shirt (62.10 %) against Coat (48.00 %). Scores are probabilities."""
    one, two = int(first.argmax()), int(second.argmax())
    said, also_said = (class_name(names, index) for index in (one, two))
    sure, also_sure = formats.percent(float(first[one])), formats.percent(float(second[two]))
    if said == also_said:
        return f"For this image both say {said}: {sure} and {also_sure} sure."
    return f"For this image they part: {said} ({sure}) against {also_said} ({also_sure})."

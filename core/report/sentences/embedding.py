"""Where a network's mistakes lie among the test images, in words computed from the numbers."""

from __future__ import annotations

import numpy as np

from core.inside.embedding_records import NEIGHBORS, Embedding
from core.report import formats


def mistakes_finding(embedding: Embedding) -> str:
    """The title of the picture: how many mistakes lie among another class's images."""
    wrong = embedding.wrong
    if not wrong.any():
        return f"No mistake in {len(wrong):,} test images"
    lost = int((wrong & embedding.among_others).sum())
    return f"{lost:,} of {int(wrong.sum()):,} mistakes lie among another class's images"


def embedding_sentences(embedding: Embedding) -> list[str]:
    """What the nearest images by features say of mistakes, and what the plane shows of them."""
    wrong, others = embedding.wrong, embedding.among_others
    sentences = []
    if wrong.any():
        there = wrong & others
        as_predicted = int((there & (embedding.around == embedding.predicted)).sum())
        right, lost = int((~wrong).sum()), int((~wrong & others).sum())
        sentences.append(
            f"{int(there.sum()):,} of {int(wrong.sum()):,} mistakes lie among another class's"
            f" images, {as_predicted:,} of them among those of the class that the network says: of"
            f" the {NEIGHBORS} nearest images by these features most are of that class. Of"
            f" the right ones it is {lost:,} of {right:,}."
        )
    return sentences


def plane_sentence(embedding: Embedding) -> str:
    """What the two components hold."""
    first, second = embedding.variance
    what = f"what `{embedding.layer}` reads" if embedding.layer else "the scores"
    return (
        f"{len(embedding.images):,} test images by {what}, {embedding.features:,} numbers an image."
        f" The two largest principal components hold {formats.whole_percent(first + second)} of"
        " their variance."
    )


def point_texts(embedding: Embedding, names: tuple[str, ...]) -> list[str]:
    """What is said of each point: its number, its class, and what it is taken for."""

    def named(index: np.int64) -> str:
        return names[index] if index < len(names) else f"output {index}"

    return [
        f"test image {image}: {named(label)}, "
        + (f"taken for {named(predicted)}" if predicted != label else "recognized")
        + f" ({formats.whole_percent(confidence)})"
        for image, label, predicted, confidence in zip(
            embedding.images,
            embedding.labels,
            embedding.predicted,
            embedding.confidence,
            strict=True,
        )
    ]

"""Where a network's mistakes lie among the test images, in words computed from the numbers."""

from __future__ import annotations

from core.inside.embedding_records import NEIGHBORS, Embedding
from core.language import N_, _
from core.report import formats
from core.report.tables.predictions import class_name


def mistakes_finding(embedding: Embedding) -> str:
    """The title of the picture: how many mistakes lie among another class's images."""
    wrong = embedding.wrong
    if not wrong.any():
        return _("No mistake in {images:,} test images", images=len(wrong))
    return _(
        "{lost:,} of {mistakes:,} mistakes lie among another class's images",
        lost=int((wrong & embedding.among_others).sum()),
        mistakes=int(wrong.sum()),
    )


def embedding_sentences(embedding: Embedding) -> list[str]:
    """What the nearest images by features say of mistakes, and what the plane shows of them."""
    wrong, others = embedding.wrong, embedding.among_others
    if not wrong.any():
        return []
    there = wrong & others
    return [
        _(
            "{there:,} of {mistakes:,} mistakes lie among another class's images, {as_predicted:,}"
            " of them among those of the class that the network says: of the {neighbors} nearest"
            " images by these features most are of that class. Of the right ones it is {lost:,} of"
            " {right:,}.",
            there=int(there.sum()),
            mistakes=int(wrong.sum()),
            as_predicted=int((there & (embedding.around == embedding.predicted)).sum()),
            neighbors=NEIGHBORS,
            lost=int((~wrong & others).sum()),
            right=int((~wrong).sum()),
        )
    ]


def plane_sentence(embedding: Embedding) -> str:
    """What the two components hold."""
    layer = embedding.layer
    return _(
        "{images:,} test images by {what}, {numbers:,} numbers an image. The two largest principal"
        " components hold {share} of their variance.",
        images=len(embedding.images),
        what=_("what `{layer}` reads", layer=layer) if layer else _("the scores"),
        numbers=embedding.features,
        share=formats.whole_percent(sum(embedding.variance)),
    )


def point_texts(embedding: Embedding, names: tuple[str, ...]) -> list[str]:
    """What is said of each point: its number, its class, and what it is taken for."""
    recognized = N_("test image {image}: {label}, recognized ({confidence})")
    mistaken = N_("test image {image}: {label}, taken for {predicted} ({confidence})")
    return [
        _(
            recognized if predicted == label else mistaken,
            image=image,
            label=class_name(names, label),
            predicted=class_name(names, predicted),
            confidence=formats.whole_percent(confidence),
        )
        for image, label, predicted, confidence in zip(
            embedding.images,
            embedding.labels,
            embedding.predicted,
            embedding.confidence,
            strict=True,
        )
    ]

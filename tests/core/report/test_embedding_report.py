"""Where mistakes lie, in words and as a table."""

from __future__ import annotations

import numpy as np

from core.inside.embedding_records import Embedding
from core.report.sentences.embedding import (
    embedding_sentences,
    mistakes_finding,
    plane_sentence,
    point_texts,
)
from core.report.tables.embedding import embedding_frame

NAMES = ("shirt", "boot")
EXAMPLE = Embedding(
    positions=np.zeros((5, 2), np.float32),
    variance=(0.5, 0.2),
    layer="fc",
    features=84,
    images=np.array([3, 4, 7, 8, 9]),
    labels=np.array([0, 0, 1, 1, 1]),
    predicted=np.array([0, 1, 0, 1, 1]),  # the second and the third are wrong
    confidence=np.array([0.9, 0.6, 0.8, 0.7, 0.95], np.float32),
    around=np.array([1, 1, 1, 1, 1]),  # of the first two the class is another one
)


def test_mistakes_among_another_classs_images_are_counted():
    assert mistakes_finding(EXAMPLE) == "1 of 2 mistakes lie among another class's images"
    (sentence,) = embedding_sentences(EXAMPLE)
    assert sentence.startswith("1 of 2 mistakes lie among another class's images, 1 of them")
    assert sentence.endswith("Of the right ones it is 1 of 3.")
    assert "70" in plane_sentence(EXAMPLE) and "`fc` reads" in plane_sentence(EXAMPLE)


def test_every_point_has_a_text_and_a_row():
    texts = [text.replace("\u2009", " ") for text in point_texts(EXAMPLE, NAMES)]
    assert texts[0] == "test image 3: shirt, recognized (90 %)"
    assert texts[2] == "test image 7: boot, taken for shirt (80 %)"
    frame = embedding_frame(EXAMPLE, EXAMPLE.positions, NAMES)
    assert frame.label.tolist() == ["shirt", "shirt", "boot", "boot", "boot"]
    assert frame.right.tolist() == [True, False, False, True, True]

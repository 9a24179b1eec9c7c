"""The handout of what is shown on *Inside* at the moment of the click."""

from __future__ import annotations

from core.report.handout.document import Document
from core.report.handout.image import CHANNELS, SeenImage, image_document, shown_layers
from core.specs import LabError
from pages.views.app.with_torch import seen
from pages.views.inside.chosen import Shown


def inside_document(shown: Shown, address: str) -> Document:
    """Of the image that is looked at now. Raises LabError where there is none."""
    chosen = shown.chosen
    if chosen is None:
        raise LabError("There is no image yet: choose, draw or upload one first.")
    paths = tuple(shown_layers(chosen.analysis.layers))
    what = chosen.weights, chosen.pixels
    image = SeenImage(
        chosen.pixels,
        chosen.image_name,
        chosen.data.shown_classes,
        chosen.label,
        seen("core.inside.maps:probabilities", *what),
    )
    explanation = shown.explanation
    if explanation and explanation.unit.path not in {one.path for one in chosen.analysis.layers}:
        explanation = None
    return image_document(
        lambda: chosen.subject.title,
        chosen.subject.file_name(),
        chosen.weights.spec,
        chosen.subject.which,
        image,
        seen("core.inside.maps:layer_maps", *what, paths, CHANNELS, False),
        seen("core.inside.arrays:summaries", *what),
        explanation,
        address,
    )

"""The handout of what a network makes of one image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.analysis.records import LayerCost
from core.inside.arrays_records import LayerSummary
from core.inside.maps_records import LayerMaps
from core.inside.number_records import Explanation
from core.language import ENGLISH, N_, Message, _, in_language
from core.report.figures.predictions import probability_bars
from core.report.handout.document import Chart, Document, Part, Picture, Section, Table, Text
from core.report.handout.settings import Setting, network_settings
from core.report.names import safe_name
from core.report.number import number_text
from core.report.picture.insets import image_png, range_text, scale_of, sheet_png
from core.report.tables.layer_values import summary_frame
from core.report.tables.number import number_frame
from core.specs import ModelSpec

CHANNELS = 16  # of a layer that are shown
_MAPS_A_ROW = 8  # of them beside each other
_IMAGE_SIDE = 168  # pixels of the image on the page
_CLASSES = 5  # the likeliest
_MOST_LAYERS = 40  # whose maps are in it
_COLUMNS = (N_("path"), N_("shape"), N_("min"), N_("max"), N_("mean"), N_("share_of_zeros"))
_WORK = ("convolution", "linear", "pooling", "join")


@dataclass(frozen=True, eq=False)
class SeenImage:
    """The image, what it shows, and what the network says to it."""

    pixels: NDArray[np.uint8]  # (H, W) or (3, H, W)
    name: str | Message  # `test image 17`
    class_names: Sequence[str]
    truth: int | None  # the true class, where it is known
    scores: NDArray[np.float32] | None  # (classes,) probabilities; None: no scores for classes


def shown_layers(layers: Sequence[LayerCost]) -> list[str]:
    """Paths of those that read something; of a deep network those that have weights, or join."""
    reading = [layer for layer in layers if layer.inputs]
    if len(reading) > _MOST_LAYERS:
        reading = [layer for layer in reading if layer.kind in _WORK][:_MOST_LAYERS]
    return [layer.path for layer in reading]


def image_document(
    title: Callable[[], str],
    name: str,
    spec: ModelSpec,
    parameters: str,
    image: SeenImage,
    layers: Sequence[LayerMaps],
    summaries: Sequence[LayerSummary],
    explanation: Explanation | None = None,
    address: str = "",
) -> Document:
    """Image and prediction, maps by layer, one number explained, every layer in numbers.

    `title` gives that of the network in the language of who asks, `name` is what its files are
    called; `parameters` says which it has. `layers` have up to CHANNELS channels each.
    """
    network, shown = title(), str(image.name)
    with in_language(ENGLISH):
        file = safe_name(name, str(image.name).replace(" ", "-"))
        summary = summary_frame(summaries, title(), str(image.name))
    settings: list[Setting] = [
        *network_settings(spec),
        (_("Parameters"), parameters),
        (_("Picture"), shown),
    ]
    sections = [
        Section(_("Image and prediction"), _prediction(network, image, file)),
        Section(_("Maps, layer by layer"), [part for maps in layers for part in _maps(maps)]),
        Section(_("One number, explained"), _number(explanation, file) if explanation else []),
        Section(
            _("Every layer"),
            [
                Table(
                    _("What each layer gives"),
                    summary,
                    f"{file}-layers",
                    _COLUMNS,
                )
            ],
        ),
    ]
    return Document(
        kind=_("Inside"),
        title=_("{network}: {image}", network=network, image=shown),
        name=file,
        settings=settings,
        sections=[section for section in sections if section.parts],
        address=address,
    )


def _prediction(title: str, image: SeenImage, file: str) -> list[Part]:
    picture = Picture(
        _("{image} as the network is given it", image=str(image.name)),
        png=image_png(image.pixels),
        width=_IMAGE_SIDE,
        is_pixels=True,
    )
    if image.scores is None:
        return [picture, Text(_("This network gives no scores for classes."))]
    figure = probability_bars(image.class_names, [(title, image.scores)], image.truth, _CLASSES)
    return [picture, Chart(figure, f"{file}-prediction")]


def _maps(maps: LayerMaps) -> list[Part]:
    """A line with name, shape and range, then the channels on one scale."""
    if not maps.maps.size:
        return []
    shape = "×".join(map(str, maps.shape))
    columns = min(_MAPS_A_ROW, len(maps.maps))
    width = maps.maps.shape[2] * 8 if maps.is_vector else 84 * columns
    sheet = sheet_png(maps, scale_of(maps), columns)
    about = _(
        "{layer}: {shape}, numbers from {range}",
        layer=maps.path,
        shape=shape,
        range=range_text(maps),
    )
    return [Text(about), Picture(about, png=sheet, width=min(width, 648), is_pixels=True)]


def _number(explanation: Explanation, file: str) -> list[Part]:
    sentence, *lines = number_text(explanation).splitlines()
    return [
        Text(sentence, is_finding=True),
        *(Text(line.strip()) for line in lines if line.strip()),
        Table(_("Every term"), number_frame(explanation), f"{file}-number"),
    ]

"""The effective receptive field: which pixels the unit in the middle of a map listens to.

Luo et al., Understanding the Effective Receptive Field in Deep Convolutional Neural Networks,
arXiv 1701.04128, sections 3 and 4: a gradient of 1 at the unit in the middle, 0 elsewhere, goes
back to the image. A layer has many channels: each gets a gradient of 1 or −1, drawn anew for each
image, so that the mean of the squares is the sum over the channels of their squared gradients, and
none cancels another. What is kept is the root of that mean over images and colors.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from core.analysis import analyze
from core.inside.effective_field_records import (
    EffectiveField,
    WindowCounts,
    field_layers,
    images_averaged,
    middle,
)
from core.inside.one_image import check_size, network_of
from core.inside.row_watcher import result_of
from core.inside.tested import TestImages
from core.inside.weights import Weights
from core.specs import LabError

_SEED = 0  # of the signs


def window_counts(weights: Weights, dataset: str, layer: str) -> WindowCounts:
    """Before and after training, averaged over as many test images as are quickly computed.

    Raises LabError for a layer without a field, or a data set that is not here.
    """
    *_, result = measure_window_counts(weights, dataset, layer, quick=True)
    return result


def measure_window_counts(
    weights: Weights, dataset: str, layer: str, quick: bool = False
) -> Iterator[WindowCounts]:
    """The same as a measurement: as initialized, then with the parameters. Raises LabError."""
    check_size(weights)
    analysis = analyze(weights.spec)
    layers = field_layers(analysis)
    if layer not in layers:
        raise LabError(
            "{layer} has no receptive field here; it has {layers}.",
            layer=repr(layer),
            layers=", ".join(layers),
        )
    row = next(row for row in analysis.layers if row.path == layer)
    unit = middle(row)
    images = TestImages.of(weights, dataset, max(1, images_averaged(analysis, quick)))
    begun = weights.as_initialized
    before = field_of(network_of(begun), images, layer, layers[layer], row.output_shape, unit)
    result = WindowCounts(layer, unit, len(images.labels), before, None)
    yield result
    if begun != weights:
        trained = network_of(weights)
        after = field_of(trained, images, layer, layers[layer], row.output_shape, unit)
        yield WindowCounts(layer, unit, len(images.labels), before, after)


def field_of(
    network: nn.Module,
    images: TestImages,
    layer: str,
    module: str,
    shape: tuple[int, ...],
    unit: tuple[int, int],
) -> EffectiveField:
    """Of one network's layer, or of what `module` gives. Raises LabError for another shape."""
    signs = torch.Generator().manual_seed(_SEED)
    total: Tensor | float = 0.0
    for batch, _ in images.batches():
        given = batch.clone().requires_grad_()
        output = result_of(network, given * 1, layer, module)  # a copy, which may be written over
        if output.shape[1:] != shape[1:]:
            raise LabError(
                "{layer} gives {shape}, not {expected} as in the analysis.",
                layer=layer,
                shape=str(tuple(output.shape[1:])),
                expected=str(tuple(shape[1:])),
            )
        units = output[:, :, unit[0], unit[1]]
        drawn = 2 * torch.randint(0, 2, units.shape, generator=signs) - 1
        if not units.requires_grad:
            raise LabError("No gradient goes from {layer} to the image.", layer=layer)
        (units * drawn).sum().backward()
        total = total + given.grad.double().square().sum((0, 1))  # type: ignore[union-attr]
    assert isinstance(total, Tensor)
    mean = total / len(images.labels)
    return EffectiveField(mean.sqrt().numpy().astype(np.float32))

"""From a spec to its network, on the ambient device or on meta, where it takes no memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from torch import nn

from core.language import lazy
from core.specs import MAX_IMAGE_SIZE, LabError, ModelSpec
from core.zoo.architecture import ImageTooSmall
from core.zoo.catalogue import complete, find
from core.zoo.meta import OnMeta, is_on_meta


def build(spec: ModelSpec) -> nn.Module:
    """The network of `spec`, (N, in_channels, *sides) to (N, num_classes) logits.

    Built on the ambient device: under `torch.device("meta")` it costs no memory. Raises LabError
    for a spec that cannot be built; for an image that is too small it names the smallest size.
    """
    spec = complete(spec)
    architecture = find(spec.arch)
    try:
        return architecture.builder(spec)
    except ImageTooSmall as error:
        about = {"title": lazy(architecture.title), "pixels": spec.pixels}
        if smallest := smallest_image_size(spec):
            raise LabError(
                "{title} cannot take {pixels} pixels: its maps shrink to nothing, the smallest that"
                " works is {smallest}×{smallest}.",
                smallest=smallest,
                **about,
            ) from error
        raise LabError(
            "{title} cannot take {pixels} pixels: its maps shrink to nothing, no image up to {most}"
            " pixels works, so it needs fewer poolings.",
            most=MAX_IMAGE_SIZE,
            **about,
        ) from error


def build_on_meta(spec: ModelSpec) -> nn.Module:
    """As `build`, on the meta device: shapes without memory."""
    with OnMeta():
        network = build(spec)
    return network if is_on_meta(network) else network.to("meta")


def smallest_image_size(spec: ModelSpec) -> int | None:
    """The smallest image side that `spec`'s network takes, None where none up to the limit is."""
    spec = complete(spec)
    builder = find(spec.arch).builder

    def works(side: int) -> bool:
        try:
            with OnMeta():
                builder(replace(spec, image_size=side))
        except ImageTooSmall:
            return False
        return True

    # Windows are monotone. Small sides first: where a map vanishes, building breaks off at once.
    low, high = 1, 1
    while not works(high):
        if high == MAX_IMAGE_SIZE:
            return None
        low, high = high + 1, min(2 * high, MAX_IMAGE_SIZE)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if works(middle) else (middle + 1, high)
    return low


def parameter_counts(specs: Sequence[ModelSpec]) -> list[int | None]:
    """The number of parameters of each network; None where it cannot be built."""

    def count(spec: ModelSpec) -> int | None:
        try:
            return sum(parameter.numel() for parameter in build_on_meta(spec).parameters())
        except LabError:
            return None

    return [count(spec) for spec in specs]

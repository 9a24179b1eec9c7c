"""Every network of the lab: CATALOGUE holds one row each, build() turns a spec into a module."""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches

from torch import nn

from core.specs import MAX_IMAGE_SIZE, LabError, ModelSpec
from core.zoo import alexnet, cifar_resnet, densenet, inception, lenet, residual, resnet, vgg
from core.zoo import libraries as torchvision_models
from core.zoo.architecture import Architecture, ImageTooSmall, Option
from core.zoo.meta import OnMeta, is_on_meta

__all__ = [
    "CATALOGUE",
    "Architecture",
    "Option",
    "build",
    "build_on_meta",
    "complete",
    "find",
    "smallest_image_size",
]

CATALOGUE: dict[str, Architecture] = {
    row.name: row
    for family in (lenet, alexnet, vgg, inception, residual, cifar_resnet, resnet, densenet)
    for row in family.ARCHITECTURES
}


def find(arch: str) -> Architecture:
    """The catalogue's row for `arch`, or that of `torchvision/NAME`.

    Raises LabError with the nearest names.
    """
    if arch in CATALOGUE:
        return CATALOGUE[arch]
    if arch.startswith(torchvision_models.PREFIX):
        return torchvision_models.architecture(arch)
    near = get_close_matches(arch.lower(), CATALOGUE, n=3, cutoff=0.5) or list(CATALOGUE)
    raise LabError(f"There is no network named {arch[:60]!r}; try {', '.join(near)}.")


def complete(spec: ModelSpec) -> ModelSpec:
    """`spec` with every option of its architecture, checked, defaults filled in.

    Raises LabError for an unknown network, an unknown option or a value it cannot take.
    """
    architecture = find(spec.arch)
    known = {option.name: option for option in architecture.options}
    chosen = dict(spec.options)
    if unknown := sorted(set(chosen) - set(known)):
        has = f"has {', '.join(known)}" if known else "has no options"
        raise LabError(f"{architecture.title} has no option {unknown[0]!r}; it {has}.")
    options = {
        name: option.check(chosen.get(name, option.default)) for name, option in known.items()
    }
    return replace(spec, options=tuple(options.items()))


def build(spec: ModelSpec) -> nn.Module:
    """The network of `spec`, (N, in_channels, image_size, image_size) to (N, num_classes) logits.

    Built on the ambient device: under `torch.device("meta")` it costs no memory. Raises LabError
    for a spec that cannot be built; for an image that is too small it names the smallest size.
    """
    spec = complete(spec)
    architecture = find(spec.arch)
    try:
        return architecture.builder(spec)
    except ImageTooSmall as error:
        smallest = smallest_image_size(spec)
        works = (
            f"the smallest that works is {smallest}×{smallest}"
            if smallest
            else f"no image up to {MAX_IMAGE_SIZE} pixels works, so it needs fewer poolings"
        )
        raise LabError(
            f"{architecture.title} cannot take {spec.image_size}×{spec.image_size} pixels:"
            f" its maps shrink to nothing, {works}."
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

    low, high = 1, MAX_IMAGE_SIZE  # windows are monotone, so bisection finds the border
    if not works(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if works(middle) else (middle + 1, high)
    return low

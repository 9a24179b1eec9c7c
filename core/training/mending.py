"""A run that cannot be started, and the one change that lets it. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from core.data.catalogue import find_dataset, train_images_of
from core.specs import RunSpec
from core.training.estimate import RATIOS, SIZES

_LARGER = (*reversed(SIZES), 224)  # pixels a side, for a network whose maps shrink to nothing

_Changes = Iterator[tuple[str, RunSpec]]  # in words, and as a run


def runs_that_work(
    spec: RunSpec, works: Callable[[RunSpec], bool], is_built: bool
) -> Iterator[tuple[str, RunSpec]]:
    """Changes after which `spec` works, each alone: in words, and as a run; the least of a kind.

    `is_built`: whether the network can be built, so that it is the run that does not work.
    """
    ways = [_fit_images(spec), _smaller_batches(spec), _smaller_images(spec), _fewer_channels(spec)]
    for way in ways if is_built else [_larger_images(spec)]:
        for words, run in way:
            if works(run):
                yield words, run
                break


def _fit_images(spec: RunSpec) -> _Changes:
    """As many channels and outputs as the images ask for."""
    info, model, words = find_dataset(spec.dataset), spec.model, []
    if info.channels not in (1, model.in_channels):
        model = replace(model, in_channels=info.channels)
        words.append(f"{info.channels} channels")
    if model.num_classes < (classes := len(info.class_names)):
        model = replace(model, num_classes=classes)
        words.append(f"{classes} outputs")
    if words:
        yield f"Use {' and '.join(words)}", replace(spec, model=model)


def _smaller_batches(spec: RunSpec) -> _Changes:
    """By powers of two, the largest first."""
    size = min(spec.recipe.batch_size - 1, train_images_of(spec))
    while size > 0:
        size = 1 << (size.bit_length() - 1)
        yield (
            f"Use a batch of {size:,}",
            replace(spec, recipe=replace(spec.recipe, batch_size=size)),
        )
        size -= 1


def _smaller_images(spec: RunSpec) -> _Changes:
    for height in SIZES:
        if height < spec.model.sides[0]:
            model = spec.model.scaled_to(height)
            yield f"Use {model.pixels} px", replace(spec, model=model)


def _larger_images(spec: RunSpec) -> _Changes:
    for side in _LARGER:
        if side > min(spec.model.sides):
            yield f"Use {side} px", replace(spec, model=replace(spec.model, image_size=side))


def _fewer_channels(spec: RunSpec) -> _Changes:
    for ratio in RATIOS:
        if ratio > spec.model.ratio:
            yield f"Use ratio {ratio}", replace(spec, model=replace(spec.model, ratio=ratio))

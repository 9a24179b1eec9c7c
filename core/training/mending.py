"""A run that cannot be started, and the one change that lets it. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from core.data.catalogue import find_dataset, train_images_of
from core.language import _
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
    info, model = find_dataset(spec.dataset), spec.model
    channels, classes = info.channels, len(info.class_names)
    has_other_channels = channels not in (1, model.in_channels)
    has_too_few_outputs = model.num_classes < classes
    if has_other_channels and has_too_few_outputs:
        words = _(
            "Use {channels} channels and {classes} outputs", channels=channels, classes=classes
        )
        model = replace(model, in_channels=channels, num_classes=classes)
    elif has_other_channels:
        words = _("Use {channels} channels", channels=channels)
        model = replace(model, in_channels=channels)
    elif has_too_few_outputs:
        words = _("Use {classes} outputs", classes=classes)
        model = replace(model, num_classes=classes)
    else:
        return
    yield words, replace(spec, model=model)


def _smaller_batches(spec: RunSpec) -> _Changes:
    """By powers of two, the largest first."""
    size = min(spec.recipe.batch_size - 1, train_images_of(spec))
    while size > 0:
        size = 1 << (size.bit_length() - 1)
        yield (
            _("Use a batch of {size:,}", size=size),
            replace(spec, recipe=replace(spec.recipe, batch_size=size)),
        )
        size -= 1


def _smaller_images(spec: RunSpec) -> _Changes:
    for height in SIZES:
        if height < spec.model.sides[0]:
            model = spec.model.scaled_to(height)
            yield _("Use {pixels} px", pixels=model.pixels), replace(spec, model=model)


def _larger_images(spec: RunSpec) -> _Changes:
    for side in _LARGER:
        if side > min(spec.model.sides):
            larger = replace(spec.model, image_size=side)
            yield _("Use {pixels} px", pixels=side), replace(spec, model=larger)


def _fewer_channels(spec: RunSpec) -> _Changes:
    for ratio in RATIOS:
        if ratio > spec.model.ratio:
            thinner = replace(spec.model, ratio=ratio)
            yield _("Use ratio {ratio}", ratio=ratio), replace(spec, model=thinner)

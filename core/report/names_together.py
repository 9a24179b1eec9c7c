"""Networks side by side: short names that tell them apart, a title, and how their settings differ.

Imports no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.language import _, comma, listed, semicolon
from core.report.names import network_title, sizes_in_words, title_and_options
from core.specs import ModelSpec
from core.zoo.catalogue import CATALOGUE, complete

MAX_NETWORKS = 12  # side by side, that can be told apart
_SIZE_AND_RATIO = (0, 1)  # among the settings
_NAMED = 3  # networks that a title names; of more it counts the others


def short_titles(specs: Sequence[ModelSpec]) -> list[str]:
    """A name for each that no other of them has, without what is the same in all of them.

    `VGG-11` and `AlexNet`; `VGG-11, ratio 1` and `VGG-11, ratio 4`. Channels and classes are told
    only where nothing else tells two apart.
    """
    if len(specs) < 2:
        return [network_title(spec) for spec in specs]
    settings = [sizes_in_words(spec) for spec in specs]
    differ = _differing(settings)
    full = [network_title(spec) for spec in specs]
    for told in ([at for at in differ if at in _SIZE_AND_RATIO], differ):
        names = [
            title_and_options(spec, *(own[at] for at in told))
            for spec, own in zip(specs, settings, strict=True)
        ]
        if len(set(names)) == len(set(full)):
            return names
    return full


def title_together(specs: Sequence[ModelSpec]) -> str:
    """`AlexNet and VGG-11`; `AlexNet, VGG-11 and 7 others`."""
    names = [title_and_options(spec) for spec in specs]
    if len(specs) < 2 or len(set(names)) < len(names):
        names = short_titles(specs)
    if len(names) <= _NAMED:
        return listed(names)
    return _(
        "{networks} and {others} others",
        networks=comma().join(names[: _NAMED - 1]),
        others=len(names) - _NAMED + 1,
    )


def settings_sentence(specs: Sequence[ModelSpec]) -> str:
    """Which size, ratio, channels and classes they have; in one sentence where all are equal."""
    settings = [sizes_in_words(spec) for spec in specs]
    differ = _differing(settings)
    if not differ:
        told = comma().join(settings[0])
        if all(map(_is_as_published, specs)):
            return _("As published: {settings}.", settings=told)
        if len(specs) > 1:
            return _("All with {settings}.", settings=told)
        return _("With {settings}.", settings=told)
    having: dict[str, list[str]] = {}
    for spec, own in zip(specs, settings, strict=True):
        told = comma().join(own[at] for at in differ)
        told = _("as published ({settings})", settings=told) if _is_as_published(spec) else told
        having.setdefault(told, []).append(title_and_options(spec))
    each = semicolon().join(
        _("{networks}: {settings}", networks=comma().join(names), settings=told)
        for told, names in having.items()
    )
    return _("Their settings differ, and with them the costs. {each}.", each=each)


def _differing(settings: Sequence[tuple[str, ...]]) -> list[int]:
    """Which of the settings are not the same in all."""
    return [at for at, values in enumerate(zip(*settings, strict=True)) if len(set(values)) > 1]


def _is_as_published(spec: ModelSpec) -> bool:
    """Whether it is of the size and width that its source gives it."""
    row = CATALOGUE.get(spec.arch)
    if row is None:
        return False
    default = complete(row.default)
    return complete(spec) == replace(
        default, in_channels=spec.in_channels, num_classes=spec.num_classes
    )

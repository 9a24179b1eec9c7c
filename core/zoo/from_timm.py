"""timm's models (PyTorch Image Models): what they are, and how one is built, without a sound."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import timm
from torch import nn

from core.specs import ModelSpec
from core.zoo.libraries import LIBRARIES, LibraryModel

_TIMM = LIBRARIES["timm"]


def models() -> dict[str, LibraryModel]:
    """Every model in timm's order, at the size of its first weights.

    timm publishes figures with two decimals of a million: too few to stand beside exact ones.
    """
    return {name: LibraryModel(_own_size(name)[0]) for name in timm.list_models()}


def _own_size(name: str) -> tuple[int, int]:
    """Pixels, height and width."""
    _, height, width = timm.get_pretrained_cfg(name).input_size
    return height, width


def keywords(spec: ModelSpec) -> dict[str, Any]:
    """What `create_model` is called with, besides the name."""
    name = _TIMM.model_name(spec.arch)
    arguments: dict[str, Any] = {"pretrained": False, "num_classes": spec.num_classes}
    if spec.in_channels != 3:
        arguments["in_chans"] = spec.in_channels
    # Others take any size; they do not know the argument
    has_fixed_size = timm.get_pretrained_cfg(name).fixed_input_size
    if has_fixed_size and _own_size(name) != spec.sides:
        arguments["img_size"] = spec.image_size
    return arguments


def build(spec: ModelSpec) -> nn.Module:
    """(N, in_channels, H, W) to (N, num_classes)."""
    with _silence():
        return timm.create_model(_TIMM.model_name(spec.arch), **keywords(spec))


@contextmanager
def _silence() -> Iterator[None]:
    """What timm logs and warns of while it builds is for those who load weights."""
    logger = logging.getLogger("timm")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)

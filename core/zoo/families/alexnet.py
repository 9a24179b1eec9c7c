"""The table of AlexNet as in "Dive into Deep Learning" 8.1 (Krizhevsky et al. 2012, one tower)."""

from __future__ import annotations

from core.language import N_
from core.specs import ModelSpec
from core.zoo.architecture import Architecture, Window, built_by

POOL: Window = (3, 2, 0)
CONVOLUTIONS: tuple[tuple[int, Window, bool], ...] = (  # channels, window, a max-pool follows
    (96, (11, 4, 1), True),
    (256, (5, 1, 2), True),
    (384, (3, 1, 1), False),
    (384, (3, 1, 1), False),
    (256, (3, 1, 1), True),
)


ARCHITECTURES = (
    Architecture(
        "alexnet",
        "AlexNet",
        N_("Classics"),
        2012,
        N_("Krizhevsky et al. 2012, as in Dive into Deep Learning 8.1"),
        built_by("alexnet.alexnet"),
        ModelSpec("alexnet"),
    ),
)

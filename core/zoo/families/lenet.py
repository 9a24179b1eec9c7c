"""The row of LeNet-5, average pooling and sigmoids, as in "Dive into Deep Learning" 7.6."""

from __future__ import annotations

from core.language import N_
from core.specs import ModelSpec
from core.zoo.architecture import Architecture, built_by

ARCHITECTURES = (
    Architecture(
        "lenet",
        "LeNet-5",
        N_("Classics"),
        1998,
        N_("LeCun et al. 1998, as in Dive into Deep Learning 7.6"),
        built_by("lenet.lenet"),
        ModelSpec("lenet", image_size=28),
    ),
)

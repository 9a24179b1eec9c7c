"""The widths of the branches in the course note's Inception net and GoogLeNet (1409.4842)."""

from __future__ import annotations

from core.language import N_
from core.specs import ModelSpec
from core.zoo.architecture import Architecture, Option, built_by

# Table 1 of arXiv 1409.4842: 1×1; 3×3 reduce, 3×3; 5×5 reduce, 5×5; pool projection.
# "pool" is a 3×3 max-pool with stride 2.
GOOGLENET: tuple[tuple[str, tuple[int, int, int, int, int, int] | None], ...] = (
    ("inception3a", (64, 96, 128, 16, 32, 32)),
    ("inception3b", (128, 128, 192, 32, 96, 64)),
    ("pool3", None),
    ("inception4a", (192, 96, 208, 16, 48, 64)),
    ("inception4b", (160, 112, 224, 24, 64, 64)),
    ("inception4c", (128, 128, 256, 24, 64, 64)),
    ("inception4d", (112, 144, 288, 32, 64, 64)),
    ("inception4e", (256, 160, 320, 32, 128, 128)),
    ("pool4", None),
    ("inception5a", (256, 160, 320, 32, 128, 128)),
    ("inception5b", (384, 192, 384, 48, 128, 128)),
)

HIDDEN_WIDTH = 128  # units of each hidden layer in a deeper head of the course net
_COURSE_OPTIONS = (
    Option(
        "head_layers",
        N_("Linear layers in the head"),
        N_("The note has one; each further one stands before it, 128 units and a ReLU."),
        1,
        minimum=1,
        maximum=3,
    ),
)

ARCHITECTURES = (
    Architecture(
        "course-inception",
        N_("Course Inception net"),
        "Inception",
        2020,
        N_("course note on GoogLeNet, InceptionA"),
        built_by("inception.course_inception"),
        ModelSpec("course-inception", image_size=28),
        _COURSE_OPTIONS,
    ),
    Architecture(
        "googlenet",
        "GoogLeNet",
        "Inception",
        2014,
        N_("arXiv 1409.4842, table 1"),
        built_by("inception.googlenet"),
        ModelSpec("googlenet", in_channels=3, num_classes=1000),
    ),
)

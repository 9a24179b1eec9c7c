"""Options of the course note's residual net: the shortcuts that its homework asks for."""

from __future__ import annotations

from core.language import N_
from core.specs import ModelSpec
from core.zoo.architecture import Architecture, Option, built_by
from core.zoo.families.unit_options import SHORTCUT_OPTION, unit_options
from core.zoo.variants import WITH_MISTAKE

COURSE_SHORTCUTS = ("identity", "constant-scaling", "conv", "none")  # of the note and its homework


_OPTIONS = (
    SHORTCUT_OPTION,
    Option(
        "as_published",
        N_("As published"),
        N_(
            "Keeps the homework's mistake: conv2 reads the block's input, so conv1 is never"
            " trained."
        ),
        False,
        stands_for=lambda value, others: bool(value) and others["shortcut"] in WITH_MISTAKE,
    ),
    *unit_options(batch_norm=False, is_chain=False),
)

ARCHITECTURES = (
    Architecture(
        "course-residual",
        N_("Course residual net"),
        N_("Residual"),
        2020,
        N_("course note on ResNet; shortcuts from arXiv 1603.05027"),
        built_by("residual.course_residual"),
        ModelSpec("course-residual", image_size=28),
        _OPTIONS,
    ),
)

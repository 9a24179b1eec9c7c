"""The residual blocks that the lab compares: one table for the zoo, the pages and the titles.

Imports no torch, so that a table of runs can name them.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.specs import ModelSpec, OptionValue


@dataclass(frozen=True)
class Variant:
    """One residual block of the course net."""

    name: str
    title: str
    shortcut: str  # the option of course-residual
    as_published: bool  # with the homework's mistake: conv2 reads x, so conv1 is never trained
    formula: str

    @property
    def options(self) -> tuple[tuple[str, OptionValue], ...]:
        """The course net's options for this block, as ModelSpec keeps them."""
        return (("as_published", self.as_published), ("shortcut", self.shortcut))


VARIANTS: dict[str, Variant] = {
    variant.name: variant
    for variant in (
        Variant("identity", "plain residual", "identity", False, "ReLU(x + conv2(ReLU(conv1(x))))"),
        Variant(
            "constant-scaling",
            "constant scaling",
            "constant-scaling",
            False,
            "ReLU(0.5 · (x + conv2(ReLU(conv1(x)))))",
        ),
        Variant(
            "constant-scaling-published",
            "constant scaling, as published",
            "constant-scaling",
            True,
            "ReLU(0.5 · (x + conv2(x))); conv1 is dead",
        ),
        Variant("conv", "conv shortcut", "conv", False, "ReLU(conv1×1(x) + conv2(ReLU(conv1(x))))"),
        Variant(
            "conv-published",
            "conv shortcut, as published",
            "conv",
            True,
            "ReLU(conv1×1(x) + conv2(x)); conv1 is dead",
        ),
        Variant("none", "no shortcut", "none", False, "ReLU(conv2(ReLU(conv1(x))))"),
    )
}
SHORTCUT_TITLES = {v.shortcut: v.title for v in VARIANTS.values() if not v.as_published}
# The homework's two blocks, as published, compute y = conv2(x): what conv1 gave is thrown away.
WITH_MISTAKE = tuple(v.shortcut for v in VARIANTS.values() if v.as_published)


def variant_of(model: ModelSpec) -> Variant | None:
    """The variant that a course residual net is; None for another network."""
    if model.arch != "course-residual":
        return None
    shortcut = model.option("shortcut") or "identity"
    wrong = bool(model.option("as_published")) and shortcut in WITH_MISTAKE
    return next(
        (v for v in VARIANTS.values() if (v.shortcut, v.as_published) == (shortcut, wrong)), None
    )

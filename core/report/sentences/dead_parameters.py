"""What can be said of parameters that got no gradient in any step of a run."""

from __future__ import annotations

from collections.abc import Mapping

from core.language import _, comma
from core.specs import Recipe


def dead_sentence(dead: Mapping[str, int], recipe: Recipe) -> str:
    """How many they are, what has become of them, and their names."""
    count, names = sum(dead.values()), comma().join(dead)
    if recipe.weight_decay:
        return _(
            "{count:,} parameters got no gradient in any step, so at most weight decay has"
            " changed them: {names}.",
            count=count,
            names=names,
        )
    return _(
        "{count:,} parameters got no gradient in any step, so they are still what they were"
        " initialized to: {names}.",
        count=count,
        names=names,
    )

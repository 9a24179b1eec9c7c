"""What can be said of parameters that got no gradient in any step of a run."""

from __future__ import annotations

from collections.abc import Mapping

from core.specs import Recipe


def dead_sentence(dead: Mapping[str, int], recipe: Recipe) -> str:
    """How many they are, what has become of them, and their names."""
    if recipe.weight_decay:
        outcome = "only weight decay has changed them"
    else:
        outcome = "they are still what they were initialized to"
    return (
        f"{sum(dead.values()):,} parameters got no gradient in any step, so {outcome}:"
        f" {', '.join(dead)}."
    )

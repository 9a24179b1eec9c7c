"""What a recipe sets besides its epochs, batch and rate, in words. Imports no torch."""

from __future__ import annotations

from core.specs import Recipe


def recipe_settings(recipe: Recipe) -> list[str]:
    """A line for each setting: `momentum 0.9 (Nesterov)`, `weight decay 0.0005`."""
    nesterov = " (Nesterov momentum)" if recipe.nesterov else ""
    norm = recipe.max_gradient_norm
    initialization = {"xavier": "Xavier", "default": "PyTorch's own"}[recipe.initialization]
    lines = (
        f"SGD, momentum {recipe.momentum:g}{nesterov}" if recipe.momentum else "SGD, no momentum",
        f"weight decay {recipe.weight_decay:g}" if recipe.weight_decay else "no weight decay",
        f"schedule: {recipe.schedule}",
        f"initialization: {initialization}",
        f"gradients longer than {norm:g} are shortened" if norm else "",
        "pixels with mean 0 and deviation 1" if recipe.normalize else "pixels from 0 to 1",
        "bfloat16 where the device gains by it" if recipe.bfloat16 else "float32",
    )
    return [line for line in lines if line]

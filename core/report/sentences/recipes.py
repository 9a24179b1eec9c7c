"""What a recipe sets besides its epochs, batch and rate, in words. Imports no torch."""

from __future__ import annotations

from core.language import N_, _
from core.specs import Recipe

_SCHEDULES = {"constant": N_("constant"), "one-cycle": N_("one-cycle")}
_INITIALIZATIONS = {"xavier": N_("Xavier"), "default": N_("PyTorch's own")}


def recipe_settings(recipe: Recipe) -> list[str]:
    """A line for each setting: `SGD, momentum 0.9`, `weight decay 0.0005`."""
    norm = recipe.max_gradient_norm
    lines = (
        _optimizer(recipe),
        _("weight decay {value}", value=f"{recipe.weight_decay:g}")
        if recipe.weight_decay
        else _("no weight decay"),
        _("schedule: {schedule}", schedule=_(_SCHEDULES[recipe.schedule])),
        _("initialization: {kind}", kind=_(_INITIALIZATIONS[recipe.initialization])),
        _("gradients longer than {norm} are shortened", norm=f"{norm:g}") if norm else "",
        _("pixels with mean 0 and deviation 1") if recipe.normalize else _("pixels from 0 to 1"),
        _("bfloat16 where the device gains by it") if recipe.bfloat16 else "float32",
    )
    return [line for line in lines if line]


def _optimizer(recipe: Recipe) -> str:
    if not recipe.momentum:
        return _("SGD, no momentum")
    momentum = f"{recipe.momentum:g}"
    if recipe.nesterov:
        return _("SGD, momentum {momentum} (Nesterov momentum)", momentum=momentum)
    return _("SGD, momentum {momentum}", momentum=momentum)

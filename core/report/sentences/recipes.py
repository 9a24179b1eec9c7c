"""What a recipe sets besides its epochs, batch and rate, in words. Imports no torch."""

from __future__ import annotations

from core.language import N_, _
from core.specs import Recipe
from core.training.recipes import MUON_SHARE

_SCHEDULES = {"constant": N_("constant"), "one-cycle": N_("one-cycle")}
_INITIALIZATIONS = {"xavier": N_("Xavier"), "default": N_("PyTorch's own")}


def recipe_settings(recipe: Recipe) -> list[str]:
    """A line for each setting: `SGD, momentum 0.9`, `weight decay 0.0005`."""
    norm = recipe.max_gradient_norm
    smoothing = recipe.label_smoothing
    lines = (
        _optimizer(recipe),
        _convolutions(recipe),
        _("weight decay {value}", value=f"{recipe.weight_decay:g}")
        if recipe.weight_decay
        else _("no weight decay"),
        _("schedule: {schedule}", schedule=_(_SCHEDULES[recipe.schedule])),
        _("initialization: {kind}", kind=_(_INITIALIZATIONS[recipe.initialization])),
        _("gradients longer than {norm} are shortened", norm=f"{norm:g}") if norm else "",
        _("labels smoothed by {share}", share=f"{smoothing:g}") if smoothing else "",
        _("pixels with mean 0 and deviation 1") if recipe.normalize else _("pixels from 0 to 1"),
        _("bfloat16 where the device gains by it")
        if recipe.bfloat16
        else _("float32; convolutions on NVIDIA's cards since Ampere: TF32"),
    )
    return [line for line in lines if line]


def _convolutions(recipe: Recipe) -> str:
    """What moves them, where it is not what moves all else."""
    if recipe.optimizer != "muon":
        return ""
    return _(
        "convolutions by Muon instead, at {share} of the learning rate and without weight decay",
        share=MUON_SHARE,
    )


def _optimizer(recipe: Recipe) -> str:
    if not recipe.momentum:
        return _("SGD, no momentum")
    momentum = f"{recipe.momentum:g}"
    if recipe.nesterov:
        return _("SGD, momentum {momentum} (Nesterov momentum)", momentum=momentum)
    return _("SGD, momentum {momentum}", momentum=momentum)

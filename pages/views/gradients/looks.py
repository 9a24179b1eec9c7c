"""How networks and runs look in the charts of gradients: as the study of variants draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.language import N_
from core.measure.gradient_records import NetworkFlow
from core.report.figures.palette import GRAY, LineStyle
from core.report.figures.variants import style_of
from core.specs import ModelSpec
from core.zoo.variants import variant_of

_RUN_MARKERS = ("star", "cross", "x")  # of runs, open before training
MAX_RUNS = len(_RUN_MARKERS)  # measured after training
LOOKS = N_(
    "The color is the shortcut's, as in the study; dashed, with open markers: without"
    " BatchNorm; thicker: more layers. Runs have markers of their own, open before training."
)


def look_of(model: ModelSpec) -> LineStyle:
    """As the whole page draws this variant, dashed and open without BatchNorm; others are gray."""
    variant = variant_of(model)
    style = style_of(variant) if variant else LineStyle(GRAY, "circle")
    if model.option("batch_norm") is not False or style.dash != "solid":
        return style
    return replace(style, dash="dash", marker=f"{style.marker}-open")


def looks(flows: Sequence[NetworkFlow]) -> list[LineStyle]:
    """Of each network that of its variant; each run has a marker of its own."""
    runs = sorted({flow.run for flow in flows if flow.run is not None})
    styles = []
    for flow in flows:
        look = look_of(flow.model)
        if flow.run is not None:
            marker = _RUN_MARKERS[runs.index(flow.run) % MAX_RUNS]
            look = replace(look, marker=marker if flow.trained else f"{marker}-open")
        styles.append(look)
    return styles

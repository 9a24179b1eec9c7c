"""The strip above the views: how the map shrinks from the image to the classes, as one drags."""

from __future__ import annotations

import streamlit as st

from core.analysis.glance import glance_at
from core.analysis.records import Analysis
from core.report import glance as shown
from core.report.figures.palette import KIND_COLORS, in_both_themes
from pages.views.app import glances
from pages.views.app.browser_files import FOLDER, component_script

TOTALS_KEY = "net_totals"  # of the container with the cards, which follow the slider too
_HEIGHT = 400  # pixels

_strip = st.components.v2.component(
    "network_strip",
    html='<p class="strip-title">From image to classes</p><div class="strip">'
    '<svg role="group" aria-label="The stages of the network"></svg></div>'
    '<p class="strip-line" aria-live="polite"></p>',
    css=(FOLDER / "strip.css").read_text(encoding="utf-8"),
    js=component_script(FOLDER / "strip.js"),
    isolate_styles=False,
)


def strip(analysis: Analysis, default: Analysis) -> str | None:
    """Draw the stages; returns the block that was clicked, "image" for the first box.

    `default` is the network at its own setting, whose outline is dashed.
    """
    spec = analysis.spec
    result = _strip(
        key="net_strip",
        data={
            "strip": shown.strip(glance_at(analysis, glances.BATCH_SIZE)),
            "default": shown.strip(glance_at(default, glances.BATCH_SIZE)),
            "values": {"ratio": spec.ratio, "image_size": spec.sides[0]},
            "sliders": {"ratio": "net_ratio", "image_size": "net_size"},
            "cards": TOTALS_KEY,
            "colors": {kind: in_both_themes(color) for kind, color in KIND_COLORS.items()},
            "path": glances.PATH,
            "query": glances.query(spec),
            "chosen": _chosen(analysis),
            "legend": "Height: pixels of the map's height. Width: channels, on a log scale. Dashed:"
            " the network's own setting. Click a stage for its layers.",
            "impossible": "The network cannot be built so small: its maps shrink to nothing.",
        },
        default={"block": None},
        on_block_change=lambda: None,
        height=_HEIGHT,
    )
    return result.block if result.block in _names(analysis) else None


def _names(analysis: Analysis) -> list[str]:
    return ["image", *(block.path for block in analysis.rows("block"))]


def _chosen(analysis: Analysis) -> str | None:
    """The block that is chosen, where this network has one of that name."""
    state = st.session_state.get("net_strip") or {}
    chosen = state.get("block") if hasattr(state, "get") else None
    return chosen if chosen in _names(analysis) else None

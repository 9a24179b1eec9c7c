"""The strip above the views: how the map shrinks from the image to the classes, as one drags."""

from __future__ import annotations

import streamlit as st

from core.analysis.glance import glance_at
from core.analysis.records import Analysis
from core.language import N_, _
from core.report import glance as shown
from core.report.figures.palette import KIND_COLORS, in_both_themes
from pages.views.app import glances
from pages.views.app.address import keep_names, names_asked_for
from pages.views.app.browser_files import FOLDER, component_script
from pages.views.forms.limits import SIZE_SLIDER

TOTALS_KEY = "net_totals"  # of the container with the cards, which follow the slider too
_STRIP_KEY, _BLOCK_KEY = "net_strip", "net_block"  # of the component; of the chosen block
_HEIGHT = 356  # pixels
_SMALL = 128  # pixels a side of an image that fills the strip of a network for smaller ones
_LEGEND = N_(
    "Boxes: the maps' sides and, lengthwise, their channels, both by square root. Dashed: the"
    " default setting. Click one for its layers."
)

_strip = st.components.v2.component(
    "network_strip",
    html='<p class="strip-title"></p><div class="strip"><svg role="group"></svg></div>'
    '<p class="strip-line" aria-live="polite"></p>',
    css=(FOLDER / "strip.css").read_text(encoding="utf-8"),
    js=component_script(FOLDER / "strip.js"),
    isolate_styles=False,
)


def strip(analysis: Analysis, default: Analysis) -> str | None:
    """Draw the stages; returns the block that is chosen, "image" for the first box.

    `default` is the network at its own setting, whose outline is dashed.
    """
    spec = analysis.spec
    chosen = _chosen(analysis)
    _strip(
        key=_STRIP_KEY,
        data={
            "strip": shown.strip(glance_at(analysis, shown.BATCH_SIZE)),
            "default": shown.strip(glance_at(default, shown.BATCH_SIZE)),
            "values": {"ratio": spec.ratio, "image_size": spec.sides[0]},
            "sliders": {"ratio": "net_ratio", "image_size": "net_size"},
            "largest": _largest(default),
            "cards": TOTALS_KEY,
            "colors": {kind: in_both_themes(color) for kind, color in KIND_COLORS.items()},
            "path": glances.PATH,
            "query": glances.query(spec),
            "chosen": chosen,
            "words": {
                "title": _("From image to classes"),
                "about": _("The stages of the network"),
                "legend": _(_LEGEND),
                "impossible": _(
                    "The network cannot be built so small: its maps shrink to nothing."
                ),
            },
            "titles": {"image": _("image")},
        },
        on_chosen_change=_choose,
        height=_HEIGHT,
    )
    keep_names(_BLOCK_KEY, [chosen] if chosen else [], [])
    return chosen


def _largest(default: Analysis) -> int:
    """The side that fills the strip: of the slider's largest image, or of a quite small one."""
    return _SMALL if max(default.spec.sides) <= _SMALL // 2 else SIZE_SLIDER[1]


def _choose() -> None:
    """Keep which block was clicked; none where it was the chosen one."""
    st.session_state[_BLOCK_KEY] = st.session_state[_STRIP_KEY].chosen or None


def _chosen(analysis: Analysis) -> str | None:
    """The block that is chosen, where this network has one of that name."""
    names = ["image", *(block.path for block in analysis.rows("block"))]
    asked = names_asked_for(_BLOCK_KEY, {name: name for name in names}, [])
    if asked is not None:
        st.session_state[_BLOCK_KEY] = asked[-1] if asked else None
    chosen = st.session_state.get(_BLOCK_KEY)
    return chosen if chosen in names else None

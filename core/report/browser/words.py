"""What Plotly says itself, on its buttons and of what they do, in the language of its reader."""

from __future__ import annotations

from core.language import N_, _

_SAID = (  # by plotly.min.js of the buttons that figures have here, as it writes them
    N_("Zoom"),
    N_("Pan"),
    N_("Zoom in"),
    N_("Zoom out"),
    N_("Reset axes"),
    N_("Reset"),
    N_("Autoscale"),
    N_("Download plot"),
    N_("Download plot as a PNG"),
    N_("Preparing image - this may take a few seconds"),
    N_("Image download succeeded"),
    N_("Sorry, there was a problem downloading your image!"),
    N_("Double-click to zoom back out"),
    N_("Double-click on legend to isolate one trace"),
)


def plotly_words() -> dict[str, str]:
    """What it would say in English → what it says."""
    return {text: _(text) for text in _SAID}

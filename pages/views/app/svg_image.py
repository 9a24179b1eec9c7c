"""Pictures of SVG that stand in a page and follow its theme."""

from __future__ import annotations

from base64 import b64encode
from html import escape

from core.report.figures.palette import in_both_themes


def svg_image(svg: str, text: str = "") -> str:
    """The picture as HTML, as wide as there is room, with a text for readers who cannot see it.

    Without a text screen readers pass it over: what stands beside it says the same. An image's
    color scheme is that of the element that shows it (CSS Color Adjust 1, section 2.4), so its
    colors follow the page's theme.
    """
    themed = in_both_themes(svg.replace("<svg ", '<svg style="color-scheme:light dark" ', 1))
    data = b64encode(themed.encode()).decode()
    return (
        '<img style="display:block;max-width:100%;height:auto"'
        f' src="data:image/svg+xml;base64,{data}" alt="{escape(text)}">'
    )

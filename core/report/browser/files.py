"""Where they lie."""

from __future__ import annotations

from pathlib import Path

PLOTLY = Path(__file__).parent / "plotly.min.js"  # a part of plotly.js: tools/make_plotly_bundle.sh
LOOK = Path(__file__).parent / "look.js"

"""Handouts of what a page shows: the file is made on the click, not before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import urlencode

import streamlit as st

from core.report.handout.document import Document
from core.report.handout.html import handout_html
from pages.views.app.head import Handout, Head


def offer_handout(head: Head, name: str, document: Callable[[str], Document]) -> None:
    """Let Share have the handout of what is shown.

    `document` gets the address of the view; it is called in a thread of its own and must not draw.
    `name`: of the file, without its ending.
    """
    query = urlencode(st.query_params.to_dict(), doseq=True)
    address = f"{st.context.url or ''}{'?' if query else ''}{query}"
    head.handout = Handout(lambda: handout_html(document(address), datetime.now(UTC)), name)

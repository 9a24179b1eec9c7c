"""What Streamlit itself says in its controls, which it can say in English only: page.js puts the
reader's words in their place.
"""

from __future__ import annotations

import json
from html import escape

import streamlit as st

from core.language import ENGLISH, N_, _, language

_WORDS = (
    N_("Add"),
    N_("Autosize"),
    N_("Cancel"),
    N_("Choose an option"),
    N_("Choose options"),
    N_("Clear all"),
    N_("Clear cache"),
    N_("Clear caches"),
    N_("Clear selection"),
    N_("Clear value"),
    N_("Close"),
    N_("Close fullscreen"),
    N_("Close sidebar"),
    N_("Collapse sidebar"),
    N_("Connecting"),
    N_("Connection error"),
    N_("Copied"),
    N_("Copied!"),
    N_("Copy to clipboard"),
    N_("Dark"),
    N_("Decrement"),
    N_("Download as CSV"),
    N_("Drag and drop a file here"),
    N_("Drag and drop files here"),
    N_("Expand sidebar"),
    N_("Fullscreen"),
    N_("Fullscreen: {label}"),
    N_("Help"),
    N_("Help for {label}"),
    N_("Hide column"),
    N_("Increment"),
    N_("Light"),
    N_("Loading..."),
    N_("Made with Streamlit v"),
    N_("Main menu"),
    N_("Next page"),
    N_("No results"),
    N_("Open"),
    N_("Open sidebar"),
    N_("Pin column"),
    N_("Please wait..."),
    N_("Press Enter to apply"),
    N_("Previous page"),
    N_("Print"),
    N_("Record a screencast"),
    N_("Record screen"),
    N_("Remove {label}"),
    N_("Rerun"),
    N_("Running..."),
    N_("Search"),
    N_("Select all"),
    N_("Settings"),
    N_("Show/hide columns"),
    N_("Skip to main content"),
    N_("Sort ascending"),
    N_("Sort descending"),
    N_("System"),
    N_("Unpin column"),
    N_("Upload"),
    N_("Upload file"),
    N_("Upload files"),
    N_("Working it out…"),  # of a cache, which says it while it fills
)


def tell_the_browser() -> None:
    """The language of the page, and the words; nothing is seen of it."""
    words = {} if language() == ENGLISH else {word: _(word) for word in _WORDS}
    told = escape(json.dumps(words, ensure_ascii=False))
    st.html(f'<span id="page-language" data-language="{language()}" data-words="{told}"></span>')

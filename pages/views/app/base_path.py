"""The path that the lab stands under, where a proxy serves other things too."""

from __future__ import annotations

import streamlit as st


def base_path() -> str:
    """From and to a slash: `/`, or `/lab/`."""
    base = (st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{base}/" if base else "/"

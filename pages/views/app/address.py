"""What an address asks for that no control of the page can take: told, not passed over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import streamlit as st

from pages.views.app.messages import escaped

SHOWN = 40  # characters of a value that the sentence repeats
NAMED = 4  # so many values it names

Label = Callable[[str, object], str | None]  # of a control's key and value, as the control shows it


def no_label(key: str, value: object) -> str | None:
    """For pages whose controls show values as they are."""
    return None


@contextmanager
def address_checked(label: Label = no_label) -> Iterator[None]:
    """Draw a page's controls inside; then say which of the address's values became a default.

    A control reads the address when it is first drawn. Streamlit then takes out of it what it
    could not read, and also what is the default already.
    """
    asked = {
        key: text for key, text in st.query_params.to_dict().items() if key not in st.session_state
    }
    place = st.empty()
    yield
    refused = [
        f"{key}={text[:SHOWN]}"
        for key, text in asked.items()
        if key in st.session_state
        and st.query_params.get(key) != text
        and not means(text, st.session_state[key], label(key, st.session_state[key]))
    ]
    if refused:
        listed = ", ".join(refused[:NAMED]) + (", …" if len(refused) > NAMED else "")
        place.warning(
            f"The address asks for what this page does not have ({escaped(listed)}); the page shows"
            " its own default there.",
            icon=":material/link_off:",
        )


def means(text: str, value: object, label: str | None) -> bool:
    """Whether an address's `text` stands for a control's `value`."""
    if isinstance(value, bool):
        return text.lower() == str(value).lower()
    if isinstance(value, int | float):
        with suppress(ValueError):
            return float(text) == value
        return False
    return text in (str(value), label)

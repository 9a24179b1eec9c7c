"""What an address asks for: read before a control is drawn, told where no control can take it.

Streamlit's own binding (`bind="query-params"`) writes what a control shows. That does for numbers
and switches; what a list shows are titles, and an address holds names. So lists of names are bound
here: `names_asked_for` before the control is drawn, `keep_names` after it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import MappingProxyType

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.state import get_session_state

from core.language import _
from core.specs import LabError
from pages.views.app.messages import escaped

_SHOWN = 40  # characters of a value that the sentence repeats
_NAMED = 4  # so many values it names
_VISIT = "address_of_this_visit"


@dataclass
class _Visit:
    """What this visit's address holds of the lists of names, and what it asked for in vain."""

    written: dict[str, list[str]] = field(default_factory=dict)  # key → its texts in the address
    drawn: dict[str, list[str]] = field(default_factory=dict)  # the same, to be written by this run
    on_every_page: dict[str, list[str]] = field(default_factory=dict)  # lists of the menu
    is_drawn: bool = False  # whether a page, or a fragment alone, is being drawn
    of_fragment: dict[str, tuple[str, ...]] = field(default_factory=dict)  # its name → its keys
    refused: list[tuple[str, str]] = field(default_factory=list)  # key and text


def _visit() -> _Visit:
    if _VISIT not in st.session_state:
        st.session_state[_VISIT] = _Visit()
    visit: _Visit = st.session_state[_VISIT]
    return visit


# A page's controls ---------------------------------------------------------------------------


@contextmanager
def address_checked() -> Iterator[None]:
    """Draw a page's controls inside; then say which of the address's values became a default.

    A control reads the address when it is first drawn. Streamlit then takes out of it what it
    could not read, and also what is the default already.
    """
    _take_out_unreadable_numbers()
    visit = _visit()
    visit.drawn, visit.is_drawn = dict(visit.on_every_page), True
    asked = {
        key: text for key, text in st.query_params.to_dict().items() if key not in st.session_state
    }
    sentence_box = st.empty()
    try:
        yield
    except LabError:
        _write(visit, visit.written)
        raise
    finally:
        visit.is_drawn = False
    refused, visit.refused = visit.refused, []
    refused += [
        (key, text)
        for key, text in asked.items()
        if key in st.session_state
        and key not in visit.drawn
        and st.query_params.get(key) != text
        and not _means(text, st.session_state[key])
    ]
    _write(visit, visit.written)
    if refused:
        listed = ", ".join(f"{key}={text[:_SHOWN]}" for key, text in refused[:_NAMED])
        more = ", …" if len(refused) > _NAMED else ""
        sentence_box.warning(
            _(
                "The address asks for what this page does not have ({parameters}); the page shows"
                " its own default there.",
                parameters=escaped(listed + more),
            ),
            icon=":material/link_off:",
        )


@contextmanager
def address_of_fragment(name: str) -> Iterator[None]:
    """Draw a fragment's controls inside: when it runs alone, its lists are written at its end.

    `name` tells the fragments of a page apart. When the whole page runs, the page writes them; of
    one fragment inside another the outer one does.
    """
    visit = _visit()
    is_alone, around = not visit.is_drawn, visit.drawn
    visit.is_drawn, visit.drawn = True, {}
    try:
        yield
        if is_alone:
            _write(visit, visit.of_fragment.get(name, ()))
        visit.of_fragment[name] = tuple(visit.drawn)
    finally:
        visit.is_drawn, visit.drawn = not is_alone, around | visit.drawn


def _take_out_unreadable_numbers() -> None:
    """Begin again without infinity and not-a-number.

    Streamlit's number controls end in an OverflowError on them. They read the address as it was
    when the run of the page began, so the page must be run again.
    """
    refused = [
        (key, text)
        for key in st.query_params
        if "_" in key  # a control's key begins with its page: train_seed
        for text in st.query_params.get_all(key)
        if _is_no_finite_number(text)
    ]
    if refused:
        _visit().refused += refused
        with get_session_state().query_params() as parameters:  # st.query_params refuses bound keys
            for key in {key for key, _ in refused}:
                parameters.remove_param(key)
        st.rerun()


def _is_no_finite_number(text: str) -> bool:
    """Of inf, nan and 1e309; not of words."""
    try:
        return not math.isfinite(float(text))
    except ValueError:
        return False


def _means(text: str, value: object) -> bool:
    """Whether an address's `text` stands for a control's `value`."""
    if isinstance(value, bool):
        return text.lower() == str(value).lower()
    if isinstance(value, int | float):
        with suppress(ValueError):
            return float(text) == value
        return False
    return text == str(value)


# Lists of names ------------------------------------------------------------------------------


def names_asked_for(
    key: str,
    titles: Mapping[str, str],
    defaults: Sequence[str],
    aliases: Mapping[str, str] = MappingProxyType({}),
) -> list[str] | None:
    """The names that the list `key` must now show because the address says so; None: as it is.

    `titles` has the title of each name: addresses of earlier versions hold titles. `aliases` are
    names that stand for one of these. To be called before the control is drawn.
    """
    visit = _visit()
    texts = _texts(key)
    is_known = key in st.session_state
    if is_known and texts == visit.written.get(key, []):
        return None
    if not texts:
        # Through the menu a page comes without parameters, and its controls keep their values;
        # through the browser's Back an address without the parameter asks for the default.
        return list(defaults) if is_known and _came_by_history() else None
    if not any(texts):
        return []  # ?key= is a list from which everything was taken away
    by_text = {title: name for name, title in titles.items()} | {name: name for name in titles}
    by_text |= aliases
    names = [by_text[text] for text in texts if text in by_text]
    visit.refused += [(key, text) for text in texts if text not in by_text]
    return list(dict.fromkeys(names)) or None


def keep_names(key: str, names: Sequence[str], defaults: Sequence[str]) -> None:
    """Let the address have what the list `key` shows, nothing where that is the default.

    To be called after the control is drawn; written when all controls of the page, or of a
    fragment that runs alone, are.
    """
    _visit().drawn[key] = [] if list(names) == list(defaults) else list(names) or [""]


def keep_on_every_page(key: str, names: Sequence[str], defaults: Sequence[str]) -> None:
    """As `keep_names`, of a list that stands beside the page; to be called before the page's."""
    keep_names(key, names, defaults)
    visit = _visit()
    visit.on_every_page[key] = visit.drawn.pop(key)


def show_again(key: str) -> None:
    """Tell the browser what a list shows that the run before has not drawn.

    Streamlit keeps its value and does not send it again; a browser that has just taken the list off
    the page shows the first of its names instead. To be called before the control is drawn.
    """
    if key not in _visit().written and key in st.session_state:
        st.session_state[key] = st.session_state[key]


def _came_by_history() -> bool:
    """Whether the browser's Back or Forward has led here."""
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation


def _write(visit: _Visit, before: Iterable[str]) -> None:
    """Bring the address up to date; take out of it those lists of `before` that were not drawn.

    All in one message: each would be an entry of the browser's history.
    """
    wanted: dict[str, list[str]] = {key: [] for key in before} | visit.drawn
    changes = [(key, texts) for key, texts in wanted.items() if texts != _texts(key)]
    others = {key: texts for key, texts in visit.written.items() if key not in wanted}
    visit.written = others | visit.drawn
    if not changes:
        return
    *silent, (last_key, last_texts) = changes
    with get_session_state().query_params() as parameters:
        for key, texts in silent:
            if texts:
                parameters.set_with_no_forward_msg(key, texts)
            else:
                parameters.discard_param_no_forward_msg(key)
    if last_texts:
        st.query_params[last_key] = last_texts
    else:
        del st.query_params[last_key]


def _texts(key: str) -> list[str]:
    """What the address has under this key."""
    return st.query_params.get_all(key)


# From page to page ---------------------------------------------------------------------------


def go_to(page: str, parameters: Mapping[str, object]) -> None:
    """Open a page with these controls set, whatever was chosen there before."""
    prefixes = tuple({f"{key.partition('_')[0]}_" for key in parameters if "_" in key})
    for key in [key for key in st.session_state if str(key).startswith(prefixes)]:
        del st.session_state[key]
    texts = {
        key: value if isinstance(value, list) else str(value) for key, value in parameters.items()
    }
    st.switch_page(page, query_params=texts)

"""The Glossary page: the term that the address names, then all of them, searched as one types."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from urllib.parse import parse_qs

import streamlit as st

from core.explain.glossary import find_term, terms_with
from core.explain.terms.term import Term
from pages.views.app.frame import PAGES
from pages.views.app.messages import errors_in_one_sentence
from pages.views.app.prose import address_of

_OVERVIEW = "dashboard.py"
_TITLES = {
    "" if path == _OVERVIEW else path.removeprefix("pages/").removesuffix(".py"): title
    for path, title, _ in PAGES
}
_STYLE = """<style>
.stHtml .terms { margin: 0; padding: 0; max-width: 75ch; }
.terms a { color: inherit; }
.terms dt { font-weight: 600; margin-top: 1rem; }
.terms dt:first-child { margin-top: 0; }
.terms dt small { font-weight: 400; opacity: 0.75; }
.terms dd { margin: 0.125rem 0 0; }
.terms dd + dd { font-size: 0.875rem; }
</style>"""


def chosen_term() -> None:
    """What a link into the glossary leads to; a sentence where there is no such term."""
    word = st.query_params.get("term")
    if word is None:
        return
    with errors_in_one_sentence():
        term = find_term(word)
        with st.container(border=True):
            st.html(_list_of([term]))


def terms_view() -> None:
    """All terms by group, or those that have what is typed."""
    words = st.text_input(
        "Find a word",
        key="words",
        bind="query-params",
        max_chars=100,
        live=True,
        placeholder="memory, shortcut, interval …",
        help="Shows the terms that have all of these words in their name or their sentence.",
    )
    groups = terms_with(words)
    for group, terms in groups.items():
        st.header(group, anchor=False)
        st.html(_list_of(terms))
    if not groups:
        st.info("No term has all of these words; try fewer.", icon=":material/search_off:")


def _list_of(terms: Sequence[Term]) -> str:
    """The terms as a definition list."""
    return f'{_STYLE}<dl class="terms">{"".join(map(_entry, terms))}</dl>'


def _entry(term: Term) -> str:
    """Name and other forms; the sentence; its source, related terms and pages that use it."""
    aliases = f" <small>{escape(', '.join(term.aliases))}</small>" if term.aliases else ""
    see = [_inside(address_of(find_term(name)), name) for name in term.see]
    met = [_inside(address or "./", _page(address)) for address in term.met]
    parts = [f"Source: {_outside(term.source, term.url)}"]
    parts += [
        f"{title}: {', '.join(links)}" for title, links in (("See", see), ("Met on", met)) if links
    ]
    return (
        f"<dt>{escape(term.name)}{aliases}</dt><dd>{escape(term.sentence)}</dd>"
        f"<dd>{'. '.join(parts)}.</dd>"
    )


def _page(address: str) -> str:
    """`Architecture: Memory` of `architecture?net_view=Memory`."""
    name, _, query = address.partition("?")
    chosen = ", ".join(value for values in parse_qs(query).values() for value in values)
    return f"{_TITLES[name]}: {chosen}" if chosen else _TITLES[name]


def _inside(address: str, text: str) -> str:
    return f'<a href="{escape(address)}">{escape(text)}</a>'


def _outside(text: str, url: str) -> str:
    return f'<a href="{escape(url)}" target="_blank">{escape(text)}</a>' if url else escape(text)

"""The Glossary page: the term that the address names, then all of them, searched as one types."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from urllib.parse import parse_qs

import streamlit as st

from core.explain.glossary import GLOSSARY, find_term, terms_with
from core.explain.terms.term import Term
from core.language import N_, _, comma, paragraph
from core.report import formats
from pages.views.app.frame import PAGES
from pages.views.app.head import Head
from pages.views.app.language import in_this_language
from pages.views.app.messages import errors_in_one_sentence
from pages.views.app.prose import address_of
from pages.views.forms.names import pick_name

_ALL = N_("All")  # in place of a group
_SUMMARY = N_("Summary")  # a view that terms are met on, by its earlier name
_OVERVIEW = "dashboard.py"
_TITLES = {
    "" if path == _OVERVIEW else path.removeprefix("pages/").removesuffix(".py"): title
    for path, title, _icon in PAGES
}
_STYLE = """<style>
.stHtml .terms {
  margin: 0; padding: 0; display: grid; column-gap: 2.5rem; row-gap: 1.25rem; align-items: start;
  grid-template-columns: repeat(auto-fill, minmax(min(26rem, 100%), 1fr));
}
.terms > div { max-width: 75ch; }
.terms a { color: inherit; }
.terms dt { font-weight: 600; font-size: 18px; }
.terms dt small { font-weight: 400; font-size: 13px; color: light-dark(#525A66, #A9B1BC); }
.terms dd { margin: 0.125rem 0 0; }
.terms dd + dd { font-size: 13px; color: light-dark(#525A66, #A9B1BC); }
</style>"""


def chosen_term(head: Head) -> None:
    """What a link into the glossary leads to; a sentence where there is no such term."""
    word = st.query_params.get("term")
    if word is None:
        return
    with errors_in_one_sentence():
        term = find_term(word)
        head.title(_("Glossary: {term}", term=term.title))
        with st.container(border=True):
            st.html(_list_of([term]))


def terms_view() -> None:
    """The terms of one group, of all, or those that have what is typed."""
    words = st.text_input(
        _("Find a word"),
        key="words",
        type="search",
        icon=":material/search:",
        bind="query-params",
        max_chars=100,
        live=True,
        placeholder=_("memory, shortcut, interval …"),
        help=_("Shows the terms that have all of these words in their name or their sentence."),
    )
    is_search = bool(words and words.strip())
    counts = {group: len(terms) for group, terms in GLOSSARY.items()}
    total = sum(counts.values())
    group = pick_name(
        _("Words about"),
        {name: f"{_(name)} {number}" for name, number in (counts | {_ALL: total}).items()},
        next(iter(counts)),
        "group",
        is_shown=not is_search,  # a search goes through all of them
        draw=st.pills,
        label_visibility="collapsed",
    )
    groups = terms_with(words)
    if is_search:
        _say_how_many(sum(map(len, groups.values())), total)
    elif group != _ALL:
        groups = {group: groups[group]}
    for name, terms in groups.items():
        st.header(_(name), anchor=False)
        st.html(_list_of(terms))


def _say_how_many(found: int, total: int) -> None:
    """Of what was searched for."""
    if found:
        st.caption(_("{found} of {total} words", found=found, total=total))
    else:
        st.info(_("No term has all of these words; try fewer."), icon=":material/search_off:")


def _list_of(terms: Sequence[Term]) -> str:
    """The terms as a definition list."""
    return f'{_STYLE}<dl class="terms">{"".join(map(_entry, terms))}</dl>'


def _entry(term: Term) -> str:
    """Name and other forms; the sentence; its source, related terms and pages that use it."""
    forms = f" <small>{escape(comma().join(term.forms))}</small>" if term.forms else ""
    see = comma().join(map(_link_to, map(find_term, term.see)))
    met = comma().join(map(_met_on, term.met))
    further = paragraph(
        _("Source: {source}.", source=_outside(_(term.source), term.url)),
        _("See: {terms}.", terms=see) if see else "",
        _("Met on: {pages}.", pages=met) if met else "",
    )
    sentence = formats.kept_together(_(term.sentence))
    return (
        f"<div><dt>{escape(term.title)}{forms}</dt><dd>{escape(sentence)}</dd>"
        f"<dd>{further}</dd></div>"
    )


def _met_on(address: str) -> str:
    return _inside(in_this_language(address or "./"), _page(address))


def _page(address: str) -> str:
    """`Architecture: Memory` of `architecture?net_view=Memory`."""
    name, _mark, query = address.partition("?")
    chosen = [_(value) for values in parse_qs(query).values() for value in values]
    page = _(_TITLES[name])
    return _("{page}: {view}", page=page, view=comma().join(chosen)) if chosen else page


def _link_to(term: Term) -> str:
    return _inside(address_of(term), term.title)


def _inside(address: str, text: str) -> str:
    return f'<a href="{escape(address)}">{escape(text)}</a>'


def _outside(text: str, url: str) -> str:
    return f'<a href="{escape(url)}" target="_blank">{escape(text)}</a>' if url else escape(text)

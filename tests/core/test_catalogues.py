"""Every sentence is a whole template, said in every language, with the same values in it."""

from __future__ import annotations

import ast
from string import Formatter

import pytest

from core.language import ENGLISH, LANGUAGES
from tools.messages import (
    glued,
    is_translated,
    key,
    messages,
    mo_bytes,
    mo_path,
    po_text,
    read,
    said,
    sources,
    updated,
)

OTHERS = sorted(LANGUAGES.keys() - {ENGLISH})


def fields(template: str) -> list[tuple[str, str]]:
    """The named values of a template, in any order."""
    return sorted((name, "") for _, name, _, _ in Formatter().parse(template) if name is not None)


def forms(text: object) -> tuple[str, ...]:
    """Singular and plural of a message or a translation, or its only form."""
    return text if isinstance(text, tuple) else (str(text),)


def test_no_sentence_is_glued_from_pieces():
    assert [place for source in sources() for place in glued(source)] == []


def test_nobody_who_says_something_gives_the_name_of_gettext_to_what_is_thrown_away():
    """`for _, name in ...` in a function that calls `_("...")` would call the thrown away."""
    clashes = []
    for source in sources():
        for function in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                names = [node for node in ast.walk(function) if isinstance(node, ast.Name)]
                uses = {(type(node.ctx), node.id) for node in names if node.id == "_"}
                if len(uses) == 2:
                    clashes.append(f"{source.name}:{function.lineno} {function.name}")
    assert clashes == []


@pytest.mark.parametrize("language", OTHERS)
def test_what_is_said_is_what_the_catalogues_translate(language):
    """Otherwise: `python -m tools.messages`."""
    known = {name: {key(one) for one in messages(found)} for name, found in read(language).items()}
    assert known == {name: {key(one) for one in messages(found)} for name, found in said().items()}


@pytest.mark.parametrize("language", OTHERS)
def test_every_message_is_translated(language):
    missing = [
        f"{name}: {message.id}"
        for name, catalog in read(language).items()
        for message in messages(catalog)
        if not is_translated(message)
    ]
    assert missing == []


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_has_the_values_of_its_template(language):
    others = []
    for catalog in read(language).values():
        for message in messages(catalog):
            wanted = fields(forms(message.id)[-1])
            said_there = forms(message.string) if is_translated(message) else ()
            others += [form for form in said_there if fields(form) != wanted]
    assert others == []


@pytest.mark.parametrize("language", OTHERS)
def test_one_text_has_one_translation_wherever_it_is_said(language):
    """Where it means two things, `pgettext` tells them apart."""
    found: dict[object, set[object]] = {}
    for catalog in read(language).values():
        for message in messages(catalog):
            found.setdefault(key(message), set()).add(message.string)
    assert {text: said for text, said in found.items() if len(said) > 1} == {}


@pytest.mark.parametrize("language", OTHERS)
def test_the_file_that_the_lab_reads_is_made_of_the_catalogues(language):
    catalogs = updated(language)
    assert mo_path(language).read_bytes() == mo_bytes(catalogs, language)
    folder = mo_path(language).parents[1]
    for name, catalog in catalogs.items():
        assert (folder / f"{name}.po").read_bytes() == po_text(catalog), name


def test_the_address_never_holds_a_label():
    """Streamlit's binding writes what a list shows: lists with labels are bound by their names."""
    bound = []
    for source in sources():
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                named = {word.arg for word in node.keywords}
                if {"bind", "format_func"} <= named:
                    bound.append(f"{source.name}:{node.lineno}")
    assert bound == []

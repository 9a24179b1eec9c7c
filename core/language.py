"""The language of sentences: English as in the source, or another by its catalogue.

Sentences are whole templates with named values, `_("{count} layers", count=3)`. The catalogues lie
in core/locale/<language>, a .po file for each folder of the source; `python -m tools.messages`
brings them up to date and makes the .mo file that is read here.
Source: GNU gettext, chapters 4 and 15.5.18.
"""

from __future__ import annotations

import gettext
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from numbers import Integral, Real
from pathlib import Path
from typing import Any

ENGLISH, CHINESE = "en", "zh-Hans"
LANGUAGES = {ENGLISH: "English", CHINESE: "简体中文"}  # BCP 47 tag → what its readers call it
CATALOGUES = Path(__file__).parent / "locale"
# No characters, so no text has them:
_MARK = "\ufdd0"  # begins a Message that is kept as text
_SEAM = "\ufdd1"  # on both sides of a value in its template

_VALUES = re.compile(r"(?<!{){[^{}]+}(?!})")
_JOINTS = re.compile(
    rf"(?<=[\u4e00-\u9fff]){_SEAM}+(?=[A-Za-z0-9])|(?<=[A-Za-z0-9%]){_SEAM}+(?=[\u4e00-\u9fff])"
)
_FULL = "[\u3001-\u301f\u4e00-\u9fff\uff01-\uff5e]"  # as wide as a character: also ，（：。
_GAPS = re.compile(rf"(?<={_FULL})(?: {_SEAM}+|{_SEAM}+ )(?={_FULL})")

_language: ContextVar[str | None] = ContextVar("language", default=None)
_asked: list[Callable[[], str | None]] = []


# Which one -----------------------------------------------------------------------------------


def language() -> str:
    """The language in which sentences are written here: English where nobody has said."""
    chosen = _language.get()
    if chosen is not None:
        return chosen
    for ask in _asked:
        if (found := ask()) is not None:
            _language.set(found)
            return found
    return ENGLISH


def write_in(chosen: str) -> None:
    """From here on, in this thread or task."""
    _language.set(chosen)


@contextmanager
def in_language(chosen: str) -> Iterator[None]:
    """Inside, sentences are written in this language: CSV columns and file names in English."""
    before = _language.set(chosen)
    try:
        yield
    finally:
        _language.reset(before)


def ask_for_language(ask: Callable[[], str | None]) -> None:
    """Who knows the language of a thread in which nobody has said it yet; None: does not know."""
    _asked[:] = [ask]


def language_of(tags: Sequence[str]) -> str:
    """The first of LANGUAGES that one of these BCP 47 tags asks for (zh-CN, en-US), or English."""
    for tag in tags:
        spoken = tag.replace("_", "-").partition("-")[0].lower()
        for known in LANGUAGES:
            if known.partition("-")[0] == spoken:
                return known
    return ENGLISH


# Sentences -----------------------------------------------------------------------------------


def _(template: str, /, **values: object) -> str:
    """The template in the reader's language, with its named values."""
    translated = _catalogue(language()).gettext(template) if template else ""
    return _with(values, translated)


def pgettext(context: str, template: str, /, **values: object) -> str:
    """As `_`, of a word that another language says in several ways: "layer" of one, of many."""
    return _with(values, _catalogue(language()).pgettext(context, template))


def ngettext(singular: str, plural: str, number: int, /, **values: object) -> str:
    """One of two templates by `number`, which they have as {number}."""
    translated = _catalogue(language()).ngettext(singular, plural, number)
    return _with({"number": number, **values}, translated)


def _with(values: Mapping[str, object], template: str) -> str:
    """The template, filled; in Chinese with a space where a value's letter or digit meets a
    character, and none where its character does (W3C, clreq 3.2.4). Values stay as they are:
    a folder may be called 数据2.
    """
    if not values:
        return template
    if language() != CHINESE:
        return template.format(**values)
    filled = _VALUES.sub(rf"{_SEAM}\g<0>{_SEAM}", template).format(**values)
    return _GAPS.sub("", _JOINTS.sub(" ", filled)).replace(_SEAM, "")


def N_(template: str) -> str:
    """The template as it is, marked for the catalogues: translated by `_` where it is shown."""
    return template


def listed(parts: Sequence[str]) -> str:
    """`a, b and c`."""
    *first, last = parts or ("",)
    return _("{first} and {last}", first=comma().join(first), last=last) if first else last


def paragraph(*sentences: str) -> str:
    """Sentences one behind the other; empty ones are left out."""
    text = ""
    for sentence in filter(None, sentences):
        text = _("{sentences} {next}", sentences=text, next=sentence) if text else sentence
    return text


def comma() -> str:
    """What stands between the parts of an enumeration, with its space."""
    return pgettext("between the parts of an enumeration", ", ")


def semicolon() -> str:
    """What stands between clauses, or parts that have commas themselves, with its space."""
    return pgettext("between clauses", "; ")


@cache
def _catalogue(chosen: str) -> gettext.NullTranslations:
    if chosen == ENGLISH:
        return gettext.NullTranslations()
    return gettext.translation("lab", CATALOGUES, [chosen.replace("-", "_")])


# Sentences that are written now and read later -------------------------------------------------


@dataclass(frozen=True)
class Message:
    """A template with its values, put into words by `str` for whoever reads it.

    Values are numbers, texts and other messages.
    """

    template: str
    values: Mapping[str, object] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        return _(self.template, **self.values)

    def __reduce__(self) -> Any:
        """It is sent to another process, which need not know the classes of its values."""
        return _unplain, (_plain(self),)

    def kept(self) -> str:
        """As text that `read_kept` reads, also behind others of its kind."""
        text = json.dumps(_plain(self), ensure_ascii=False)
        return self.template and _MARK + text.replace(_MARK, "")


NO_MESSAGE = Message("")


def lazy(template: str, /, **values: object) -> Message:
    """As `_`, put into words when it is shown: kept in records, sent to other processes."""
    return Message(template, values)


def either(names: Sequence[str]) -> str | Message:
    """`a or b or c`, put into words when it is shown."""
    return _joined(N_("{first} or {last}"), names)


def together(names: Sequence[str]) -> str | Message:
    """`a and b and c`, put into words when it is shown."""
    return _joined(N_("{first} and {last}"), names)


def _joined(template: str, names: Sequence[str]) -> str | Message:
    first, *others = names
    said: str | Message = first
    for other in others:
        said = lazy(template, first=said, last=other)
    return said


def read_message(text: str) -> Message:
    """The inverse of `Message.kept`."""
    message: Message = _unplain(json.loads(text.removeprefix(_MARK)))
    return message


def read_kept(text: str) -> str:
    """In words: what `Message.kept` has written, once or several times, or plain text before it."""
    plain, *kept = text.split(_MARK)
    sentences = [plain.strip()] if plain else []
    return paragraph(*sentences, *map(_in_words, kept))


def _in_words(kept: str) -> str:
    """One message in words; as it stands there where it is damaged, or of another lab."""
    try:
        return str(read_message(kept))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return kept


def _plain(value: object) -> object:
    """As JSON has it; an error that was told as a Message keeps it."""
    value = getattr(value, "message", value) if isinstance(value, Exception) else value
    if isinstance(value, Message):
        values = {name: _plain(part) for name, part in value.values.items()}
        return {"template": value.template, "values": values}
    if isinstance(value, bool | str | None):
        return value
    if isinstance(value, Real):  # of NumPy too: a template may format it
        return int(value) if isinstance(value, Integral) else float(value)
    return str(value)


def _unplain(value: Any) -> Any:
    if isinstance(value, dict):
        values = {name: _unplain(part) for name, part in value["values"].items()}
        return Message(value["template"], values)
    return value

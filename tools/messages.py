"""Brings the catalogues of core/locale up to date with the sentences of the source.

`python -m tools.messages` writes each .po file anew, with what is said now and its translation
where it has one, makes the .mo files that the lab reads, and says what still has none.
"""

from __future__ import annotations

import ast
import io
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from core.language import CATALOGUES, ENGLISH, LANGUAGES

PROJECT = Path(__file__).parents[1]
_SAID_IN = ("core", "pages", "dashboard.py")
_IN_ENGLISH = PROJECT / "core" / "cli"  # what one reads in a terminal
_DEPTH = 3  # folders that a catalogue's name has at most: core.report.figures
_ERRORS = (
    "LabError",
    "Unavailable",
    "StoreUnavailable",
    "CannotWrite",
    "Diverged",
    "ImageTooSmall",
)
# What says something → where its arguments have the context, the text and the text of many
_SAID_BY: dict[str, tuple[int | None, int, int | None]] = {
    **dict.fromkeys(("_", "N_", "lazy", *_ERRORS), (None, 0, None)),
    "pgettext": (0, 1, None),
    "ngettext": (None, 0, 1),
}
_NO_DATE = datetime(2000, 1, 1, tzinfo=UTC)  # equal catalogues make equal files
_WIDTH = 100  # characters of a line

Key = tuple[str | None, object]  # context, and the text or its two forms


def sources() -> list[Path]:
    """The files that say something."""
    found = [PROJECT / name for name in _SAID_IN]
    files = [file for path in found for file in (path.rglob("*.py") if path.is_dir() else [path])]
    return sorted(file for file in files if _IN_ENGLISH not in file.parents)


def catalogue_of(source: Path) -> str:
    """The name of the catalogue that holds what this file says: core.report.figures."""
    folders = source.relative_to(PROJECT).parts[:-1]
    return ".".join(folders[:_DEPTH]) or source.stem


def said() -> dict[str, Catalog]:
    """What the source says, without translations: catalogue → its messages, by file."""
    found: dict[str, Catalog] = defaultdict(lambda: Catalog(charset="utf-8"))
    for source in sources():
        name = source.relative_to(PROJECT).as_posix()
        for line, _column, context, text, many in _said_in(source):
            one_or_two = (text, many) if many else text
            found[catalogue_of(source)].add(one_or_two, locations=[(name, line)], context=context)
    return dict(found)


def _said_in(source: Path) -> list[tuple[int, int, str | None, str, str | None]]:
    """Line, column, context, text and text of many of each call, in the order of the lines.

    By Python's own parser: Babel's loses a text whose values are said themselves.
    """
    return sorted(
        (
            call.lineno,
            call.col_offset,
            context[0] if context else None,
            text,
            many[0] if many else None,
        )
        for call, places in _calls(source)
        for context, texts, many in [[_texts(call, place) for place in places]]
        for text in texts or ()
    )


def _texts(call: ast.Call, place: int | None) -> list[str] | None:
    """What the argument at this place says; both texts of `a if ... else b`."""
    if place is None or place >= len(call.args):
        return None
    part = call.args[place]
    parts = [part.body, part.orelse] if isinstance(part, ast.IfExp) else [part]
    return [
        one.value
        for one in parts
        if isinstance(one, ast.Constant) and isinstance(one.value, str) and one.value
    ]


def _calls(source: Path) -> Iterator[tuple[ast.Call, tuple[int | None, int, int | None]]]:
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            function = node.func
            name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
            if name in _SAID_BY:
                yield node, _SAID_BY[name]


def messages(catalog: Catalog) -> Iterator[Message]:
    """All but the head."""
    return (message for message in catalog if message.id)


def key(message: Message) -> Key:
    """What a catalogue finds it by."""
    return message.context, message.id


def folder_of(language: str) -> Path:
    """Where the catalogues of this language lie."""
    return CATALOGUES / language.replace("-", "_")


def read(language: str) -> dict[str, Catalog]:
    """The .po files of this language by their names."""
    found = {}
    for path in sorted(folder_of(language).glob("*.po")):
        with path.open("rb") as file:
            found[path.stem] = read_po(file, locale=language.replace("-", "_"))
    return found


def is_translated(message: Message) -> bool:
    """Whether each of its forms has a translation."""
    forms = message.string if isinstance(message.string, tuple) else (message.string,)
    return bool(forms) and all(forms)


def updated(language: str) -> dict[str, Catalog]:
    """What is said now with its translations; a text that has moved takes its own along."""
    known = {
        key(message): message.string
        for catalog in read(language).values()
        for message in messages(catalog)
        if is_translated(message)
    }
    result = {}
    for name, template in said().items():
        catalog = Catalog(locale=language.replace("-", "_"), charset="utf-8", fuzzy=False)
        for message in messages(template):
            string = known.get(key(message), ("",) if message.pluralizable else "")
            files = sorted({(file, 0) for file, _ in message.locations})
            catalog.add(message.id, string, files, context=message.context)
        result[name] = catalog
    return result


def po_text(catalog: Catalog) -> bytes:
    """As a .po file, without line numbers and dates, which would change with every commit."""
    buffer = io.BytesIO()
    write_po(buffer, catalog, width=_WIDTH, omit_header=True, include_lineno=False)
    head = (
        'msgid ""\nmsgstr ""\n'
        f'"Language: {catalog.locale}\\n"\n'
        '"Content-Type: text/plain; charset=UTF-8\\n"\n'
        f'"Plural-Forms: {catalog.plural_forms}\\n"\n\n'
    )
    return head.encode() + buffer.getvalue().strip() + b"\n"


def mo_bytes(catalogs: dict[str, Catalog], language: str) -> bytes:
    """All catalogues of a language as the one file that gettext reads."""
    whole = Catalog(
        locale=language.replace("-", "_"),
        creation_date=_NO_DATE,
        revision_date=_NO_DATE,
        fuzzy=False,
    )
    for catalog in catalogs.values():
        for message in messages(catalog):
            whole.add(message.id, message.string, context=message.context)
    buffer = io.BytesIO()
    write_mo(buffer, whole)
    return buffer.getvalue()


def mo_path(language: str) -> Path:
    """Where gettext looks for it."""
    return folder_of(language) / "LC_MESSAGES" / "lab.mo"


def glued(source: Path) -> Iterator[str]:
    """Calls whose text is no template: an f-string, which no catalogue can hold."""
    for call, _where in _calls(source):
        if any(isinstance(part, ast.JoinedStr) for part in call.args):
            yield f"{source.relative_to(PROJECT)}:{call.lineno}"


def main() -> None:
    """Write every language's files."""
    for language in LANGUAGES.keys() - {ENGLISH}:
        folder = folder_of(language)
        catalogs = updated(language)
        for path in folder.glob("*.po"):
            if path.stem not in catalogs:
                path.unlink()
        mo_path(language).parent.mkdir(parents=True, exist_ok=True)
        for name, catalog in catalogs.items():
            (folder / f"{name}.po").write_bytes(po_text(catalog))
            missing = sum(not is_translated(message) for message in messages(catalog))
            if missing:
                print(f"{language} {name}: {missing} of {len(catalog)} without a translation")
        mo_path(language).write_bytes(mo_bytes(catalogs, language))
    for source in sources():
        for place in glued(source):
            print(f"{place}: an f-string; write a template with named values")


if __name__ == "__main__":
    main()

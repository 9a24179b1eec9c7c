"""A handout as one HTML file that asks no host for anything, opens without the lab, and prints.

Everything that comes from outside (names, settings, cells) is escaped; a Content-Security-Policy
lets nothing be fetched, whatever stands in the file.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from html import escape
from pathlib import Path

import pandas as pd
import plotly.io

from core.language import N_, _, language, paragraph
from core.report import formats
from core.report.browser.files import LOOK, PLOTLY
from core.report.browser.words import plotly_words
from core.report.figures.axes import WideAndNarrow
from core.report.handout.document import Chart, Document, Part, Picture, Section, Table, Text
from core.report.tables.csv import to_csv
from core.version import VERSION

_FOLDER = Path(__file__).parent
_LAB = N_("CNN Architecture Lab")
_HEADINGS = (  # of tables that are shown with all their columns
    *(N_("in_channels"), N_("num_classes"), N_("options"), N_("backward_macs"), N_("flops")),
    *(N_("elementwise_ops"), N_("output_bytes"), N_("saved_bytes"), N_("weight_layers")),
    *(N_("batch_size"), N_("inference_bytes"), N_("dataset"), N_("momentum"), N_("threads")),
    *(N_("parameters_bytes"), N_("optimiser_bytes"), N_("buffers_bytes"), N_("images_bytes")),
    *(N_("gradients_bytes"), N_("temporaries_bytes")),
    *(N_("first"), N_("second"), N_("difference"), N_("deviation"), N_("confidence")),
    *(N_("low"), N_("high"), N_("pairs"), N_("can_be_told_apart")),
    *(N_("channel"), N_("row"), N_("column"), N_("input"), N_("weight"), N_("product")),
)
_SHOWN_ROWS = 60  # of a table; the CSV has all
_OPEN_ROWS = 16  # a longer table is folded on the screen; printed, what is shown of it is open
_HEIGHT = 450  # pixels of a figure that sets none, Plotly's own


def handout_html(document: Document, when: datetime) -> bytes:
    """The whole file, UTF-8; `when` it was made is told on it."""
    charts: list[Chart] = []
    body = "".join(_section(section, charts) for section in document.sections)
    return (
        f'<!doctype html>\n<html lang="{language()}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\';'
        " script-src 'unsafe-inline' blob:; style-src 'unsafe-inline'; img-src data: blob:\">"
        f"<title>{escape(document.title)} · {escape(_(_LAB))}</title>"
        f"<style>{_file('page.css')}</style></head><body><main>"
        f"{_head(document)}{body}{_foot(document, when)}</main>{_scripts(charts)}</body></html>\n"
    ).encode()


def _head(document: Document) -> str:
    totals = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{_text(value)}</dd></div>"
        for name, value in document.totals
    )
    settings = "".join(
        f"<tr><th>{escape(name)}</th><td>{_text(value)}</td></tr>"
        for name, value in document.settings
    )
    return (
        f'<header><p class="kind">{escape(document.kind)}</p><h1>{_text(document.title)}</h1>'
        + (f'<dl class="totals">{totals}</dl>' if totals else "")
        + f'<table class="settings">{settings}</table></header>'
    )


def _text(words: str) -> str:
    return escape(formats.kept_together(words))


def _section(section: Section, charts: list[Chart]) -> str:
    parts = "".join(_part(part, charts) for part in section.parts)
    return f"<section><h2>{escape(section.title)}</h2>{parts}</section>" if parts else ""


def _part(part: Part, charts: list[Chart]) -> str:
    match part:
        case Text():
            return f'<p class="{"finding" if part.is_finding else "text"}">{_text(part.words)}</p>'
        case Chart():
            charts.append(part)
            height = _forms(part).wide.layout.height or _HEIGHT
            return f'<div class="chart" role="figure" style="height:{height}px"></div>'
        case Picture():
            return _picture(part)
        case Table():
            return "".join(_table(part))


def _picture(picture: Picture) -> str:
    kind, data = ("png", picture.png) if picture.png else ("svg+xml", picture.svg.encode())
    width = f' width="{picture.width}"' if picture.width else ""
    pixels = ' class="pixels"' if picture.is_pixels else ""
    source = f"data:image/{kind};base64,{b64encode(data).decode()}"
    return f'<img src="{source}" alt="{escape(picture.about)}"{width}{pixels}>'


def _table(table: Table) -> Iterator[str]:
    """Folded where it is long, with its CSV inside the link that saves it."""
    columns = [name for name in table.columns or table.frame.columns if name in table.frame]
    frame = table.frame[columns]
    shown = frame.head(_SHOWN_ROWS)
    csv = b64encode(to_csv(table.frame).encode("utf-8-sig")).decode()
    yield f"<details{' open' if len(frame) <= _OPEN_ROWS else ''}>"
    yield f"<summary>{escape(table.title)}</summary>"
    yield '<div class="scroll"><table><thead><tr>'
    yield "".join(f"<th>{escape(_(str(name)))}</th>" for name in frame.columns)
    yield "</tr></thead><tbody>"
    for row in shown.itertuples(index=False):
        yield f"<tr>{''.join(_cell(value, table.words) for value in row)}</tr>"
    yield "</tbody></table></div><p class=more>"
    if said := _what_is_shown(table, len(frame), len(columns)):
        yield f"{said} "
    yield f'<a download="{escape(table.name)}.csv" href="data:text/csv;base64,{csv}">'
    yield f"{escape(table.name)}.csv</a></p></details>"


def _what_is_shown(table: Table, rows: int, columns: int) -> str:
    """Where the CSV has more."""
    first = all_columns = ""
    if rows > _SHOWN_ROWS:
        first = _("The first {shown} of {rows:,} rows.", shown=_SHOWN_ROWS, rows=rows)
    if columns < table.frame.shape[1]:
        all_columns = _("The CSV has {columns} columns.", columns=table.frame.shape[1])
    return paragraph(first, all_columns)


def _cell(value: object, words: Mapping[str, str]) -> str:
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return "<td></td>"
    if isinstance(value, bool):
        return f"<td>{escape(formats.yes_or_no(value))}</td>"
    if isinstance(value, str):
        return f"<td>{escape(words.get(value, value))}</td>"
    text = f"{value:,}" if isinstance(value, int) else _rounded(value)
    return f'<td class="number">{escape(text)}</td>'


def _rounded(value: object) -> str:
    """As many digits as a person reads; the CSV has all."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return str(value)
    return f"{int(number):,}" if number.is_integer() and abs(number) < 1e15 else f"{number:,.5g}"


def _foot(document: Document, when: datetime) -> str:
    link = document.address
    where = f'<a href="{escape(link)}">{escape(link)}</a> · ' if link.startswith("http") else ""
    return (
        f"<footer>{where}{escape(_(_LAB))} {escape(VERSION)} ·"
        f" {when.astimezone():%Y-%m-%d %H:%M %Z}</footer>"
    )


def _scripts(charts: list[Chart]) -> str:
    """Plotly and the figures, only where there are some."""
    if not charts:
        return ""
    figures = ",".join(map(_figure, charts))
    spoken = json.dumps({"language": language(), "words": plotly_words()}, ensure_ascii=False)
    return (
        _inert("plotly", _in_script(PLOTLY.read_text(encoding="utf-8")))
        + _inert("look", _in_script(LOOK.read_text(encoding="utf-8")))
        + _inert("spoken", spoken)
        + _inert("figures", f"[{figures}]".replace("<", "\\u003c"))
        + f'<script type="module">{_file("page.js")}</script>'
    )


def _figure(chart: Chart) -> str:
    """What the script draws, as JSON."""
    wide, narrow = _forms(chart)
    forms = {"figure": wide} if narrow is wide else {"figure": wide, "narrow": narrow}
    parts = [f'"name": {json.dumps(chart.name)}']
    for form, figure in forms.items():
        parts.append(f'"{form}": {plotly.io.to_json(figure, validate=False)}')
    return f"{{{', '.join(parts)}}}"


def _forms(chart: Chart) -> WideAndNarrow:
    """The figure for wide and for narrow pages, often the same one."""
    figure = chart.figure
    return figure if isinstance(figure, WideAndNarrow) else WideAndNarrow(figure, figure)


def _inert(name: str, text: str) -> str:
    """Text that the script of the page reads."""
    return f'<script type="text/plain" id="{name}">{text}</script>'


def _in_script(source: str) -> str:
    """JavaScript that ends no element: its strings and patterns may hold what would."""
    return source.replace("</", "<\\/").replace("<!--", "<\\!--")


@cache
def _file(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")

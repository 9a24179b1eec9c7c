"""What a handout holds: records of text, numbers, figures, pictures and tables, in their order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd
import plotly.graph_objects as go

from core.report.figures.axes import WideAndNarrow


@dataclass(frozen=True)
class Text:
    """A paragraph; `is_finding` sets it apart from what explains it."""

    words: str
    is_finding: bool = False


@dataclass(frozen=True)
class Chart:
    """A figure of Plotly's, which stays one in the file: hover, zoom, hidden lines."""

    figure: go.Figure | WideAndNarrow
    name: str  # of the file of a saved picture, without its ending


@dataclass(frozen=True)
class Picture:
    """A PNG, or SVG text in the colors of light pages, with words for who cannot see it."""

    about: str
    svg: str = ""
    png: bytes = b""
    width: int | None = None  # pixels on the page; of an SVG its own
    is_pixels: bool = False  # enlarged without smoothing


@dataclass(frozen=True)
class Table:
    """Numbers, shown up to a length, and all of them as CSV to take out of the file."""

    title: str
    frame: pd.DataFrame
    name: str  # of the CSV, without its ending
    columns: tuple[str, ...] = ()  # that are shown; without any, all
    words: Mapping[str, str] = field(default_factory=dict)  # of the CSV, as they are shown


Part = Text | Chart | Picture | Table


@dataclass(frozen=True)
class Section:
    """Parts under a heading."""

    title: str
    parts: Sequence[Part]


@dataclass(frozen=True)
class Document:
    """A whole handout."""

    kind: str  # what is shown: `Network`, `Run`
    title: str
    name: str  # of the file, without its ending
    settings: Sequence[tuple[str, str]]  # what made it
    sections: Sequence[Section]
    address: str = ""  # of the view in the lab that it was made from
    totals: Sequence[tuple[str, str]] = field(default=())  # at most five numbers that stand first

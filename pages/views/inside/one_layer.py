"""A layer opened: all its channels, and one number of them followed back to the image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import streamlit as st

from core.analysis.records import IMAGE
from core.inside.maps_records import LayerMaps
from core.inside.number_records import PADDED, Explanation, Pooled, Products, Reads, Unit
from core.inside.windows import Box, window_in_image
from core.language import N_, _
from core.report import formats
from core.report.maps import map_png, png_address, scale_colors, tiles_png
from core.report.number import shown_number, strongest_channel
from core.report.picture.insets import image_png, range_text, scale_of
from core.report.sentences.number import window_sentence
from core.report.tables.number import number_frame
from core.specs import LabError
from pages.views.app.browser_files import FOLDER, component_script
from pages.views.app.downloads import download_csv
from pages.views.app.messages import errors_in_one_sentence, escaped
from pages.views.app.with_torch import seen
from pages.views.inside.chosen import Chosen
from pages.views.inside.layer import choose_layer

SHOWN = "in_shown"  # in the session
UNIT_KEY = "in_unit"  # in the address: channel.row.column
_STATE, _GOES = "in_unit_state", "in_unit_goes"
_MOST_CHANNELS = 4_096
_TILE_COLUMNS = 16
_MOST_SOURCES = 4  # maps of what is read that are drawn

_WORDS = {  # of number.js, which puts in the values
    "mean": N_("channel {channel}, mean {mean}"),
    "here": N_("{title}; here {channel}"),
    "own": N_("This layer"),
    "source": N_("What it reads"),
    "image": N_("The image"),
    "map": N_("map"),
    "move": N_(
        "{map}. Channel {channel}, row {row}, column {column}: {sentence} Arrow keys move, Page up"
        " and Page down change the channel."
    ),
    "channel": N_("channel {channel}"),
    "input": N_("Numbers of channel {channel}"),
    "kernel": N_("Kernel"),
    "products": N_("Products"),
    "sum": N_("sum {sum}"),
    "rest": N_("+ the other {count} channels together: {sum}"),
    "bias": N_("+ bias {number}"),
    "term": N_("{sign} {number} from {place}"),
    "there": N_("go there"),
    "back": N_("Go to what it was summed from"),
    "slide": N_("Slide the window"),
    "stop": N_("Stop"),
}
_COLUMNS = (N_("channel"), N_("input"), N_("× weight"), N_("= product"))  # of kernels of one number

_component: dict[str, Any] = {
    "css": (FOLDER / "number.css").read_text(encoding="utf-8"),
    "js": component_script(FOLDER / "number.js"),
    "isolate_styles": False,
}
_tiles = st.components.v2.component("lab_tiles", html='<div class="tiles"></div>', **_component)
_number = st.components.v2.component("lab_number", html='<div class="number"></div>', **_component)


@dataclass
class Place:
    """Which number is looked at: what the address said when it was last read, and what holds."""

    address: str = ""
    text: str = ""  # channel.row.column; "": the default
    source: tuple[str, int] | None = None  # a layer, and which channel it reads is shown


def one_layer_view(chosen: Chosen, path: str, by_mean: bool = True) -> None:
    """All channels of the layer, those with the highest mean first or in their order; one of them
    enlarged, and of one of its numbers the window, the kernel, the products and their sum.
    """

    @st.fragment
    def opened() -> None:
        with errors_in_one_sentence():
            _opened(chosen, path, by_mean)

    opened()


def _opened(chosen: Chosen, path: str, by_mean: bool) -> None:
    place = chosen_place()
    maps = channels_of(chosen, path, by_mean)
    unit = unit_of(place.text, maps) or largest_unit(chosen, maps)
    show_channels(maps, unit)
    explained_number(chosen, maps, unit, place)


def explained_number(
    chosen: Chosen,
    maps: LayerMaps,
    unit: Unit,
    place: Place,
    key: str = "in_number",
    scale: tuple[float, float] | None = None,
    opens: Callable[[str], str | None] = str,
) -> None:
    """The number's map, what it was computed from, the image with its window, and the sum.

    `maps`: of the number's layer. `scale`: that of the map's colors, where it is not its layer's
    own. `opens`: which layer of the chosen network a layer is opened as; None: it has none.
    """
    place_of = (unit.channel, unit.row, unit.column)
    explanation: Explanation = seen(
        "core.inside.number:explain", chosen.weights, chosen.pixels, unit.path, *place_of
    )
    text = ".".join(map(str, place_of))
    shown = st.session_state.get(SHOWN)
    if shown and shown.chosen is chosen:
        shown.explanation = explanation
    _number(
        key=key,
        data={
            "kind": "number",
            "unit": text,
            "parameter": UNIT_KEY,
            "path": unit.path,
            "shape": _map_shape(maps),
            "map": _picture(chosen, unit.path, unit.channel, None, unit, scale, maps),
            "sources": _sources(chosen, explanation, place),
            "image": _image(chosen, unit),
            "number": shown_number(explanation),
            "colors": scale_colors(-1.0),
            "words": _words(),
            "headings": [_(heading) for heading in _COLUMNS],
        },
        on_unit_change=lambda: _move(key),
        on_source_change=lambda: _choose_source(key),
        on_go_change=lambda: _go(key, opens),
        height="content",
    )
    download_csv(
        _("What it was computed from, as CSV"),
        lambda: number_frame(explanation),
        f"{chosen.subject.file_name(chosen.image_slug, unit.path, text)}.csv",
        f"{key}_csv",
    )


def _words() -> dict[str, str]:
    return {name: _(text) for name, text in _WORDS.items()}


# Which number ----------------------------------------------------------------------------------


def chosen_place() -> Place:
    """Which number is looked at; for a fragment that moves it.

    The browser keeps the address; where that was changed, by Back or by a link, it wins.
    """
    if st.session_state.pop(_GOES, False):
        st.rerun()  # the whole page, with another layer
    asked = st.query_params.get(UNIT_KEY, "")
    if _STATE not in st.session_state:
        st.session_state[_STATE] = Place(asked, asked)
    place: Place = st.session_state[_STATE]
    if asked not in (place.address, place.text):
        place.text = asked
    place.address = asked
    return place


def unit_of(text: str, maps: LayerMaps) -> Unit | None:
    """The place that a text names; None where the layer has no such place."""
    return _unit(text, maps.path, _map_shape(maps))


def _unit(text: str, path: str, shape: tuple[int, ...]) -> Unit | None:
    parts = text.split(".")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):
        return None
    channel, row, column = (int(part[:9]) for part in parts)
    inside_map = all(at < side for at, side in zip((channel, row, column), shape, strict=True))
    return Unit(path, channel, row, column) if inside_map else None


def largest_unit(chosen: Chosen, maps: LayerMaps) -> Unit:
    """The largest number of the most active channel."""
    channel = int(maps.means.argmax())
    values = seen("core.inside.number:one_map", chosen.weights, chosen.pixels, maps.path, channel)
    row, column = np.unravel_index(np.nan_to_num(values).argmax(), values.shape)
    return Unit(maps.path, channel, int(row), int(column))


def _move(component: str) -> None:
    """After a click or a key: another number of the same layer."""
    said = st.session_state[component]["unit"]
    if isinstance(said, str):
        st.session_state[_STATE].text = said


def _change_channel(component: str, unit: Unit) -> None:
    """After a click or a key among all channels: the same place of another one."""
    said = st.session_state[component]["channel"]
    if isinstance(said, int):
        st.session_state[_STATE].text = f"{said}.{unit.row}.{unit.column}"


def _choose_source(component: str) -> None:
    """After a click on the numbers of a channel that is read: its map is shown."""
    said = str(st.session_state[component]["source"] or "")
    path, _, channel = said.rpartition("|")
    if channel.isascii() and channel.isdigit():
        st.session_state[_STATE].source = (path, int(channel[:9]))


def _go(component: str, opens: Callable[[str], str | None]) -> None:
    """To the layer that has made a number that was read."""
    path, _bar, text = str(st.session_state[component]["go"] or "").rpartition("|")
    if not path or path == IMAGE:
        return
    opened = opens(path)
    if opened is None:
        missing = _("The first network has no layer that stands for {layer}.", layer=path)
        st.toast(escaped(missing))
        return
    choose_layer(opened)
    st.session_state[_STATE].text = text
    st.session_state[_GOES] = True


# What is drawn ---------------------------------------------------------------------------------


def _maps_of(chosen: Chosen, path: str, most: int, by_mean: bool) -> LayerMaps:
    maps: list[LayerMaps] = seen(
        "core.inside.maps:layer_maps", chosen.weights, chosen.pixels, (path,), most, by_mean
    )
    if not maps:
        raise LabError(
            "{layer} did not run for this image: in evaluation it does nothing; choose another"
            " layer.",
            layer=path,
        )
    return maps[0]


def channels_of(chosen: Chosen, path: str, by_mean: bool) -> LayerMaps:
    """All channels of the layer."""
    return _maps_of(chosen, path, _MOST_CHANNELS, by_mean)


def _map_shape(maps: LayerMaps) -> tuple[int, ...]:
    """Channels, rows and columns, also of a vector, or of tokens × features."""
    if len(maps.shape) == 3:
        return maps.shape
    return (maps.shape[0], 1, 1) if maps.is_vector else (1, maps.shape[0], maps.shape[1])


def show_channels(
    maps: LayerMaps,
    unit: Unit,
    key: str = "in_tiles",
    scale: tuple[float, float] | None = None,
) -> None:
    """Every channel as a small picture, on its layer's scale or on this; nothing where a layer has
    no maps, or one. The browser gets nothing new while the channel stays.
    """
    if maps.is_vector or _map_shape(maps)[0] == 1:
        return
    count, height, width = maps.maps.shape
    columns = min(_TILE_COLUMNS, count)
    title = _(
        "{layer}: {channels:,} channels, numbers from {range}",
        layer=maps.path,
        channels=count,
        range=range_text(maps),
    )
    _tiles(
        key=key,
        data={
            "kind": "tiles",
            "title": title,
            "about": _("Channel of {layer}. Arrow keys choose.", layer=title),
            "words": _words(),
            "png": _sheet(maps, scale or scale_of(maps)),
            "columns": columns,
            "ratio": height / width,
            "channels": maps.channels.tolist(),
            "means": [formats.signed_number(float(one)) for one in maps.means[maps.channels]],
            "chosen": unit.channel,
        },
        on_channel_change=lambda: _change_channel(key, unit),
        height="content",
    )


@lru_cache(maxsize=8)  # records are equal only to themselves, and kept as answers
def _sheet(maps: LayerMaps, scale: tuple[float, float]) -> str:
    return png_address(tiles_png(maps.maps, *scale, min(_TILE_COLUMNS, len(maps.maps))))


def _picture(
    chosen: Chosen,
    path: str,
    channel: int,
    box: Box | None,
    unit: Unit | None,
    common: tuple[float, float] | None = None,
    maps: LayerMaps | None = None,
) -> dict[str, Any]:
    """A channel's map, or all numbers of a vector in rows.

    `common`: a scale shared with others. `maps`: of the layer, where they are at hand.
    """
    if path == IMAGE:
        values = seen("core.inside.number:one_map", chosen.weights, chosen.pixels, path, channel)
        low, high = float(values.min()), float(values.max())
        scale, is_vector = (-max(-low, high), max(-low, high)) if low < 0 else (0.0, high), False
        numbers = _range(low, high)
    else:
        maps = maps or _maps_of(chosen, path, 1, True)
        scale, is_vector, numbers = scale_of(maps), maps.is_vector, range_text(maps)
        values = (
            maps.maps[0]
            if is_vector
            else seen("core.inside.number:one_map", chosen.weights, chosen.pixels, path, channel)
        )
    if common is not None:
        colors = _range(*common)
        scale, numbers = common, _("{range}; colors from {colors}", range=numbers, colors=colors)
    rows, columns = values.shape
    mark = unit and ([*divmod(unit.channel, columns)] if is_vector else [unit.row, unit.column])
    name = _("image") if path == IMAGE else path
    return {
        "path": path,
        "channel": channel,
        "title": name
        if is_vector
        else _("{layer}, channel {channel}", layer=name, channel=channel),
        "range": numbers,
        "scale": scale_colors(scale[0]),
        "limits": scale,
        "png": png_address(map_png(values, *scale)),
        "rows": rows,
        "columns": columns,
        "isVector": is_vector,
        "box": box and [box.top, box.left, box.bottom, box.right],
        "mark": mark,
        "about": _(
            "{layer}, {rows} × {columns} numbers from {range}",
            layer=name,
            rows=rows,
            columns=columns,
            range=numbers,
        ),
    }


def _range(low: float, high: float) -> str:
    return f"{formats.signed_number(low)} … {formats.signed_number(high)}"


def _sources(chosen: Chosen, explanation: Explanation, place: Place) -> list[dict[str, Any]]:
    """The maps that the number was computed from, with its window in them."""
    how = explanation.how
    if isinstance(how, Products | Pooled):
        return _source_of(chosen, explanation.unit.path, how, place)
    if how is None:
        return []
    terms = how.terms if hasattr(how, "terms") else (how.before,)
    units = [term.unit for term in terms if term.unit is not None]
    return [_picture(chosen, unit.path, unit.channel, None, unit) for unit in units[:_MOST_SOURCES]]


def _source_of(
    chosen: Chosen, path: str, how: Products | Pooled, place: Place
) -> list[dict[str, Any]]:
    reads = how.reads
    index = strongest_channel(how) if isinstance(how, Products) else 0
    if place.source is not None and place.source[0] == path:
        index = next(iter(np.flatnonzero(reads.channels == place.source[1]).tolist()), index)
    winner = how.winner if isinstance(how, Pooled) and how.divisor is None else None
    units = [
        reads.unit(index, row, column)
        for row, column in ([winner] if winner else np.ndindex(reads.values.shape[1:]))
    ]
    unit = next((unit for unit in units if unit is not None), None)
    if unit is None:
        return []
    is_single = winner is not None or reads.values[0].size == 1
    return [_picture(chosen, unit.path, unit.channel, _box_of(reads), unit if is_single else None)]


def _box_of(reads: Reads) -> Box | None:
    """Around what is read of a map; None where that was read in another shape."""
    rows, columns = (places[places != PADDED] for places in (reads.rows, reads.columns))
    if reads.source.shape != reads.source.made or not (rows.size and columns.size):
        return None
    if reads.source.made[1:] == (1, 1):
        return None
    ends = int(rows.max()) + 1, int(columns.max()) + 1
    return Box(int(rows.min()), int(columns.min()), *ends)


def _image(chosen: Chosen, unit: Unit) -> dict[str, Any]:
    """The image with the number's receptive field."""
    height, width = chosen.weights.spec.sides
    pixels = seen("core.inside.maps:resized", chosen.pixels, (height, width))
    circular = seen("core.inside.number:circular_layers", chosen.weights, chosen.pixels)
    place = unit.channel, unit.row, unit.column
    window = window_in_image(chosen.analysis, unit.path, *place, circular)
    box = window and window.inside
    sees = window and window_sentence(window, (height, width))
    unknown = _("The image; which part of it the number sees is not known")
    return {
        "title": formats.joined(formats.sides((height, width)), "px"),
        "range": formats.kept_together(sees or unknown),
        "png": png_address(image_png(pixels)),
        "rows": height,
        "columns": width,
        "box": box and [box.top, box.left, box.bottom, box.right],
        "mark": None,
        "about": _("The image: the number {sees}", sees=sees) if sees else unknown,
    }

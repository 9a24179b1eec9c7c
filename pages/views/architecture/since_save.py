"""What the last save of a file has changed in the network that is looked at."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.analysis.records import Analysis, LayerCost
from core.language import N_, _, pgettext
from core.report import formats
from core.specs import LabError
from core.zoo.own import version_of
from pages.views.app.live import follow
from pages.views.app.tables import table
from pages.views.app.watched import Watched

_EVERY_SECONDS = 0.4  # a page follows its file within a second
_SEEN = "net_seen"  # in the session: network → version of its file, analysis, the one before


def follow_file(arch: str) -> None:
    """Run the page anew when the file of this network is saved."""

    def version() -> str:
        try:
            return version_of(arch)
        except LabError as error:  # it was moved away
            return str(error)

    name = f"file-{arch.rpartition(':')[0]}"
    watched = Watched(
        name,
        version,
        lambda seen: False,
        stage=str,
        every_seconds=_EVERY_SECONDS,
        is_stored=False,
    )
    follow(watched, version())


def before_save(analysis: Analysis) -> Analysis | None:
    """The same network as the file had it before, where this session has seen it."""
    arch = analysis.spec.arch
    seen = st.session_state.get(_SEEN, {}).get(arch, ("", None, None))
    version, latest, before = seen
    now = version_of(arch)
    if latest is None or latest.spec != analysis.spec:
        before = None  # another setting, which no save has changed
    if latest is not None and version != now:
        before = latest
    st.session_state[_SEEN] = {arch: (now, analysis, before)}
    return before


def changes_view(before: Analysis, after: Analysis) -> None:
    """Layer by layer, what is not as it was."""
    rows = [row for row in _rows(before, after) if row]
    with st.expander(
        _("{count} layers changed by the last save", count=len(rows))
        if rows
        else _("No layer changed by the last save"),
        expanded=bool(rows),
        icon=":material/difference:",
    ):
        if rows:
            table(
                pd.DataFrame(rows),
                key="net_changes",
                column_config={"what": pgettext("of a change", "what")},
            )


def _rows(before: Analysis, after: Analysis) -> list[dict[str, str]]:
    earlier = {layer.path: layer for layer in before.layers}
    later = {layer.path: layer for layer in after.layers}
    return [_row(path, earlier.get(path), later.get(path)) for path in {**earlier, **later}]


def _row(path: str, was: LayerCost | None, now: LayerCost | None) -> dict[str, str]:
    """The two states of a layer; empty where they agree."""

    def seen(layer: LayerCost | None) -> tuple[object, ...]:
        return (layer.operation, layer.params, layer.macs, layer.output_shape) if layer else ()

    if seen(was) == seen(now):
        return {}
    either = now or was
    assert either is not None
    return {
        N_("layer"): path,
        N_("operation"): either.operation,
        "what": _("changed") if was and now else _("new") if now else _("gone"),
        N_("output"): _shapes(was, now),
        N_("parameters"): _change(was.params if was else 0, now.params if now else 0),
        "MACs": _change(was.macs if was else 0, now.macs if now else 0),
    }


def _shapes(was: LayerCost | None, now: LayerCost | None) -> str:
    texts = dict.fromkeys(formats.shape(layer.output_shape) for layer in (was, now) if layer)
    return " → ".join(texts)


def _change(was: int, now: int) -> str:
    """`1,728 (+864)`."""
    return f"{now:,} ({formats.signed(now - was)})" if now != was else f"{now:,}"

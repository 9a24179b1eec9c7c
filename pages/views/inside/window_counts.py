"""How much of the window counts: the effective receptive field, before and after training."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from core.analysis.records import LayerCost
from core.inside.effective_field_records import (
    EffectiveField,
    WindowCounts,
    field_layers,
    is_quick,
    last_map,
    theoretical_window,
)
from core.language import N_, _, paragraph
from core.measure.inside_requests import EffectiveFieldRequest
from core.report.arrays import npz_bytes
from core.report.figures.effective_field import field_map
from core.report.maps import map_png
from core.report.sentences.effective_field import window_sentences
from core.report.tables.inside import pixel_frame, window_frame
from pages.views.app.charts import chart
from pages.views.app.downloads import download_csv, download_file
from pages.views.app.measurement import measurement
from pages.views.app.messages import errors_in_one_sentence, escaped
from pages.views.app.prose import caption, markdown
from pages.views.app.tables import table
from pages.views.app.with_torch import inside
from pages.views.forms.names import select_name
from pages.views.inside.chosen import Chosen
from pages.views.inside.requests import weights_fields

_BEFORE, _AFTER = N_("as initialized"), N_("after training")


def window_counts_view(chosen: Chosen) -> None:
    """The layer, and which pixels the unit in the middle of its map listens to."""
    analysis = chosen.analysis
    paths, last = list(field_layers(analysis)), last_map(analysis)
    if last is None:
        st.info(_("This network has no map with a receptive field."), icon=":material/info:")
        return
    layer = select_name(
        _("Layer"),
        {path: path for path in paths},
        last,
        "in_field",
        help=_("Maps, from the image on."),
    )
    if is_quick(analysis):
        with errors_in_one_sentence():
            result: WindowCounts = inside(
                "core.inside.effective_field:window_counts",
                chosen.weights,
                chosen.data.name,
                layer,
            )
            _show(chosen, result)
        return
    measurement(
        EffectiveFieldRequest(**weights_fields(chosen.subject, chosen.data), layer=layer),
        "in_field_job",
        _("Trace the gradient back"),
        _("A backward pass for some test images, in a process of its own."),
        lambda result: _show(chosen, WindowCounts.from_dict(result)),
    )


def _show(chosen: Chosen, result: WindowCounts) -> None:
    analysis = chosen.analysis
    layer = next(row for row in analysis.layers if row.path == result.layer)
    window = theoretical_window(analysis, result.layer)
    markdown(paragraph(*map(escaped, window_sentences(result, analysis))))
    fields = {_BEFORE: result.before}
    if result.after is not None:
        fields[_AFTER] = result.after
    name = chosen.subject.file_name("effective-field", result.layer)
    for place, (column, (state, field)) in enumerate(
        zip(st.columns(len(fields)), fields.items(), strict=True)
    ):
        with column:
            figure = field_map(field, layer, window, _(state))
            chart(figure, key=f"in_field_{place}", name=f"{name}-{state.replace(' ', '-')}")
    caption(
        _(
            "Root mean square over {images} test images of the gradient that the unit at row {row},"
            " column {column} of {layer} sends back, all channels together. Outlined: its"
            " theoretical window, dotted where it goes on beyond the border. What counts, the"
            " effective receptive field, is above 4.55 % of the largest, as in arXiv 1701.04128.",
            images=result.images,
            row=result.unit[0],
            column=result.unit[1],
            layer=escaped(result.layer),
        )
    )
    _table(result, layer)
    _downloads(result, layer, fields, name)


def _table(result: WindowCounts, layer: LayerCost) -> None:
    frame = window_frame(result, layer)
    table(
        pd.DataFrame(
            {
                N_("state"): frame["state"],
                N_("receptive field, px"): frame["receptive_field"],
                N_("effective side, px"): frame["effective_side"],
                N_("effective area, px"): frame["effective_area"],
                N_("share of window, %"): 100 * frame["share_of_window"],
            }
        ),
        key="in_field_table",
        column_config={
            "effective side, px": st.column_config.NumberColumn(format="%.1f"),
            "share of window, %": st.column_config.NumberColumn(format="%.1f"),
        },
    )


def _downloads(
    result: WindowCounts, layer: LayerCost, fields: dict[str, EffectiveField], name: str
) -> None:
    with st.container(horizontal=True):
        download_csv(
            _("Sizes as CSV"),
            lambda: window_frame(result, layer),
            f"{name}.csv",
            "in_field_csv",
        )
        download_csv(
            _("Every pixel as CSV"),
            lambda: pixel_frame(result),
            f"{name}-pixels.csv",
            "in_field_px",
        )
        download_file(
            _("Every pixel as NPZ"),
            lambda: npz_bytes(_arrays(fields)),
            f"{name}.npz",
            "in_field_npz",
        )
        for state, field in fields.items():
            download_file(
                _("Picture {state} as PNG", state=_(state)),
                partial(map_png, field.values, 0.0, float(field.values.max(initial=0.0))),
                f"{name}-{state.replace(' ', '-')}.png",
                f"in_field_png_{state}",
                "image/png",
            )


def _arrays(fields: dict[str, EffectiveField]) -> dict[str, NDArray[np.float32]]:
    """(H, W) each, named as_initialized and after_training."""
    return {state.replace(" ", "_"): field.values for state, field in fields.items()}

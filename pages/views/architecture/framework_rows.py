"""The Layers view's second table: the rows that other frameworks print for the same layers."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.analysis.records import Analysis
from core.language import N_, _, paragraph
from core.report.names import file_name
from core.report.sentences.framework_rows import rows_sentences
from core.report.tables.layers import framework_frame
from core.specs import LabError
from pages.views.app.downloads import download_csv
from pages.views.app.messages import escaped
from pages.views.app.tables import table

_TITLES = (  # of the columns behind the layer's
    N_("here, by block"),
    N_("PyTorch's chapter"),
    "MXNet",
    "Keras",
    N_("output N×C×H×W"),
    N_("output N×H×W×C"),
)


def framework_rows_view(analysis: Analysis) -> None:
    """What each framework prints in one sentence, then in which of its rows each layer stands."""
    try:
        sentences, frame = rows_sentences(analysis), framework_frame(analysis)
    except LabError as error:
        st.info(escaped(str(error)), icon=":material/info:")
        return
    st.markdown(escaped(sentences[0]))
    table(
        _as_read(frame),
        height="content",
        column_config={"layer": st.column_config.TextColumn(width=130, pinned=True)},
        key="net_frameworks_table",
    )
    st.caption(
        paragraph(
            _("A row has the number that it has in the print, and the shape of its last layer."),
            *map(escaped, sentences[1:]),
        )
    )
    download_csv(
        _("Rows in other frameworks as CSV"),
        lambda: frame,
        f"{file_name(analysis.spec)}-frameworks.csv",
        "net_frameworks_csv",
    )


def _as_read(frame: pd.DataFrame) -> pd.DataFrame:
    """The columns that a person reads; the CSV has every one."""
    block, pytorch, mxnet, keras, output, output_nhwc = _TITLES
    prints = {pytorch: "pytorch", mxnet: "mxnet", keras: "keras"}
    return pd.DataFrame(
        {N_("layer"): frame["layer"], block: frame["block"]}
        | {
            title: frame[f"{name}_row"].astype(str) + ". " + frame[f"{name}_name"]
            for title, name in prints.items()
        }
        | {output: frame["output_shape"], output_nhwc: frame["output_shape_nhwc"]}
    )

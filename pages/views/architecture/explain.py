"""The Architecture page's Explain view: what was built, formulas, hand counts, reconciliation."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pandas as pd
import streamlit as st

from core.analysis.records import Analysis, LayerCost
from core.analysis.vgg_configuration import vgg_configuration
from core.explain.formulas import formulas
from core.explain.hand_count.check import HandCount, check
from core.explain.hand_count.matching import QUANTITIES
from core.explain.hand_count.terms import MAX_CHARACTERS
from core.explain.reconcile import Account, reconcile
from core.explain.shape_errors import shape_errors
from core.report import formats
from core.report.tables.tables import account_frame, formula_frame, hand_count_frame
from core.specs import LabError, ModelSpec
from core.studies.published import PUBLISHED_COUNTS, PublishedCount
from core.zoo import libraries as torchvision_models
from core.zoo.catalogue import find
from pages.views.app.downloads import download_csv, file_name
from pages.views.app.messages import errors_in_one_sentence, escaped
from pages.views.app.services import analysis_of, other_counts_of

TOPICS = ("One layer", "Hand count", "Other counters")
VERDICTS = {
    "right": "✓ right",
    "without bias": "≈ no bias",
    "wrong": "✗ wrong",
    "extra": "✗ no such layer",
}
USUAL_SIZES = (96, 64, 32, 224)  # pixels a side
EXAMPLE = "conv1: 11x11x1x96 + 96\nconv2: 5x5x96x256\ntotal = 626,000"


def explain_view(analysis: Analysis) -> None:
    """What was built in one sentence, then the topic that the reader picks."""
    if configuration := vgg_configuration(analysis):
        st.info(escaped(configuration.sentence()), icon=":material/category:")
    topic = st.segmented_control(
        "Topic",
        TOPICS,
        default=TOPICS[0],
        key="net_topic",
        bind="query-params",
        required=True,
        label_visibility="collapsed",
    )
    if topic == "One layer":
        one_layer(analysis)
    elif topic == "Hand count":
        hand_count(analysis)
    else:
        other_counters(analysis)


# One layer -------------------------------------------------------------------------------------


def one_layer(analysis: Analysis) -> None:
    """The formulas of a layer with its numbers filled in."""
    layers = {layer.path: layer for layer in analysis.layers}
    first = next((layer.path for layer in analysis.layers if layer.is_weight_layer), None)
    paths = list(layers)
    path = st.selectbox(
        "Layer",
        paths,
        index=paths.index(first) if first else 0,
        key="net_layer",
        bind="query-params",
        help="Every module and operation, in the order in which they run; type to search.",
    )
    layer = layers[path]
    st.markdown(about(layer, analysis.spec.image_size))
    rows = formulas(layer, analysis.layers)
    st.table(
        pd.DataFrame(
            {
                "quantity": [row.quantity for row in rows],
                "formula": [escaped(row.symbols) for row in rows],
                "with this layer's numbers": [escaped(row.filled) for row in rows],
                "value": [f"{row.value:,}" for row in rows],
            }
        ).set_index("quantity"),
        border="horizontal",
    )
    notes = [f"- {escaped(row.quantity)}: {escaped(row.note)}" for row in rows if row.note]
    st.caption("\n".join(notes))  # under the table, which a narrow screen has no room beside
    for error in shape_errors(path, analysis, at_another_size(analysis, layer)):
        st.markdown(f"If {escaped(error.reason)}, PyTorch would say:")
        st.code(error.error, language=None, wrap_lines=True)
    download_csv(
        "Formulas of all layers as CSV",
        lambda: formula_frame(analysis),
        f"{file_name(analysis.spec)}-formulas.csv",
        "net_formulas_csv",
    )


def at_another_size(analysis: Analysis, layer: LayerCost) -> Analysis | None:
    """The same network reading the images of its source, or of another usual size."""
    spec = analysis.spec
    if layer.kind != "linear":
        return None
    for size in (find(spec.arch).default.image_size, *USUAL_SIZES):
        with suppress(LabError):
            if size != spec.image_size:
                return analysis_of(replace(spec, image_size=size))
    return None


AXES = {  # of a shape, by how many it has
    2: "images × features",
    3: "images × tokens × features",
    4: "images × channels × height × width",
}


def about(layer: LayerCost, image_size: int) -> str:
    """The layer in one sentence: what it is, from which shape to which, how it slides."""
    source, result = (formats.shape(one) for one in (layer.input_shape, layer.output_shape))
    text = f"**{escaped(layer.path)}** is a {escaped(layer.operation)}"
    if source and result:
        sizes = (len(layer.input_shape), len(layer.output_shape))
        axes = " → ".join(dict.fromkeys(AXES[one] for one in sizes if one in AXES))
        text += f": {source} → {result}" + (f" ({axes})" if axes else "")
    if window := layer.window:
        kernel, stride, padding = (
            "×".join(map(str, pair)) for pair in (window.kernel, window.stride, window.padding)
        )
        text += f"; kernel {kernel}, stride {stride}, padding {padding}"
        text += f", {window.groups} groups" if window.groups > 1 else ""
    if layer.receptive_field:
        text += f"; one output sees {layer.receptive_field} pixels a side"
        text += " of the image" if layer.receptive_field <= image_size else ", the whole image"
    return f"{text}."


# Hand count ------------------------------------------------------------------------------------


def hand_count(analysis: Analysis) -> None:
    """A reader's own terms against the exact layers."""
    quantity = st.segmented_control(
        "Quantity",
        QUANTITIES,
        default=QUANTITIES[0],
        key="net_hand_quantity",
        bind="query-params",
        required=True,
        help="What the terms count.",
    )
    text = st.text_area(
        "Your count, one term a line",
        key="net_hand",
        height=180,
        max_chars=MAX_CHARACTERS,
        placeholder=EXAMPLE,
        help="`3x3x64x128 + 128` or `6400x4096+4096`, with a layer's name before a colon if you"
        " like; `total = …` for your sum. Nothing here is run as code.",
    )
    if not text.strip():
        st.caption(
            "Paste a count made by hand, of this network: each term is held against the layer that"
            " it counts, and the sum is checked."
        )
        return
    with errors_in_one_sentence():
        show_count(analysis, check(text, analysis, quantity))


def show_count(analysis: Analysis, found: HandCount) -> None:
    """The sentences, then term by term."""
    show = st.success if found.right else st.warning
    first, *rest = found.sentences()
    show(escaped(first))
    st.markdown("\n".join(f"- {escaped(sentence)}" for sentence in rest))
    rows = [
        (f"{term.line}", term.text, f"{term.written:,}", term.layer or formats.NOTHING)
        + (f"{term.exact:,}", VERDICTS[term.verdict])
        for term in found.terms
    ] + [("", "", "", layer.path, f"{layer.value:,}", "✗ left out") for layer in found.missing]
    names = ("line", "your term", "comes to", "layer", "exact", "verdict")
    right = st.column_config.TextColumn(alignment="right")
    st.dataframe(
        pd.DataFrame(rows, columns=names),
        hide_index=True,
        height="content",
        key="net_hand_table",
        column_config={"line": right, "comes to": right, "exact": right},
    )
    download_csv(
        "Checked count as CSV",
        lambda: hand_count_frame(analysis, found),
        f"{file_name(analysis.spec)}-hand-count.csv",
        "net_hand_csv",
    )


# Other counters --------------------------------------------------------------------------------


def other_counters(analysis: Analysis) -> None:
    """One table: our counts, others', and every reason of a difference."""
    with st.spinner("Asking torchinfo and FlopCounterMode…"):
        accounts = reconcile(
            analysis, other_counts_of(analysis.spec), published_count(analysis.spec), analysis_of
        )
    st.caption(
        "The same network, counted by others. Each difference is taken apart; ours plus the parts"
        " is theirs, exactly. Counts are for one image."
    )
    st.dataframe(
        pd.DataFrame([line for account in accounts for line in lines_of(account)]),
        hide_index=True,
        height="content",
        key="net_accounts",
        column_config={
            "counter": st.column_config.TextColumn(width="medium"),
            "count": st.column_config.NumberColumn(format="localized"),
            "reason": st.column_config.TextColumn(width="large"),
        },
    )
    download_csv(
        "Reconciliation as CSV",
        lambda: account_frame(analysis, accounts),
        f"{file_name(analysis.spec)}-reconciliation.csv",
        "net_accounts_csv",
    )


def lines_of(account: Account) -> list[dict[str, object]]:
    """An account as rows: ours, each part, theirs."""
    ours = {
        "counter": account.counter,
        "quantity": account.quantity,
        "count": account.ours,
        "reason": "ours" if account.difference else "ours, and theirs: no difference",
    }
    if not account.difference:
        return [ours]
    parts = [
        {"counter": "", "quantity": "", "count": part.amount, "reason": part.reason}
        for part in account.parts
    ]
    if account.unexplained:
        rest = {"counter": "", "quantity": "", "count": account.unexplained}
        parts.append(rest | {"reason": "not explained"})
    theirs = {"counter": "", "quantity": "", "count": account.theirs, "reason": "theirs"}
    return [ours, *parts, theirs]


def published_count(spec: ModelSpec) -> PublishedCount | None:
    """The figure that somebody has published for this network, at their own setting."""
    if not spec.arch.startswith(torchvision_models.PREFIX):
        return PUBLISHED_COUNTS.get(spec.arch)
    known = torchvision_models.published(spec.arch.removeprefix(torchvision_models.PREFIX))
    setting = find(spec.arch).default  # at the size that torchvision counted at
    return PublishedCount(setting, known.params, known.giga_macs, "torchvision's documentation")

"""The Architecture page's Growth view: how a DenseNet is implemented, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import log

import pandas as pd
import streamlit as st

from core.analysis.records import Analysis
from core.explain.growth import (
    GrowthStep,
    concatenation_bytes,
    growth,
    growth_formula,
    weight_formula,
)
from core.report import formats
from core.report.figures.growth import growth_bars
from core.report.tables.layers import growth_frame
from core.specs import LabError, ModelSpec
from pages.views.app.downloads import download_csv, file_name
from pages.views.app.messages import title_and_ratio
from pages.views.app.services import analysis_of

BATCH = 128  # images in the batch whose training memory is compared
RESIDUAL = ("resnet18", "resnet34", "resnet50")
RATIOS = range(1, 9)
IDEA = (
    "A residual block *adds* what it computes to what it has read; a dense layer puts it *beside*"
    " that: `x = torch.cat([x, layer(x)], dim=1)`. So each layer reads everything that was computed"
    " before it in its block and needs to make only a few channels itself, the **growth rate**."
    " Between blocks a **transition**, a 1×1 convolution and an average-pool, keeps a share of the"
    " channels and halves the sides. Both are sliders in the sidebar."
)


def densenet_view(analysis: Analysis) -> None:
    """The idea, the growing concatenation, one layer's formulas, the residual net beside it."""
    from pages.views.architecture.equal_accuracy import (
        equal_accuracy_view,  # its statistics need a second
    )

    steps = growth(analysis)
    st.markdown(IDEA)
    st.plotly_chart(growth_bars(steps), key="net_growth_chart")
    one_step(steps)
    st.dataframe(
        table(steps),
        hide_index=True,
        key="net_growth_table",
        column_config={
            "step": st.column_config.TextColumn(pinned=True),
            "parameters": st.column_config.NumberColumn(format="localized"),
            "MACs": st.column_config.NumberColumn(format="localized"),
            "saved MiB": st.column_config.NumberColumn(
                format="%.3f", help="What autograd keeps of one image for the backward pass."
            ),
        },
    )
    download_csv(
        "Growth as CSV",
        lambda: growth_frame(analysis, steps),
        f"{file_name(analysis.spec)}-growth.csv",
        "net_growth_csv",
    )
    beside_residual(analysis, steps)
    equal_accuracy_view()


def one_step(steps: tuple[GrowthStep, ...]) -> None:
    """The formulas of the step that the reader picks."""
    names = [step.name for step in steps]
    picked = st.selectbox(
        "A layer with its numbers",
        names,
        index=min(1, len(names) - 1),
        key="net_growth_step",
        bind="query-params",
        width=320,
        help="A dense layer, or the transition behind a block.",
    )
    step = steps[names.index(picked)]
    lines = [f"**{step.name}** {growth_formula(step)}."]
    lines += [
        f"{layer.path.removeprefix(f'{step.name}.')}: kernel · channels in · channels out"
        f"{' + biases' if layer.biases else ''} = {weight_formula(layer)} parameters."
        for layer in step.convolutions
    ]
    st.markdown("\n".join(f"- {line}" for line in lines))


def table(steps: tuple[GrowthStep, ...]) -> pd.DataFrame:
    """The steps as a person reads them."""
    return pd.DataFrame(
        {
            "step": [step.name for step in steps],
            "reads channels": [step.channels_in for step in steps],
            "adds": [0 if step.is_transition else step.channels_new for step in steps],
            "after it": [step.channels_out for step in steps],
            "pixels a side": [step.side_out for step in steps],
            "parameters": [step.params for step in steps],
            "MACs": [step.macs for step in steps],
            "saved MiB": [step.saved_bytes / 2**20 for step in steps],
        }
    )


# Beside a residual net ------------------------------------------------------------------------


def beside_residual(analysis: Analysis, steps: Sequence[GrowthStep]) -> None:
    """Parameters, work and memory next to the residual net of most nearly as many parameters."""
    st.subheader("Beside a residual net of about as many parameters", anchor=False)
    other = nearest_residual(analysis)
    if other is None:
        st.info("No residual net takes images of this size.", icon=":material/info:")
        return
    both = (analysis, other)
    rows = {
        "parameters": [formats.short(one.totals.params) for one in both],
        "MACs an image": [formats.short(one.totals.macs) for one in both],
        "saved for the backward pass, an image": [
            formats.mebibytes(one.totals.saved_bytes) for one in both
        ],
        f"memory for training, batch {BATCH}": [
            formats.mebibytes(one.training_bytes(BATCH)) for one in both
        ],
        "weight layers on the longest path": [str(one.totals.depth) for one in both],
    }
    names = [title_and_ratio(one.spec) for one in both]
    st.table(pd.DataFrame(rows, index=names).T)
    st.markdown(verdict(analysis, other, steps))
    st.caption(
        f"Of {', '.join(RESIDUAL)} at ratios {RATIOS[0]} to {RATIOS[-1]} the one whose number of"
        " parameters is nearest, at the same resize, channels and classes."
    )


def nearest_residual(analysis: Analysis) -> Analysis | None:
    """The residual net with the nearest number of parameters."""
    spec = analysis.spec
    found = []
    for arch in RESIDUAL:
        for ratio in RATIOS:
            other = replace(spec, arch=arch, ratio=ratio, options=())
            if params := parameters_of(other):
                distance = abs(log(params / max(1, analysis.totals.params)))
                found.append((distance, arch, other))
    return analysis_of(min(found)[-1]) if found else None


@st.cache_data(max_entries=512, show_spinner=False)
def parameters_of(spec: ModelSpec) -> int | None:
    """Counted without a trace; None where the network cannot be built."""
    from core.zoo.building import build_on_meta

    try:
        return sum(one.numel() for one in build_on_meta(spec).parameters())
    except LabError:
        return None


def verdict(dense: Analysis, residual: Analysis, steps: Sequence[GrowthStep]) -> str:
    """What the concatenations cost, from the numbers."""
    ours, theirs = dense.totals, residual.totals
    params = ours.params / theirs.params
    saved = ours.saved_bytes / theirs.saved_bytes
    macs = ours.macs / theirs.macs
    text = (
        f"With {params:.2f} times the parameters of {title_and_ratio(residual.spec)} this DenseNet"
        f" does {macs:.2f} times its multiply-adds and keeps **{saved:.2f} times** its activations"
        " for the backward pass"
    )
    if saved > params * 1.1:
        return (
            f"{text}: each dense layer keeps the whole concatenation that it read, once for its"
            " BatchNorm and, after ReLU, once for its convolution. That is"
            f" {concatenation_bytes(steps) / ours.saved_bytes:.0%} of it all here and grows with"
            " the square of a block's depth; a residual block keeps maps of one width."
        )
    return f"{text}."

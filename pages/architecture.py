"""One network, taken apart: what it looks like, what each layer costs."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core import figures, formats
from core.analysis.records import Analysis, LayerCost
from core.specs import LabError, ModelSpec
from core.tables import layer_frame
from pages.shared.downloads import download_csv
from pages.shared.frame import frame
from pages.shared.lab import analysis_of, load_torch, summary_of
from pages.shared.messages import show_error

BATCH = 128  # images in the batch whose training memory is shown
HELP = {
    "params": "Weights and biases of all layers.",
    "macs": "Multiply-adds of convolutions and matrix products, without bias, as in the papers;"
    " 1 MAC = 2 FLOPs.",
    "memory": "For training: weights, gradients, momentum and what autograd keeps for the backward"
    " pass, as float32.",
    "field": "Pixels a side that one unit of the last feature map can see ([Araujo et al. 2019]"
    "(https://distill.pub/2019/computing-receptive-fields/)).",
    "depth": "Layers with weights on the longest path from the image to the classes.",
}
VIEWS = ("Layers", "Cost", "Summary")
LEVELS = {"block": "by block", "weight layer": "by weight layer", "module": "every module"}
LAYOUTS = {"NCHW": "N×C×H×W", "NHWC": "N×H×W×C"}


def page() -> None:
    """Sidebar, numbers, picture, then the view that the reader picks."""
    load_torch()
    from pages.shared.controls import choose_model

    with st.sidebar:
        spec = choose_model("net_", "vgg11")
    try:
        analysis = analysis_of(spec)
    except LabError as error:
        show_error(error)
        return
    for warning in analysis.warnings:
        st.warning(warning, icon=":material/warning:")
    numbers(analysis, default_of(spec.arch))
    picked = picture(analysis)
    view = st.segmented_control(
        "View",
        VIEWS,
        default="Layers",
        key="net_view",
        bind="query-params",
        label_visibility="collapsed",
        required=True,
    )
    level, layout, as_flops = how(view)
    if view == "Layers":
        layers(analysis, level, layout, as_flops, picked)
    elif view == "Cost":
        st.plotly_chart(figures.cost_bars(analysis.rows(level), as_flops), key="net_cost_chart")
    else:
        st.caption(
            "Printed by [torchinfo](https://github.com/TylerYep/torchinfo) from the same network;"
            " its multiply-adds also count biases and BatchNorm, ours do not."
        )
        st.code(summary_of(spec), language=None)
    with st.container(horizontal=True):
        name = f"{spec.arch}-ratio{spec.ratio}-{spec.image_size}px"
        download_csv(
            "Layers as CSV",
            lambda: layer_frame(analysis, level, layout=layout),
            f"{name}-{level.replace(' ', '-')}.csv",
            "net_csv",
        )
        if st.button(
            "Compare",
            icon=":material/compare_arrows:",
            help="Puts this network beside AlexNet and VGG-11.",
        ):
            compare(analysis.spec)
        if st.button("Train this network", icon=":material/model_training:"):
            from pages.shared.controls import go_to, model_keys

            go_to("pages/train.py", model_keys("train_", spec))


def compare(spec: ModelSpec) -> None:
    """Open the Compare page with this network added to those that were last compared there."""
    from pages.shared.comparison import networks_with

    st.switch_page("pages/compare.py", query_params={"networks": networks_with(spec)})


def default_of(arch: str) -> Analysis:
    """The network as its source describes it, to compare with."""
    from core.zoo import complete, find

    return analysis_of(complete(find(arch).default))


def numbers(analysis: Analysis, default: Analysis) -> None:
    """Five totals, each with its change against the network's own default setting."""
    now, before = analysis.totals, default.totals
    memory, memory_before = analysis.training_bytes(BATCH), default.training_bytes(BATCH)
    seen = now.receptive_field
    with st.container(horizontal=True):
        number("Parameters", formats.short(now.params), HELP["params"], now.params, before.params)
        number("MACs an image", formats.short(now.macs), HELP["macs"], now.macs, before.macs)
        number(
            f"Memory, batch {BATCH}",
            formats.mebibytes(memory),
            HELP["memory"],
            memory,
            memory_before,
        )
        number(
            "Receptive field",
            formats.joined(str(seen), "px") if seen else formats.NOTHING,
            f"{HELP['field']} The image has {analysis.spec.image_size}.",
            seen or 0,
            before.receptive_field or 0,
        )
        number("Depth", f"{now.depth} layers", HELP["depth"], now.depth, before.depth)


def number(label: str, shown: str, explanation: str, now: float, before: float) -> None:
    """One total; under it what it is of the default's."""
    factor = formats.change(now, before)
    st.metric(
        label,
        shown,
        f"{factor} of default" if factor else None,
        delta_color="off",
        delta_arrow="off",
        help=explanation,
        border=True,
        width=174,
    )


def picture(analysis: Analysis) -> str | None:
    """The shape flow; returns the block that was clicked."""
    event = st.plotly_chart(
        figures.shape_flow(analysis),
        key="net_flow",
        on_select="rerun",
        selection_mode="points",
        config={"displayModeBar": False},
    )
    points = event["selection"]["points"] if event else []
    return str(points[0]["customdata"][0]) if points and points[0].get("customdata") else None


def how(view: str) -> tuple[str, str, bool]:
    """The controls that change how, beside the chart: rows, layout of shapes, MACs or FLOPs."""
    level, layout, as_flops = "block", "NCHW", False
    if view == "Summary":
        return level, layout, as_flops
    with st.container(horizontal=True, vertical_alignment="bottom"):
        level = st.segmented_control(
            "Rows",
            list(LEVELS),
            default="block",
            format_func=LEVELS.__getitem__,
            key="net_level",
            bind="query-params",
            required=True,
            help="A weight layer's row includes what follows it, such as ReLU and pooling, so"
            " every choice adds up to the same totals.",
        )
        if view == "Layers":
            layout = st.segmented_control(
                "Shapes",
                list(LAYOUTS),
                default="NCHW",
                format_func=LAYOUTS.__getitem__,
                key="net_layout",
                bind="query-params",
                required=True,
                help="N images, C channels, H×W pixels: PyTorch's order, or that of Keras.",
            )
        as_flops = st.toggle(
            "FLOPs instead of MACs", key="net_flops", bind="query-params", help="1 MAC = 2 FLOPs."
        )
    return level, layout, as_flops


def layers(analysis: Analysis, level: str, layout: str, as_flops: bool, picked: str | None) -> None:
    """The table, with the totals under it."""
    rows = analysis.rows(level)
    if picked and picked != "image":
        rows = tuple(row for row in analysis.layers if row.block == picked)
        st.caption(f"The layers of {picked}; click beside the bars to see the whole network again.")
    st.dataframe(
        shown(rows, analysis, layout, as_flops),
        hide_index=True,
        height="content",
        column_config=columns("FLOPs" if as_flops else "MACs"),
        key="net_table",
    )
    totals = analysis.totals
    st.caption(
        f"{len(rows)} rows. The whole network: {totals.params:,} parameters, "
        + (f"{totals.flops:,} FLOPs" if as_flops else f"{totals.macs:,} MACs")
        + f", {totals.elementwise_ops:,} element-wise operations and"
        f" {formats.mebibytes(totals.output_bytes)} of outputs an image."
    )


def shown(
    rows: tuple[LayerCost, ...], analysis: Analysis, layout: str, as_flops: bool
) -> pd.DataFrame:
    """The table as a person reads it; the CSV has every column."""
    totals = analysis.totals
    unit, factor = ("FLOPs", 2) if as_flops else ("MACs", 1)
    return pd.DataFrame(
        {
            "layer": [row.path for row in rows],
            "kind": [row.kind if row.operation == "block" else row.operation for row in rows],
            "input": [formats.shape(row.input_shape, layout) for row in rows],
            "output": [formats.shape(row.output_shape, layout) for row in rows],
            "parameters": [row.params for row in rows],
            "of parameters": [100 * row.params / max(1, totals.params) for row in rows],
            unit: [factor * row.macs for row in rows],
            f"of {unit}": [100 * row.macs / max(1, totals.macs) for row in rows],
            "element-wise": [row.elementwise_ops for row in rows],
            "output MiB": [row.output_bytes / 2**20 for row in rows],
            "sees px": [row.receptive_field for row in rows],
        }
    )


def columns(unit: str) -> dict[str, object]:
    """How the table's columns look."""
    config = st.column_config

    def share(what: str) -> object:
        return config.ProgressColumn(
            f"of {what}",
            format="%.1f %%",
            min_value=0,
            max_value=100,
            color="blue",
            help=f"Share of the network's {what}.",
        )

    return {
        "layer": config.TextColumn("layer", pinned=True, help="Path of the module in the network."),
        "parameters": config.NumberColumn(format="localized"),
        "of parameters": share("parameters"),
        unit: config.NumberColumn(format="localized", help=f"{unit} an image."),
        f"of {unit}": share(unit),
        "element-wise": config.NumberColumn(
            format="localized",
            help="Operations an image of ReLU, pooling, BatchNorm, addition, concatenation.",
        ),
        "output MiB": config.NumberColumn(
            format="%.2f", help="Memory of the outputs of one image, float32."
        ),
        "sees px": config.NumberColumn(help="Receptive field: pixels of the image a side."),
    }


with frame("Architecture", "One network, layer by layer: shapes, parameters, work and memory."):
    page()

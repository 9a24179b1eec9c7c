"""One network, taken apart: what it looks like, what each layer costs."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.analysis.records import Analysis, LayerCost
from core.report import formats
from core.report.figures import charts as figures
from core.report.tables.tables import comparison_frame, layer_frame
from core.specs import LabError, ModelSpec
from pages.views.app.address import address_checked, go_to
from pages.views.app.downloads import download_csv, file_name
from pages.views.app.frame import page_frame
from pages.views.app.messages import escaped, show_error
from pages.views.app.services import analysis_of, code_of, load_torch, summary_of

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
VIEWS = ("Layers", "Cost", "Memory", "Time", "Picture", "Explain", "Code", "Summary")
WITH_ROWS = ("Layers", "Cost", "Memory", "Time")  # views that show rows of layers
LEVELS = {"block": "by block", "weight layer": "by weight layer", "module": "every module"}
LAYOUTS = {"NCHW": "N×C×H×W", "NHWC": "N×H×W×C"}


def page() -> None:
    """Sidebar, numbers, picture, then the view that the reader picks."""
    load_torch()
    from pages.views.forms.network import choose_model

    with st.sidebar:
        spec = choose_model("net_", "vgg11", torchvision=True)
    try:
        analysis = analysis_of(spec)
    except LabError as error:
        show_error(error)
        return
    for warning in analysis.warnings:
        st.warning(escaped(warning), icon=":material/warning:")
    numbers(analysis, default_of(spec.arch))
    picked = picture(analysis)
    grows = spec.arch.startswith("densenet")
    name = st.segmented_control(
        "View",
        (*VIEWS, "Growth") if grows else VIEWS,
        default="Layers",
        key="net_view",
        bind="query-params",
        label_visibility="collapsed",
        required=True,
    )
    level, layout, as_flops = how(name)
    view(name, analysis, level, layout, as_flops, picked)
    last_row(analysis, level, layout)


def label_of(key: str, value: object) -> str | None:
    """How the control with this key shows the value, where that is not the value itself."""
    return {"net_level": LEVELS, "net_layout": LAYOUTS}.get(key, {}).get(str(value))


def view(
    name: str, analysis: Analysis, level: str, layout: str, as_flops: bool, picked: str | None
) -> None:
    """What the reader picked; each view imports what it alone needs."""
    if name == "Layers":
        layers(analysis, level, layout, as_flops, picked)
    elif name == "Cost":
        st.plotly_chart(figures.cost_bars(analysis.rows(level), as_flops), key="net_cost_chart")
    elif name == "Memory":
        from pages.views.architecture.memory import memory_view

        memory_view(analysis, level, BATCH)
    elif name == "Time":
        from pages.views.architecture.layer_times import layer_times_view

        layer_times_view(analysis, level)
    elif name == "Picture":
        from pages.views.architecture.picture import network_picture

        network_picture(analysis, "net_picture")
    elif name == "Explain":
        from pages.views.architecture.explain import explain_view

        explain_view(analysis)
    elif name == "Growth":
        from pages.views.architecture.growth import densenet_view

        densenet_view(analysis)
    elif name == "Code":
        code(analysis.spec)
    else:
        summary(analysis.spec)


def code(spec: ModelSpec) -> None:
    """The network as PyTorch code that runs on its own."""
    st.caption(
        "The network as configured, in PyTorch, without the lab: the same layers under the same"
        " names, so that parameters trained here load there."
    )
    text = code_of(spec)
    st.download_button(
        "Code as .py",
        text.encode(),
        file_name=f"{file_name(spec)}.py",
        mime="text/x-python",
        on_click="ignore",
        icon=":material/download:",
        key="net_code_file",
    )
    st.code(text, language="python")


def summary(spec: ModelSpec) -> None:
    """torchinfo's own text."""
    st.caption(
        "Printed by [torchinfo](https://github.com/TylerYep/torchinfo) from the same network; its"
        " multiply-adds also count biases and BatchNorm, ours do not: *Explain*, *Other counters*"
        " takes the difference apart."
    )
    st.code(summary_of(spec), language=None)


def last_row(analysis: Analysis, level: str, layout: str) -> None:
    """The download of the layers, and the ways on."""
    from core.zoo.catalogue import CATALOGUE
    from pages.views.forms.network import model_keys

    spec = analysis.spec
    with st.container(horizontal=True):
        download_csv(
            "Layers as CSV",
            lambda: layer_frame(analysis, level, layout=layout),
            f"{file_name(spec)}-{level.replace(' ', '-')}.csv",
            "net_csv",
        )
        download_csv(
            "Totals as CSV",
            lambda: comparison_frame([analysis], BATCH, {}),
            f"{file_name(spec)}-totals.csv",
            "net_totals_csv",
        )
        if st.button(
            "Compare",
            icon=":material/compare_arrows:",
            help="Puts this network beside AlexNet and VGG-11.",
        ):
            compare(spec)
        if spec.arch in CATALOGUE and st.button(
            "Train this network", icon=":material/model_training:"
        ):
            go_to("pages/train.py", model_keys("train_", spec))


def compare(spec: ModelSpec) -> None:
    """Open the Compare page with this network added to those that were last compared there."""
    from pages.views.compare.networks import networks_with

    st.switch_page("pages/compare.py", query_params={"networks": networks_with(spec)})


def default_of(arch: str) -> Analysis:
    """The network as its source describes it, to compare with."""
    from core.zoo.catalogue import complete, find

    return analysis_of(complete(find(arch).default))


def numbers(analysis: Analysis, default: Analysis) -> None:
    """Five totals, each with its change against the network's own default setting."""
    now, before = analysis.totals, default.totals
    memory, memory_before = analysis.training_bytes(BATCH), default.training_bytes(BATCH)
    seen = now.receptive_field
    with st.container(horizontal=True):
        number("Parameters", formats.short(now.params), HELP["params"], now.params, before.params)
        training = (now.macs + now.backward_macs) / max(1, now.macs)
        number(
            "MACs an image",
            formats.short(now.macs),
            f"{HELP['macs']} A training step, forward and backward, takes {training:.2f} times as"
            " many: the first layer needs no gradient of its input.",
            now.macs,
            before.macs,
        )
        number(
            f"Memory, batch {BATCH}",
            formats.mebibytes(memory),
            HELP["memory"],
            memory,
            memory_before,
        )
        number(
            "Receptive field",
            formats.joined(str(seen), "px") if seen else "all",
            f"{HELP['field']} {field_in_words(seen, analysis.spec.image_size)}",
            seen or 0,
            before.receptive_field or 0,
            share_of_side(seen, analysis.spec.image_size),
        )
        number("Depth", f"{now.depth} layers", HELP["depth"], now.depth, before.depth)


def field_in_words(seen: int | None, image_size: int) -> str:
    """How much of the image one unit of the last map sees."""
    if seen is None:
        return "Attention looks at every part of the image."
    return f"The image has {image_size}: one unit sees {share_of_side(seen, image_size)}."


def share_of_side(seen: int | None, image_size: int) -> str:
    """67 % of the side; nothing after attention."""
    if seen is None:
        return ""
    return f"{formats.joined(f'{100 * min(1.0, seen / image_size):.0f}', '%')} of the side"


def number(
    label: str, shown: str, explanation: str, now: float, before: float, note: str = ""
) -> None:
    """One total; under it a note, or what it is of the default's."""
    factor = formats.change(now, before)
    st.metric(
        label,
        shown,
        note or (f"{factor} of default" if factor else None),
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
    if view not in WITH_ROWS:
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
        if view in ("Layers", "Cost"):
            as_flops = st.toggle(
                "FLOPs instead of MACs",
                key="net_flops",
                bind="query-params",
                help="1 MAC = 2 FLOPs.",
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
        f" {formats.mebibytes(totals.output_bytes)} of outputs an image, of which"
        f" {formats.mebibytes(totals.saved_bytes)} are kept for the backward pass."
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
            f"backward {unit}": [factor * row.backward_macs for row in rows],
            "weights MiB": [row.weight_bytes / 2**20 for row in rows],
            "output MiB": [row.output_bytes / 2**20 for row in rows],
            "saved MiB": [row.saved_bytes / 2**20 for row in rows],
            "kernel": [window_text(row) for row in rows],
            "sees px": [row.receptive_field for row in rows],
        }
    )


def window_text(row: LayerCost) -> str:
    """Kernel, stride and padding: `3×3 /2 +1`; nothing for a layer that does not slide."""
    if row.window is None:
        return ""
    kernel, stride, padding = row.window.kernel, row.window.stride, row.window.padding
    text = "×".join(map(str, kernel))
    text += f" /{stride[0]}" if max(stride) > 1 else ""
    return text + (f" +{padding[0]}" if max(padding) > 0 else "")


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
        f"backward {unit}": config.NumberColumn(
            format="localized",
            help=f"{unit} an image of the gradients: of the weights, and of the layer's input.",
        ),
        "weights MiB": config.NumberColumn(format="%.2f", help="Memory of the parameters."),
        "output MiB": config.NumberColumn(
            format="%.2f", help="Memory of the outputs of one image, float32."
        ),
        "saved MiB": config.NumberColumn(
            format="%.2f", help="What autograd keeps of one image for the backward pass."
        ),
        "kernel": config.TextColumn(
            help="Kernel, /stride where it is not 1, +padding where there is one."
        ),
        "sees px": config.NumberColumn(help="Receptive field: pixels of the image a side."),
    }


with (
    page_frame("Architecture", "One network, layer by layer: shapes, parameters, work and memory."),
    address_checked(label_of),
):
    page()

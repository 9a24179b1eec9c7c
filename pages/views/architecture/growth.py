"""The Architecture page's Growth view: how a DenseNet is implemented, and what it costs."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.analysis.records import Analysis, LayerCost
from core.explain.glossary import explained
from core.explain.growth import GrowthStep, growth, growth_formula, weight_formula
from core.language import N_, _
from core.report.figures.growth import growth_bars
from core.report.names import file_name, network_title
from core.report.tables.layers import growth_frame
from pages.views.app.charts import chart
from pages.views.app.downloads import download_csv
from pages.views.app.prose import markdown
from pages.views.app.tables import table
from pages.views.architecture.equal_accuracy import equal_accuracy_view
from pages.views.architecture.equal_parameters import equal_parameters_view

_IDEA = N_(
    "A residual block *adds* what it computes to what it has read; a dense layer puts it *beside*"
    " that: `x = torch.cat([x, layer(x)], dim=1)`. So each layer reads everything that was computed"
    " before it in its block and needs to make only a few channels itself, the **growth rate**."
    " Between **dense blocks** a **transition**, a 1×1 convolution and an average-pool, keeps a"
    " share of the channels and halves the sides. Both are sliders above."
)


def growth_view(analysis: Analysis) -> None:
    """The idea, the growing concatenation, one layer's formulas, the residual net beside it."""
    steps = growth(analysis)
    markdown(_(_IDEA))
    chart(
        growth_bars(steps),
        "net_growth_chart",
        about=network_title(analysis.spec),
        name=f"{file_name(analysis.spec)}-growth",
    )
    _step_formulas(steps)
    table(
        _growth_table(steps),
        key="net_growth_table",
        column_config={
            "step": st.column_config.TextColumn(pinned=True),
            "parameters": st.column_config.NumberColumn(format="localized"),
            "MACs": st.column_config.NumberColumn(format="localized"),
            "saved MiB": st.column_config.NumberColumn(
                format="%.3f", help=explained("saved activations")
            ),
        },
    )
    download_csv(
        _("Growth as CSV"),
        lambda: growth_frame(analysis, steps),
        f"{file_name(analysis.spec)}-growth.csv",
        "net_growth_csv",
    )
    equal_parameters_view(analysis, steps)
    equal_accuracy_view()


def _step_formulas(steps: tuple[GrowthStep, ...]) -> None:
    """The formulas of the step that the reader picks."""
    names = [step.name for step in steps]
    name = st.selectbox(
        _("A layer with its numbers"),
        names,
        index=min(1, len(names) - 1),
        key="net_growth_step",
        bind="query-params",
        width=320,
        help=_("A dense layer, or the transition behind a block."),
    )
    step = steps[names.index(name)]
    lines = [_("**{step}** {formula}.", step=step.name, formula=growth_formula(step))]
    lines += [_parameters_in_words(layer, step) for layer in step.convolutions]
    markdown("\n".join(f"- {line}" for line in lines))


def _parameters_in_words(layer: LayerCost, step: GrowthStep) -> str:
    """The formula of a convolution's parameters, and its numbers."""
    told = {"layer": layer.path.removeprefix(f"{step.name}."), "numbers": weight_formula(layer)}
    if layer.biases:
        return _(
            "{layer}: kernel · channels in · channels out + biases = {numbers} parameters.", **told
        )
    return _("{layer}: kernel · channels in · channels out = {numbers} parameters.", **told)


def _growth_table(steps: tuple[GrowthStep, ...]) -> pd.DataFrame:
    """The steps as a person reads them."""
    return pd.DataFrame(
        {
            N_("step"): [step.name for step in steps],
            N_("reads channels"): [step.channels_in for step in steps],
            N_("adds"): [0 if step.is_transition else step.channels_new for step in steps],
            N_("after it"): [step.channels_out for step in steps],
            N_("pixels a side"): [step.side_out for step in steps],
            N_("parameters"): [step.params for step in steps],
            "MACs": [step.macs for step in steps],
            N_("saved MiB"): [step.saved_bytes / 2**20 for step in steps],
        }
    )

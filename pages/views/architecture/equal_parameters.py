"""A DenseNet beside the residual net whose number of parameters is nearest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import log

import pandas as pd
import streamlit as st

from core.analysis.records import Analysis
from core.explain.growth import GrowthStep, concatenation_bytes
from core.language import _, comma
from core.report import formats
from core.report.glance import BATCH_SIZE
from core.specs import ModelSpec
from core.zoo.catalogue import find
from pages.views.app.prose import caption, markdown
from pages.views.app.with_torch import analysis_of, parameter_counts_of

_RESIDUAL = ("resnet18", "resnet34", "resnet50")
_RATIOS = range(1, 9)


def equal_parameters_view(analysis: Analysis, steps: Sequence[GrowthStep]) -> None:
    """Parameters, work and memory of both networks, and what the concatenations cost."""
    st.header(_("Beside a residual net of about as many parameters"), anchor=False)
    residual = nearest_residual(analysis)
    if residual is None:
        st.info(_("No residual net takes images of this size."), icon=":material/info:")
        return
    networks = (analysis, residual)
    rows = {
        _("parameters"): [formats.short(network.totals.params) for network in networks],
        _("MACs an image"): [formats.short(network.totals.macs) for network in networks],
        _("saved for the backward pass, an image"): [
            formats.mebibytes(network.totals.saved_bytes) for network in networks
        ],
        _("memory for training, batch {batch_size}", batch_size=BATCH_SIZE): [
            formats.mebibytes(network.training_bytes(BATCH_SIZE)) for network in networks
        ],
        _("weight layers on the longest path"): [str(network.totals.depth) for network in networks],
    }
    names = [title_and_ratio(network.spec) for network in networks]
    st.table(pd.DataFrame(rows, index=names).T)
    markdown(verdict(analysis, residual, steps))
    caption(
        _(
            "Of {networks} at ratios {least} to {most} the one whose number of parameters is"
            " nearest, at the same resize, channels and classes.",
            networks=comma().join(_RESIDUAL),
            least=_RATIOS[0],
            most=_RATIOS[-1],
        )
    )


def nearest_residual(analysis: Analysis) -> Analysis | None:
    """The residual net with the nearest number of parameters."""
    spec = analysis.spec
    residuals = [
        replace(spec, arch=arch, ratio=ratio, options=()) for arch in _RESIDUAL for ratio in _RATIOS
    ]
    ours = max(1, analysis.totals.params)
    candidates = [
        (abs(log(params / ours)), residual.arch, residual)
        for residual, params in zip(residuals, parameter_counts_of(residuals), strict=True)
        if params
    ]
    return analysis_of(min(candidates)[-1]) if candidates else None


def verdict(dense: Analysis, residual: Analysis, steps: Sequence[GrowthStep]) -> str:
    """What the concatenations cost, from the numbers."""
    totals, residual_totals = dense.totals, residual.totals
    params = totals.params / residual_totals.params
    saved = totals.saved_bytes / residual_totals.saved_bytes
    told = {
        "residual": title_and_ratio(residual.spec),
        "parameters": formats.times(totals.params, residual_totals.params),
        "macs": formats.times(totals.macs, residual_totals.macs),
        "saved": formats.times(totals.saved_bytes, residual_totals.saved_bytes),
    }
    if saved > params * 1.1:
        return _(
            "Beside {residual} this DenseNet has {parameters} parameters; it does {macs}"
            " multiply-adds and keeps **{saved}** activations for the backward pass: each dense"
            " layer keeps the whole concatenation that it read, once for its BatchNorm and, after"
            " ReLU, once for its convolution. That is {share:.0%} of it all here and grows with the"
            " square of a block's depth; a residual block keeps maps of one width.",
            share=concatenation_bytes(steps) / totals.saved_bytes,
            **told,
        )
    return _(
        "Beside {residual} this DenseNet has {parameters} parameters; it does {macs}"
        " multiply-adds and keeps **{saved}** activations for the backward pass.",
        **told,
    )


def title_and_ratio(spec: ModelSpec) -> str:
    """`ResNet-18, ratio 2`."""
    title = _(find(spec.arch).title)
    if spec.ratio == 1:
        return title
    return _("{network}, ratio {ratio}", network=title, ratio=spec.ratio)

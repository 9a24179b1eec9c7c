"""The Explain view's third topic: what others count for the same network, and why it differs."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.analysis.records import Analysis
from core.explain.published_counts import PUBLISHED_COUNTS, PublishedCount
from core.explain.reconcile import Account, reconcile
from core.language import N_, _
from core.report.names import file_name
from core.report.tables.counts import account_frame
from core.specs import ModelSpec
from core.zoo.catalogue import find
from core.zoo.libraries import library_of
from pages.views.app.downloads import download_csv
from pages.views.app.prose import caption
from pages.views.app.tables import table
from pages.views.app.with_torch import analysis_of, other_counts_of

_DOCUMENTATION = {  # of a library, as the source of a count
    "torchvision": N_("torchvision's documentation"),
    "timm": N_("timm's documentation"),
}


def other_counters(analysis: Analysis) -> None:
    """One table: our counts, others', and every reason of a difference."""
    with st.spinner(_("Asking torchinfo and FlopCounterMode…")):
        accounts = reconcile(
            analysis, other_counts_of(analysis.spec), _published_count(analysis.spec), analysis_of
        )
    caption(
        _(
            "The same network, counted by others. Each difference is taken apart; ours plus the"
            " parts is theirs, exactly. Counts are for one image."
        )
    )
    table(
        pd.DataFrame([row for account in accounts for row in _account_rows(account)]),
        height="content",
        key="net_accounts",
        column_config={
            "counter": st.column_config.TextColumn(width="medium"),
            "count": st.column_config.NumberColumn(format="localized"),
            "reason": st.column_config.TextColumn(width="large"),
        },
    )
    download_csv(
        _("Reconciliation as CSV"),
        lambda: account_frame(analysis, accounts),
        f"{file_name(analysis.spec)}-reconciliation.csv",
        "net_accounts_csv",
    )


def _account_rows(account: Account) -> list[dict[str, object]]:
    """An account as rows: ours, each part, theirs."""
    ours = {
        N_("counter"): _(account.counter),
        N_("quantity"): _(account.quantity),
        N_("count"): account.ours,
        N_("reason"): _("ours") if account.difference else _("ours, and theirs: no difference"),
    }
    if not account.difference:
        return [ours]
    parts = [
        {"counter": "", "quantity": "", "count": part.amount, "reason": part.reason}
        for part in account.parts
    ]
    if account.unexplained:
        rest = {"counter": "", "quantity": "", "count": account.unexplained}
        parts.append(rest | {"reason": _("not explained")})
    theirs = {"counter": "", "quantity": "", "count": account.theirs, "reason": _("theirs")}
    return [ours, *parts, theirs]


def _published_count(spec: ModelSpec) -> PublishedCount | None:
    """The figure that somebody has published for this network, at their own setting."""
    library = library_of(spec.arch)
    if library is None:
        return PUBLISHED_COUNTS.get(spec.arch)
    known = library.models[library.model_name(spec.arch)]
    if known.params is None or known.giga_macs is None:
        return None
    setting = find(spec.arch).default  # at the size that the library counted at
    return PublishedCount(setting, known.params, known.giga_macs, _DOCUMENTATION[library.name])

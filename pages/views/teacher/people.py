"""Everybody who has signed in: what they run and what they have taken today."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.jobs.people import Participant, Quotas
from core.language import N_, _
from core.report import formats
from core.report.tables.people import people_frame
from pages.views.app.downloads import download_csv
from pages.views.app.services import store
from pages.views.app.tables import table

_MEBIBYTE = 2**20


def people_view() -> None:
    """A row a person, and the same as CSV."""
    people = store().participants()
    of_class = store().quotas_of_class()
    table(
        _frame(people, of_class),
        height="content",
        key="class_people",
        column_config={
            "last seen": st.column_config.DatetimeColumn(format="distance"),
        },
        placeholder=formats.NOTHING,
    )
    download_csv(
        _("People as CSV"),
        lambda: people_frame(store().participants()),
        "people.csv",
        "class_people_csv",
    )


def _frame(people: Sequence[Participant], of_class: Quotas) -> pd.DataFrame:
    """Numbers, each of how many they may have."""
    pairs = [(one.taken, _limits(one, of_class)) for one in people]
    return pd.DataFrame(
        {
            N_("name"): [_name(one) for one in people],
            N_("e-mail"): [one.person.email for one in people],
            N_("running"): [_of(taken.running, most.runs_at_once) for taken, most in pairs],
            N_("queued"): [_of(taken.queued, most.queued) for taken, most in pairs],
            N_("minutes today"): [
                _of(round(taken.minutes_today), most.minutes_a_day) for taken, most in pairs
            ],
            N_("files (MiB)"): [
                _of(
                    round(taken.kept_bytes / _MEBIBYTE),
                    None if most.kept_bytes is None else round(most.kept_bytes / _MEBIBYTE),
                )
                for taken, most in pairs
            ],
            N_("last seen"): pd.to_datetime([one.last_seen for one in people], unit="s", utc=True),
        }
    )


def _limits(one: Participant, of_class: Quotas) -> Quotas:
    return Quotas() if one.person.is_teacher else one.quotas.or_those(of_class)


def _name(one: Participant) -> str:
    """`Ada`, `Ada (teacher)`."""
    name = one.person.name
    return _("{name} (teacher)", name=name) if one.person.is_teacher else name


def _of(taken: int, most: int | None) -> str:
    """`2 of 3`; `2` where there is no limit."""
    if most is None:
        return f"{taken:,}"
    return _("{taken:,} of {most:,}", taken=taken, most=most)

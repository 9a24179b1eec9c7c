"""The people of a class and their runs as tables. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from core.jobs.people import Participant, Person
from core.jobs.store import Run
from core.report.tables.runs import RUN_COLUMNS, as_time, run_frame

_WHO = ("name", "email")
PEOPLE_COLUMNS = [
    *("person", *_WHO, "is_teacher", "running", "queued", "minutes_today", "kept_bytes"),
    *("most_runs_at_once", "most_queued", "most_minutes_a_day", "most_kept_bytes", "last_seen"),
]
CLASS_COLUMNS = ["person", *_WHO, "is_shared", *RUN_COLUMNS]


def people_frame(people: Iterable[Participant]) -> pd.DataFrame:
    """One row a person; the quotas are their own, empty where those of the class hold."""
    return pd.DataFrame(
        [
            {
                "person": one.person.id,
                "name": one.person.name,
                "email": one.person.email,
                "is_teacher": one.person.is_teacher,
                **vars(one.taken),
                **{f"most_{name}": value for name, value in vars(one.quotas).items()},
                "last_seen": as_time(one.last_seen),
            }
            for one in people
        ],
        columns=PEOPLE_COLUMNS,
    )


def class_frame(runs: Iterable[Run], people: Mapping[str, Person]) -> pd.DataFrame:
    """One row a run, as `run_frame`, with who has started it; `people` by their ids."""
    runs = list(runs)
    nobody = Person("", "")
    owners = [people.get(run.owner, nobody) for run in runs]
    frame = run_frame(runs).assign(
        person=[run.owner for run in runs],
        name=[owner.name for owner in owners],
        email=[owner.email for owner in owners],
        is_shared=[run.is_shared for run in runs],
    )
    return frame[CLASS_COLUMNS]

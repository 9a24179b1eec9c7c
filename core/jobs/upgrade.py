"""Bringing the store of an older lab up to the present schema, with nothing lost.

Each step knows only the version before it and the one after it, in SQL of its own: the tables of
`core.jobs.schema` go on changing, what an old store looks like does not. Imports no torch.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection, inspect, text

from core.jobs.dialects import is_postgresql
from core.jobs.records import run_columns
from core.jobs.schema import SCHEMA_VERSION, STORE_ID, lab_table, tables
from core.specs import LabError, RunSpec
from core.storage.place import OF_STORES

_LEASE_SECONDS_BEFORE_3 = 20.0
_LOCK = 0x1AB  # any number that no other program on the same database locks


def bring_up_to_date(connection: Connection) -> None:
    """Make the tables of a new store, or change those of an older one step by step.

    Raises LabError for a version that this lab cannot read.
    """
    if is_postgresql(connection):  # of several who open it at once one is the first
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    if not inspect(connection).has_table(lab_table.name):
        lab_table.create(connection, checkfirst=True)
    query = text("SELECT value FROM lab WHERE name = 'schema_version'")
    version = connection.scalar(query)
    if version is None:
        tables.create_all(connection)
        insert = text("INSERT INTO lab (name, value) VALUES (:name, :value)")
        for name, value in (("schema_version", str(SCHEMA_VERSION)), (STORE_ID, new_store_id())):
            connection.execute(insert, {"name": name, "value": value})
        return
    number = int(version)
    if number not in (*_STEPS, SCHEMA_VERSION):
        schemas = {"version": version, "own": SCHEMA_VERSION}
        if number > SCHEMA_VERSION:
            raise LabError(
                "The run store was made by a newer version of the lab (schema {version}, this one"
                " reads {own}); use that version, or another LAB_RUNS_DIR.",
                **schemas,
            )
        raise LabError(
            "The run store was made by an older version of the lab (schema {version}, this one"
            " reads {own}); use that version, or another LAB_RUNS_DIR.",
            **schemas,
        )
    while number < SCHEMA_VERSION:
        _STEPS[number](connection)
        number += 1
    connection.execute(
        text("UPDATE lab SET value = :version WHERE name = 'schema_version'"),
        {"version": str(SCHEMA_VERSION)},
    )


def _from_1(connection: Connection) -> None:
    """Columns for checkpoints, workers and phases; the table of studies."""
    _add_columns(
        connection,
        "runs",
        {
            "worker": "TEXT",
            "fingerprint": "TEXT NOT NULL DEFAULT ''",
            "execution": "TEXT",
            "checkpoint": "TEXT",
            "best_file": "TEXT",
            "dead_parameters": "TEXT",
            "note": "TEXT NOT NULL DEFAULT ''",
        },
    )
    phases = ("data", "transfer", "forward", "backward", "optimiser")
    columns = {f"{phase}_seconds": "FLOAT NOT NULL DEFAULT 0" for phase in phases}
    _add_columns(connection, "epochs", columns)
    connection.execute(
        text(
            "CREATE TABLE IF NOT EXISTS studies (id VARCHAR(80) PRIMARY KEY, title TEXT NOT NULL,"
            " settings TEXT NOT NULL, created_at FLOAT NOT NULL)"
        )
    )
    connection.execute(
        text(
            "CREATE TABLE IF NOT EXISTS speeds (device VARCHAR(200) PRIMARY KEY,"
            " measured_at FLOAT NOT NULL, speed TEXT NOT NULL)"
        )
    )
    connection.execute(  # version 1 had one name for it, and no hash
        text("UPDATE runs SET best_file = :file WHERE best_epoch IS NOT NULL"),
        {"file": '{"name": "best.safetensors", "sha256": ""}'},
    )


def _from_2(connection: Connection) -> None:
    """Runs and measurements become jobs, "diverged" a state; a study has a kind."""
    for index in ("ix_runs_state", "ix_runs_study"):
        connection.execute(text(f"DROP INDEX IF EXISTS {index}"))
    connection.execute(text("ALTER TABLE runs RENAME TO jobs"))
    for old, new in (("spec", "request"), ("execution", "compute_plan"), ("failures", "deaths")):
        connection.execute(text(f"ALTER TABLE jobs RENAME COLUMN {old} TO {new}"))
    _add_columns(
        connection,
        "jobs",
        {
            "kind": "VARCHAR(40) NOT NULL DEFAULT 'train'",
            "key": "VARCHAR(200)",
            "host": "VARCHAR(200)",
            "result": "TEXT",
            "early_deaths": "INTEGER NOT NULL DEFAULT 0",
            "has_stepped": "BOOLEAN NOT NULL DEFAULT FALSE",
            "lease_until": "FLOAT",
        },
    )
    for column, unique in (("kind", ""), ("key", "UNIQUE"), ("state", ""), ("study", "")):
        connection.execute(text(f"CREATE {unique} INDEX ix_jobs_{column} ON jobs ({column})"))
    connection.execute(
        text("UPDATE jobs SET lease_until = heartbeat_at + :lease WHERE state = 'running'"),
        {"lease": _LEASE_SECONDS_BEFORE_3},
    )
    connection.execute(
        text(
            "UPDATE jobs SET state = 'diverged'"
            " WHERE state = 'failed' AND message LIKE '%the network diverged%'"
        )
    )
    _studies_from_2(connection)
    for name, measured_at, speed in connection.execute(
        text("SELECT device, measured_at, speed FROM speeds")
    ).all():
        _insert_measurement(connection, name, measured_at, json.loads(speed))
    connection.execute(text("DROP TABLE speeds"))


def _studies_from_2(connection: Connection) -> None:
    """Version 2 told the kind of a study by its name, and some studies had no row."""
    _add_columns(connection, "studies", {"kind": "VARCHAR(20) NOT NULL DEFAULT 'variants'"})
    named = connection.execute(
        text(
            "SELECT study, MIN(created_at) FROM jobs WHERE study IS NOT NULL"
            " AND study NOT IN (SELECT id FROM studies) GROUP BY study"
        )
    ).all()
    for study, created_at in named:
        kind = "variants"
        if study.startswith("stack-"):
            kind = "stack"
        elif study == "reproduction":
            kind = "reproduction"
        connection.execute(
            text(
                "INSERT INTO studies (id, kind, title, settings, created_at)"
                " VALUES (:id, :kind, :id, '{}', :created_at)"
            ),
            {"id": study, "kind": kind, "created_at": created_at},
        )


_KINDS_BEFORE_3 = {  # how the name of a measurement began in version 2
    "layer times ": "layer-times",
    "throughput ": "throughput",
    "gradients ": "gradient-flow",
    "predictions ": "predict",
    "execution ": "compute-plan",
}


def _insert_measurement(
    connection: Connection, name: str, measured_at: float, found: dict[str, Any]
) -> None:
    """A row of the table `speeds`, which held everything that had been measured, as a job."""
    begins = (kind for prefix, kind in _KINDS_BEFORE_3.items() if name.startswith(prefix))
    kind = next(begins, "device-speed")
    state, message = "finished", ""
    result: dict[str, Any] | None = found
    if kind in ("throughput", "gradient-flow", "predict"):
        result = found.get("result")
        state = "finished" if found.get("share", 1.0) >= 1.0 else "stopped"
    elif kind == "layer-times":
        result = found.get("times")
        state = "finished" if result and result["passes"] >= found.get("of", 0) else "stopped"
    if "error" in found:
        state, message = "failed", str(found["error"])
    elif not result:
        state, message = "failed", "It ended before anything was measured; measure again."
    row = {
        "kind": kind,
        "key": name,
        "state": state,
        "message": message,
        "result": json.dumps({"version": 1, "result": result}) if result else None,
        "at": measured_at,
    }
    connection.execute(
        text(
            "INSERT INTO jobs (kind, key, state, request, result, message, created_at, started_at,"
            " finished_at, attempt, spent_seconds, deaths, stop_requested, machine)"
            " VALUES (:kind, :key, :state, '', :result, :message, :at, :at, :at, 1, 0, 0, FALSE,"
            " '')"
        ),
        row,
    )


def _add_columns(connection: Connection, table: str, columns: dict[str, str]) -> None:
    """Add the columns that the table lacks; rows that are there get their defaults."""
    present = {column["name"] for column in inspect(connection).get_columns(table)}
    for name, definition in columns.items():
        if name not in present:
            connection.execute(text(f"ALTER TABLE {table} ADD COLUMN {name} {definition}"))


def _from_3(connection: Connection) -> None:
    """Time of captured steps."""
    _add_columns(connection, "epochs", {"captured_seconds": "FLOAT NOT NULL DEFAULT 0"})


def _from_4(connection: Connection) -> None:
    """Columns by which runs are found."""
    columns = {"network": "VARCHAR(200)", "dataset": "VARCHAR(80)", "setting": "VARCHAR(64)"}
    _add_columns(connection, "jobs", columns)
    for column in columns:
        connection.execute(text(f"CREATE INDEX IF NOT EXISTS ix_jobs_{column} ON jobs ({column})"))
    runs = text("SELECT id, request FROM jobs WHERE kind = 'train'")
    for job_id, request in connection.execute(runs).all():
        with suppress(LabError):  # what this lab cannot read is found by nothing but its number
            found = run_columns(RunSpec.from_json(request))
            connection.execute(
                text(
                    "UPDATE jobs SET network = :network, dataset = :dataset, setting = :setting"
                    " WHERE id = :id"
                ),
                {name: value for name, value in found.items() if name in columns} | {"id": job_id},
            )


def _from_5(connection: Connection) -> None:
    """Which source a run of the user's own network keeps; those before kept none."""
    _add_columns(connection, "jobs", {"source": "TEXT"})


def _from_6(connection: Connection) -> None:
    """What steps have come to; runs before kept only their epochs."""
    connection.execute(
        text(
            "CREATE TABLE IF NOT EXISTS step_series (run_id INTEGER NOT NULL PRIMARY KEY"
            " REFERENCES jobs (id) ON DELETE CASCADE, attempt INTEGER NOT NULL,"
            " series TEXT NOT NULL)"
        )
    )


def _from_7(connection: Connection) -> None:
    """Workers declare what they have, jobs say what they need; each store has a name."""
    _workers_from_7(connection)
    _store_id_from_7(connection)


def _workers_from_7(connection: Connection) -> None:
    """Jobs are bound to a device, no longer to the name of a host."""
    connection.execute(
        text(
            "CREATE TABLE IF NOT EXISTS workers (process VARCHAR(300) NOT NULL PRIMARY KEY,"
            " machine VARCHAR(200) NOT NULL, devices TEXT NOT NULL, cores INTEGER NOT NULL,"
            " memory_bytes BIGINT, queue_filter VARCHAR(20) NOT NULL, since FLOAT NOT NULL,"
            " lease_until FLOAT NOT NULL)"
        )
    )
    columns = {
        "needs_device": "VARCHAR(80) NOT NULL DEFAULT ''",
        "needs_hardware": "VARCHAR(200)",
        "needs_bytes": "BIGINT",
    }
    _add_columns(connection, "jobs", columns)
    connection.execute(
        text("CREATE INDEX IF NOT EXISTS ix_jobs_state_needs_device ON jobs (state, needs_device)")
    )
    asked = text(
        "SELECT id, request FROM jobs WHERE kind IN ('train', 'layer-times') AND request <> ''"
    )
    for job_id, request in connection.execute(asked).all():
        with suppress(ValueError, TypeError, KeyError):  # nobody can read it: anybody may say so
            device = str(json.loads(request)["device"]).replace("cuda:0", "cuda")
            connection.execute(
                text("UPDATE jobs SET needs_device = :device WHERE id = :id"),
                {"device": device, "id": job_id},
            )
    connection.execute(text("ALTER TABLE jobs DROP COLUMN host"))


def _store_id_from_7(connection: Connection) -> None:
    """A name that no other store has; the files of the runs that are there stay at the top."""
    _add_columns(connection, "jobs", {"store_id": "VARCHAR(40) NOT NULL DEFAULT ''"})
    connection.execute(
        text("INSERT INTO lab (name, value) VALUES (:name, :value)"),
        {"name": STORE_ID, "value": new_store_id()},
    )


def _from_8(connection: Connection) -> None:
    """Jobs belong to people, and take turns."""
    connection.execute(
        text(
            "CREATE TABLE IF NOT EXISTS people (id VARCHAR(40) NOT NULL PRIMARY KEY,"
            " name VARCHAR(200) NOT NULL, email VARCHAR(200) NOT NULL,"
            " is_teacher BOOLEAN NOT NULL, last_seen FLOAT NOT NULL,"
            " turn FLOAT NOT NULL DEFAULT 0, runs_at_once BIGINT, queued BIGINT,"
            " minutes_a_day BIGINT, kept_bytes BIGINT)"
        )
    )
    connection.execute(
        text(
            "CREATE TABLE IF NOT EXISTS spent (owner VARCHAR(40) NOT NULL, day INTEGER NOT NULL,"
            " seconds FLOAT NOT NULL, PRIMARY KEY (owner, day))"
        )
    )
    columns = {
        "owner": "VARCHAR(40) NOT NULL DEFAULT ''",
        "is_shared": "BOOLEAN NOT NULL DEFAULT TRUE",
        "work": "FLOAT NOT NULL DEFAULT 0",
        "turn": "FLOAT NOT NULL DEFAULT 0",
    }
    _add_columns(connection, "jobs", columns)
    connection.execute(text("DROP INDEX IF EXISTS ix_jobs_state_needs_device"))
    for name, indexed in (
        ("queue", "state, needs_device, turn, id"),
        ("owner_state", "owner, state"),
    ):
        connection.execute(text(f"CREATE INDEX IF NOT EXISTS ix_jobs_{name} ON jobs ({indexed})"))


def new_store_id() -> str:
    return f"{OF_STORES}{secrets.token_hex(6)}"


_STEPS: dict[int, Callable[[Connection], None]] = {  # version → the step to the next one
    1: _from_1,
    2: _from_2,
    3: _from_3,
    4: _from_4,
    5: _from_5,
    6: _from_6,
    7: _from_7,
    8: _from_8,
}

"""The tables of the store. Imports no torch."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    select,
    true,
)

from core.jobs.people import Quotas
from core.training.records import EpochMetrics

SCHEMA_VERSION = 9  # `core.jobs.upgrade` brings older stores up to it

tables = MetaData()

lab_table = Table(
    "lab", tables, Column("name", String(40), primary_key=True), Column("value", Text)
)
STORE_ID = "store_id"  # in it: a name that no other store has, under which its files lie
STORE_ID_OF_LAB = select(lab_table.c.value).where(lab_table.c.name == STORE_ID).scalar_subquery()

jobs_table = Table(
    "jobs",
    tables,
    Column("id", Integer, primary_key=True),
    Column("kind", String(40), nullable=False, index=True),  # train, or the kind of a request
    Column("key", String(200), unique=True, index=True),  # of a measurement: what is asked
    # What a worker must have to take the job, see needs.py; empty: whatever there is
    Column("needs_device", String(80), nullable=False, default=""),  # cpu, cuda, cuda:1, mps
    Column("needs_hardware", String(200)),  # what that device must be, in words
    Column("needs_bytes", BigInteger),  # of its memory
    Column("state", String(10), nullable=False, index=True),
    Column("request", Text, nullable=False),  # what is asked for, of runs a RunSpec, as JSON
    Column("network", String(200), index=True),  # of a run, whatever source its file has had
    Column("dataset", String(80), index=True),  # of a run, as its request says
    Column("setting", String(64), index=True),  # of a run: see records.setting_key
    Column("result", Text),  # of measurements, as versioned JSON
    Column("study", String(80), index=True),  # of studies_table
    Column("message", Text, nullable=False, default=""),
    Column("created_at", Float, nullable=False),
    Column("started_at", Float),
    Column("finished_at", Float),
    Column("attempt", Integer, nullable=False, default=0),  # rises with each claim: the fence
    Column("attempt_started_at", Float),
    Column("spent_seconds", Float, nullable=False, default=0.0),
    Column("deaths", Integer, nullable=False, default=0),  # in training, since the last progress
    Column("early_deaths", Integer, nullable=False, default=0),  # before a first step
    Column("has_stepped", Boolean, nullable=False, default=False),  # the attempt under way
    Column("heartbeat_at", Float),
    Column("lease_until", Float),  # then another worker may take the job
    Column("worker", Text),  # the process that has it, or had it last; see processes.this_process
    Column("stop_requested", Boolean, nullable=False, default=False),
    Column("progress", Text),  # Progress as JSON
    Column("best_epoch", Integer),
    Column("best_accuracy", Float),
    Column("machine", Text, nullable=False, default=""),
    Column("fingerprint", Text, nullable=False, default=""),  # what its bits depend on
    Column("compute_plan", Text),  # ComputePlan as JSON, chosen when the run first started
    Column("checkpoint", Text),  # StoredFile as JSON: where the run goes on
    Column("best_file", Text),  # StoredFile as JSON: the parameters of the best epoch
    Column("dead_parameters", Text),  # names and counts as JSON, of those without any gradient
    Column("store_id", String(40), nullable=False, server_default=""),  # see `Run`
    Column("source", Text),  # KeptSource as JSON: of a network of the user's own
    Column("note", Text, nullable=False, default=""),  # what a reader should know
    Column("owner", String(40), nullable=False, server_default=""),  # a Person's id, or NOBODY
    Column("is_shared", Boolean, nullable=False, server_default=true()),  # with the whole class
    Column("work", Float, nullable=False, server_default="0"),  # see turns.py
    Column("turn", Float, nullable=False, server_default="0"),
    Index("ix_jobs_queue", "state", "needs_device", "turn", "id"),  # where workers look for work
    Index("ix_jobs_owner_state", "owner", "state"),
    sqlite_autoincrement=True,  # the id of a deleted run is never given again
)

workers_table = Table(
    "workers",
    tables,
    Column("process", String(300), primary_key=True),  # see processes.this_process
    Column("machine", String(200), nullable=False),
    Column("devices", Text, nullable=False),  # Devices as JSON, the fastest first
    Column("cores", Integer, nullable=False),
    Column("memory_bytes", BigInteger),  # of the machine, within the container's limit
    Column("queue_filter", String(20), nullable=False),  # a QueueFilter
    Column("since", Float, nullable=False),
    Column("lease_until", Float, nullable=False),  # then it counts as dead
)

people_table = Table(
    "people",
    tables,
    Column("id", String(40), primary_key=True),  # of a Person, or THE_CLASS
    Column("name", String(200), nullable=False),
    Column("email", String(200), nullable=False),
    Column("is_teacher", Boolean, nullable=False),
    Column("last_seen", Float, nullable=False),
    Column(
        "turn", Float, nullable=False, server_default="0"
    ),  # of the last job taken, see turns.py
    *(Column(name, BigInteger) for name in Quotas.__dataclass_fields__),
)

spent_table = Table(  # by deleted runs as well
    "spent",
    tables,
    Column("owner", String(40), primary_key=True),
    Column("day", Integer, primary_key=True),  # since 1970, UTC
    Column("seconds", Float, nullable=False),  # in which workers had runs of the owner
)

studies_table = Table(
    "studies",
    tables,
    Column("id", String(80), primary_key=True),
    Column("kind", String(20), nullable=False),  # a StudyKind
    Column("title", Text, nullable=False),
    Column("settings", Text, nullable=False),  # what was chosen, as JSON
    Column("created_at", Float, nullable=False),
)

series_table = Table(  # apart from the jobs, whose rows are read by the hundred
    "step_series",
    tables,
    Column("run_id", ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("attempt", Integer, nullable=False),  # that wrote it
    Column("series", Text, nullable=False),  # StepSeries as JSON
)

epochs_table = Table(
    "epochs",
    tables,
    Column("run_id", ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("epoch", Integer, primary_key=True),
    *(
        Column(name, Float, nullable=False, server_default="0")
        for name in EpochMetrics.__dataclass_fields__
        if name != "epoch"
    ),
)

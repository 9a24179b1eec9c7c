"""Which cluster there is, and the way to it. Imports no torch; Ray once somebody connects."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from core.folders import files_url, runs_folder
from core.jobs.database import database_url
from core.jobs.engines.child_process import PROJECT
from core.jobs.engines.cluster.own_node import (
    check_answers,
    check_installed,
    environment,
    own_nodes,
    token_file,
)
from core.specs import LabError, first_line


def cluster_address() -> str:
    """RAY_ADDRESS, else that of this machine's own node. Raises LabError where there is none."""
    if address := os.environ.get("RAY_ADDRESS"):
        return address
    if nodes := own_nodes():
        return nodes[0].address
    raise LabError(
        "There is no cluster: python -m core cluster up starts one on this machine, and"
        " RAY_ADDRESS=HOST:PORT names one that is there."
    )


@contextmanager
def connected(settings: Mapping[str, str] | None = None) -> Iterator[Any]:
    """The module of Ray, connected; with `settings` nodes get them and this lab's own source.

    Raises LabError, one sentence, where that does not succeed.
    """
    check_installed()
    address = cluster_address()
    check_answers(address)
    os.environ.update(environment(), RAY_NUM_REDIS_GET_RETRIES="5")  # tries, a second each
    import ray

    runtime = None if settings is None else _runtime(settings)
    try:
        with _nothing_told():
            ray.init(address, logging_level=logging.ERROR, runtime_env=runtime)
    except ray.exceptions.AuthenticationError as error:
        raise _not_let_in(address) from error
    except ConnectionError as error:
        raise _not_let_in(address) from error
    except (RuntimeError, ValueError, OSError) as error:
        reason = first_line(error)
        raise LabError(
            "The cluster at {address} cannot be used: {reason}", address=address, reason=reason
        ) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def shared_settings() -> dict[str, str]:
    """What holds for every node: the store and its files, and the keys to them.

    Where data sets and copies lie (LAB_DATA_DIR, LAB_CACHE_DIR) each node has its own way.
    """
    shared = {
        "LAB_DATABASE_URL": database_url(),
        "LAB_RUNS_DIR": str(runs_folder().absolute()),
        "GOMP_SPINCOUNT": os.environ.get("GOMP_SPINCOUNT", "10000"),  # see core.__main__
    }
    if url := files_url():
        shared["LAB_FILES_URL"] = url
    keys = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    log = {"LAB_LOG": os.environ["LAB_LOG"]} if "LAB_LOG" in os.environ else {}
    return shared | keys | log


def _runtime(settings: Mapping[str, str]) -> dict[str, Any]:
    """The source travels with the jobs: every node executes the one that queued them."""
    return {
        "py_modules": [str(PROJECT / "core")],
        "excludes": ["__pycache__"],
        "env_vars": dict(settings),
    }


@contextmanager
def _nothing_told() -> Iterator[None]:
    """On standard error, where Ray tells of each try what one sentence says in the end."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _not_let_in(address: str) -> LabError:
    return LabError(
        "The cluster at {address} did not let this process in: it needs the cluster's token, in"
        " {file} or in the file that RAY_AUTH_TOKEN_PATH names.",
        address=address,
        file=str(token_file()),
    )

"""python -m core gradients"""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from core.cli.measurements import errors_kept
from core.cli.networks import network_spec
from core.cli.writing import say, write_csv, write_json, write_table
from core.specs import MAX_BATCH_SIZE, ModelSpec, check_whole

if TYPE_CHECKING:
    from core.jobs.store import Store
    from core.measure.gradient_flow import Trained

COLUMNS = [
    *("network", "options", "state", "run", "layer", "depth"),
    *("weight_gradient", "output_gradient", "variance"),
]


def gradients(arguments: Namespace) -> int:
    """python -m core gradients"""
    from core.jobs.engines.local import gradients_name
    from core.jobs.store import open_store
    from core.jobs.worker import leave_with_parent
    from core.measure.gradient_flow import measure_flow
    from core.report.tables.measurements import flow_frame

    check_whole("batch_size", arguments.batch_size, 1, MAX_BATCH_SIZE)
    specs = chosen_networks(arguments)
    store = open_store() if arguments.keep or arguments.runs else None
    runs = [trained(store, run_id) for run_id in arguments.runs] if store else []
    if arguments.exit_with_parent and store:
        leave_with_parent(store)
    settings = (arguments.dataset, arguments.seeds, arguments.initialization, arguments.batch_size)
    name = gradients_name(specs, *settings, arguments.runs)
    kept = store if arguments.keep else None
    with errors_kept(kept, name):
        for found in measure_flow(specs, *settings, runs):
            if kept:
                kept.keep_measured(name, {"share": found.share, "result": found.to_dict()})
            else:
                say(f"{100 * found.share:.0f} % measured")
    if kept:
        return 0
    if arguments.format == "json":
        write_json(found.to_dict())
    elif arguments.format == "csv":
        write_csv(flow_frame(found))
    else:
        shown = flow_frame(found)[COLUMNS]
        for column in COLUMNS[-3:]:
            shown[column] = shown[column].map("{:.3g}".format)
        write_table(shown)
    return 0


def chosen_networks(arguments: Namespace) -> list[ModelSpec]:
    """The networks that the flags name, every combination. Raises LabError."""
    from core.measure.gradient_records import BATCH_NORMS, FAMILY, variations

    if not arguments.arch and arguments.runs:
        return []
    named = replace_arch(arguments, arguments.arch or f"{FAMILY}110")
    return variations(
        network_spec(named),
        arguments.depths,
        arguments.shortcuts,
        BATCH_NORMS.get(arguments.batch_norm, ()),
    )


def replace_arch(arguments: Namespace, arch: str) -> Namespace:
    """The same flags for another network."""
    return Namespace(**(vars(arguments) | {"arch": arch}))


def trained(store: Store, run_id: int) -> Trained:
    """A run with its best parameters. Raises LabError where they are not here."""
    from core.jobs.files import verified_best
    from core.measure.gradient_flow import Trained

    run = store.get(run_id)
    path = verified_best(run)
    assert run.best_epoch is not None  # as the file is there
    return Trained(run_id, run.best_epoch, run.spec, path)

"""python -m core time | bench"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from core.cli.networks import network_spec
from core.cli.runs import run_spec
from core.cli.writing import say, write_csv, write_json, write_table
from core.report import formats
from core.specs import MAX_BATCH_SIZE, LabError, check_whole

if TYPE_CHECKING:
    from core.jobs.store import Store

LAYER_TIME_COLUMNS = ["layer", "macs", "forward_ms", "backward_ms", "gflops_per_second"]
THROUGHPUT_COLUMNS = [
    *("device", "batch_size", "loop", "loader_workers", "threads"),
    *("images_per_second", "slowest", "fastest", "share_of_peak"),
]
MAX_ROUNDS = 100


def time_layers(arguments: Namespace) -> int:
    """python -m core time"""
    from core.analysis import analyze as analyze_network
    from core.jobs.engines.local import layer_times_name
    from core.jobs.store import open_store
    from core.jobs.worker import leave_with_parent
    from core.measure.layer_times import MAX_PASSES, measure_layers
    from core.report.tables.measurements import layer_time_frame
    from core.training.devices import available_devices

    batch_size, passes = arguments.batch_size, arguments.passes
    check_whole("batch_size", batch_size, 1, MAX_BATCH_SIZE)
    check_whole("passes", passes, 1, MAX_PASSES)
    device = arguments.device or available_devices()[0]
    analysis = analyze_network(network_spec(arguments))
    store = open_store() if arguments.keep else None
    if arguments.exit_with_parent and store:
        leave_with_parent(store)
    name = layer_times_name(analysis.spec, device, batch_size)
    with errors_kept(store, name, of=passes):
        for times in measure_layers(analysis, device, batch_size, passes):
            if store:
                store.keep_measured(name, {"of": passes, "times": times.to_dict()})
                continue
            say(f"pass {times.passes} of {passes}: {formats.duration(times.step_seconds)} a step")
    if store:
        return 0
    frame = layer_time_frame(analysis, times)
    if arguments.format == "json":
        write_json(times.to_dict())
    elif arguments.format == "csv":
        write_csv(frame)
    else:
        shown = frame.assign(
            forward_ms=1e3 * frame["forward_seconds"],
            backward_ms=1e3 * frame["backward_seconds"],
            gflops_per_second=frame["achieved_flops_per_second"] / 1e9,
        )
        write_table(shown[LAYER_TIME_COLUMNS])
    return 0


def bench(arguments: Namespace) -> int:
    """python -m core bench"""
    from core.jobs.engines.local import throughput_name
    from core.jobs.store import open_store
    from core.jobs.worker import leave_with_parent
    from core.measure.throughput import measure_throughput
    from core.report.tables.measurements import throughput_frame
    from core.training.devices import available_devices

    check_whole("rounds", arguments.rounds, 1, MAX_ROUNDS)
    spec = run_spec(arguments)
    sizes = arguments.batch_sizes or [spec.recipe.batch_size]
    for size in sizes:
        check_whole("batch_sizes", size, 1, MAX_BATCH_SIZE)
    devices = list(available_devices()) if arguments.all_devices else [spec.device]
    store = open_store() if arguments.keep else None
    if arguments.exit_with_parent and store:
        leave_with_parent(store)
    name = throughput_name(spec, sizes, devices)
    with errors_kept(store, name):
        for found in measure_throughput(spec, sizes, devices, arguments.rounds):
            if store:
                kept = {"share": found.share, "result": found.to_dict()}
                store.keep_measured(name, kept)
            else:
                say(f"{100 * found.share:.0f} % measured")
    if store:
        return 0
    if arguments.format == "json":
        write_json(found.to_dict())
    elif arguments.format == "csv":
        write_csv(throughput_frame(found))
    else:
        write_table(throughput_frame(found)[THROUGHPUT_COLUMNS])
    return 0


@contextmanager
def errors_kept(store: Store | None, name: str, **known: object) -> Iterator[None]:
    """What goes wrong inside becomes one sentence, kept too where the measurement is kept."""
    try:
        yield
    except (LabError, RuntimeError, MemoryError) as error:
        if store:
            store.keep_measured(name, known | {"error": in_words(error)})
        raise LabError(in_words(error)) from error


def in_words(error: Exception) -> str:
    """One sentence for an error of a measurement."""
    from core.jobs.worker import in_words as run_error

    return str(error) if isinstance(error, LabError) else run_error(error)

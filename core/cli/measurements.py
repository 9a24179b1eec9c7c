"""python -m core time | bench | find-rate | estimate | gradients | predict"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import click

from core.analysis import analyze as analyze_network
from core.cli.flags import (
    NetworkFlags,
    RunFlags,
    RunNumber,
    Several,
    command,
    device_option,
    network_flags,
    output_option,
    run_argument,
    run_flags,
)
from core.cli.writing import say, write_result
from core.inside.activity_records import Activity
from core.inside.effective_field_records import WindowCounts
from core.inside.embedding_records import drawn
from core.inside.landscape_records import Landscape
from core.inside.parts_records import MissingParts
from core.measure.gradient_records import BATCH_NORMS, FAMILY, GradientFlow, variations
from core.measure.inside_requests import (
    ActivityRequest,
    EffectiveFieldRequest,
    EmbeddingRequest,
    LandscapeRequest,
    MissingPartsRequest,
)
from core.measure.learning_rate_records import STEPS, SWEEPS, LearningRates
from core.measure.requests import (
    GradientFlowRequest,
    LayerTimesRequest,
    LearningRatesRequest,
    PredictRequest,
    StepCostRequest,
    ThroughputRequest,
)
from core.report import formats
from core.specs import MAX_BATCH_SIZE, LabError, ModelSpec, check_whole
from core.training.records import LayerTimes, StepCost, Throughput

if TYPE_CHECKING:
    from pandas import DataFrame

    from core.jobs.store import Measurement, Store

_LAYER_TIME_COLUMNS = ["layer", "macs", "forward_ms", "backward_ms", "gflops_per_second"]
_STEP_COST_COLUMNS = [
    *("device", "batch_size", "step_ms", "test_image_us", "run_seconds"),
    *("run_memory_bytes", "kernel_share"),
]
_THROUGHPUT_COLUMNS = [
    *("device", "batch_size", "loop", "loader_workers", "threads"),
    *("images_per_second", "slowest", "fastest", "share_of_peak"),
]
_GRADIENT_COLUMNS = [
    *("network", "options", "state", "run", "layer", "depth"),
    *("weight_gradient", "output_gradient", "variance"),
]
_PREDICTION_COLUMNS = ["image", "label", "predicted", "confidence"]
_MAX_ROUNDS = 100


@command("time", "how long every layer of a network takes here")
@network_flags()
@click.option("--batch-size", type=int, default=32, metavar="N")
@click.option("--passes", type=int, default=9, metavar="N")
@device_option
@output_option
def time_layers(
    network: NetworkFlags, batch_size: int, passes: int, device: str | None, output: str
) -> int:
    """Runs the network on random images and times every layer, forward and backward.

    The figures are medians over several passes, beside the multiply-adds and what the device
    achieves on them.
    """
    from core.measure.layer_times import MAX_PASSES, measure_layers
    from core.report.tables.measurements import layer_time_frame
    from core.training.devices import available_devices

    check_whole("batch_size", batch_size, 1, MAX_BATCH_SIZE)
    check_whole("passes", passes, 1, MAX_PASSES)
    device = device or available_devices()[0]
    analysis = analyze_network(network.model_spec())
    with _errors_in_one_sentence():
        for times in measure_layers(analysis, device, batch_size, passes):
            say(f"pass {times.passes} of {passes}: {formats.duration(times.step_seconds)} a step")
    frame = layer_time_frame(analysis, times)
    table = frame.assign(
        forward_ms=1e3 * frame["forward_seconds"],
        backward_ms=1e3 * frame["backward_seconds"],
        gflops_per_second=frame["achieved_flops_per_second"] / 1e9,
    )
    write_result(output, times.to_dict(), frame, table[_LAYER_TIME_COLUMNS])
    return 0


@command("bench", "how many images a second train here, and how many as published")
@run_flags(arch="course-residual")
@click.option(
    "--batch-sizes", type=Several(click.INT), metavar="N ...", show_default="the recipe's"
)
@click.option("--rounds", type=int, default=5, metavar="N")
@click.option("--all-devices", is_flag=True, help="one after the other")
@output_option
def bench(
    flags: RunFlags,
    batch_sizes: tuple[int, ...] | None,
    rounds: int,
    all_devices: bool,
    output: str,
) -> int:
    """Trains for some seconds with each batch size on each device of this machine.

    It takes turns with the published loop (a DataLoader over PIL images); the figures are medians
    over several rounds, beside what a matrix product achieves.
    """
    from core.measure.throughput import measure_throughput
    from core.report.tables.measurements import throughput_frame
    from core.training.devices import available_devices

    check_whole("rounds", rounds, 1, _MAX_ROUNDS)
    spec = flags.run_spec()
    sizes = list(batch_sizes or [spec.recipe.batch_size])
    for size in sizes:
        check_whole("batch_sizes", size, 1, MAX_BATCH_SIZE)
    devices = list(available_devices()) if all_devices else [spec.device]
    with _errors_in_one_sentence():
        for throughput in measure_throughput(spec, sizes, devices, rounds):
            say(f"{100 * throughput.share:.0f} % measured")
    frame = throughput_frame(throughput)
    write_result(output, throughput.to_dict(), frame, frame[_THROUGHPUT_COLUMNS])
    return 0


@command("find-rate", "from which learning rate on the loss of a network rises")
@run_flags(arch="course-residual")
@click.option("--steps", type=int, default=STEPS, metavar="N", help="of a sweep")
@click.option(
    "--sweeps",
    type=int,
    metavar="N",
    show_default=f"as many as their time allows, at most {SWEEPS}",
    help="each with another seed",
)
@output_option
def find_rate(flags: RunFlags, steps: int, sweeps: int | None, output: str) -> int:
    """Trains a fresh network for some ten seconds while the learning rate rises at each step.

    A range test (arXiv 1506.01186): the CSV has the loss of every step, the table a row for each
    sweep.
    """
    from core.measure.learning_rates import measure_learning_rates
    from core.report.sentences.learning_rates import rate_verdict
    from core.report.tables.measurements import reading_frame, sweep_frame

    spec = flags.run_spec()
    with _errors_in_one_sentence():
        for found in measure_learning_rates(spec, steps, sweeps):
            say(f"{100 * found.share:.0f} % measured")
    for sentence in rate_verdict(found, spec.recipe):
        say(sentence)
    write_result(output, found.to_dict(), sweep_frame(found), reading_frame(found))
    return 0


@command("estimate", "what a run will take here, by its own steps")
@run_flags(arch="course-residual")
@output_option
def estimate(flags: RunFlags, output: str) -> int:
    """Times short epochs of the run for some seconds.

    Tells what a step, a test image and the start take, and the whole run; on a CUDA device also its
    memory, and the share of a step in which the device computes.
    """
    from core.data.catalogue import find_dataset, train_images_of
    from core.measure.step_cost import measure_step_cost
    from core.report.sentences.run_cost import steps_sentence
    from core.report.tables.measurements import step_cost_frame
    from core.training.devices import free_bytes
    from core.training.estimate import estimate as estimated

    spec = flags.run_spec()
    with _errors_in_one_sentence():
        for cost in measure_step_cost(spec):
            say(f"{100 * cost.share:.0f} % measured")
    images = train_images_of(spec), find_dataset(spec.dataset).test_images
    free = free_bytes(spec.device)
    analysis = analyze_network(spec.model)
    whole = estimated(spec, analysis, None, *images, free_bytes=free, own_steps=cost)
    say(steps_sentence(cost))
    frame = step_cost_frame(spec, cost, whole)
    table = frame.assign(
        step_ms=1e3 * frame["step_seconds"], test_image_us=1e6 * frame["evaluation_seconds"]
    )
    write_result(output, cost.to_dict() | asdict(whole), frame, table[_STEP_COST_COLUMNS])
    return 0


@command("gradients", "gradient norm and activation variance of every layer")
@network_flags(arch="", shown="resnet110, or only the runs")
@click.option("--depths", type=Several(click.INT), default=(), metavar="N ...")
@click.option("--shortcuts", type=Several(click.STRING), default=(), metavar="NAME ...")
@click.option("--batch-norm", type=click.Choice(("with", "without", "both")))
@click.option(
    *("--initialization", "--initialisation"),  # the second is how it was spelled before
    type=click.Choice(("default", "xavier", "he")),
    default="default",
)
@click.option("--seeds", type=int, default=3, metavar="N")
@click.option("--batch-size", type=int, default=16, metavar="N")
@click.option("--dataset", default="fashion-mini")
@click.option(
    "--runs",
    type=Several(RunNumber()),
    default=(),
    metavar="RUN ...",
    help="finished runs: as initialized, and with their best parameters",
)
@output_option
def gradients(
    network: NetworkFlags,
    depths: tuple[int, ...],
    shortcuts: tuple[str, ...],
    batch_norm: str | None,
    initialization: str,
    seeds: int,
    batch_size: int,
    dataset: str,
    runs: tuple[int, ...],
    output: str,
) -> int:
    """One forward and backward pass on a batch of real images.

    Measures the norm of the gradient of every layer's weights and output, and the variance of its
    output; median and range over several seeds. Compare depths, shortcuts, with and without
    BatchNorm.
    """
    from core.jobs.measurements import trained_run
    from core.jobs.store import open_store
    from core.measure.gradient_flow import measure_flow
    from core.report.tables.measurements import flow_frame

    check_whole("batch_size", batch_size, 1, MAX_BATCH_SIZE)
    specs = [] if runs and not network.arch else _varied(network, depths, shortcuts, batch_norm)
    store = open_store() if runs else None
    trained = [trained_run(store, run_id) for run_id in runs] if store else []
    settings = (dataset, seeds, initialization, batch_size)
    with _errors_in_one_sentence():
        for flow in measure_flow(specs, *settings, trained):
            say(f"{100 * flow.share:.0f} % measured")
    frame = flow_frame(flow)
    table = frame[_GRADIENT_COLUMNS]
    for column in _GRADIENT_COLUMNS[-3:]:
        table[column] = table[column].map("{:.3g}".format)
    write_result(output, flow.to_dict(), frame, table)
    return 0


def _varied(
    network: NetworkFlags, depths: Sequence[int], shortcuts: Sequence[str], batch_norm: str | None
) -> list[ModelSpec]:
    """Every combination of what is compared. Raises LabError."""
    base = replace(network, arch=network.arch or f"{FAMILY}110").model_spec()
    return variations(base, depths, shortcuts, BATCH_NORMS[batch_norm] if batch_norm else ())


@command("predict", "what a run's best parameters say to each test image")
@run_argument
@output_option
def predict(run: int, output: str) -> int:
    """The probabilities of every class for every test image, by the run's best parameters."""
    from core.data.arrays import read_arrays
    from core.jobs.files import verified_best
    from core.jobs.predictions import Predictions
    from core.jobs.store import open_store
    from core.measure.predict import predict as predict_run
    from core.report.tables.predictions import prediction_frame

    record = open_store().get(run)
    with _errors_in_one_sentence():
        probabilities = predict_run(record.spec, verified_best(record), record.compute_plan)
    _, labels = read_arrays(record.spec.dataset, "test")
    frame = prediction_frame(record, Predictions(probabilities, labels))
    write_result(output, frame.to_dict("records"), frame, frame[_PREDICTION_COLUMNS])
    return 0


def measured_frame(store: Store, job: Measurement) -> DataFrame:
    """What a measurement has found so far, as the table of its command. Raises LabError."""
    from core.data.arrays import read_arrays
    from core.jobs.predictions import read_predictions
    from core.report.tables import inside
    from core.report.tables import measurements as tables
    from core.report.tables.embedding import positions_frame
    from core.report.tables.landscape import landscape_frame
    from core.report.tables.predictions import prediction_frame

    request, result = job.request, job.result
    if result is not None and isinstance(request, LayerTimesRequest):
        analysis = analyze_network(request.model)
        return tables.layer_time_frame(analysis, LayerTimes.from_dict(result))
    if result is not None and job.kind == ThroughputRequest.kind:
        return tables.throughput_frame(Throughput.from_dict(result))
    if result is not None and job.kind == LearningRatesRequest.kind:
        return tables.sweep_frame(LearningRates.from_dict(result))
    if result is not None and isinstance(request, StepCostRequest):
        return tables.step_cost_frame(request.run, StepCost(**result))
    if result is not None and job.kind == GradientFlowRequest.kind:
        return tables.flow_frame(GradientFlow.from_dict(result))
    if result is not None and job.kind == LandscapeRequest.kind:
        return landscape_frame(Landscape.from_dict(result))
    if result is not None and isinstance(request, EmbeddingRequest):
        available = len(read_arrays(request.dataset, "test")[1])
        return positions_frame(drawn(request.images, available), result["positions"])
    if result is not None and job.kind == MissingPartsRequest.kind:
        return inside.missing_frame(MissingParts.from_dict(result))
    if result is not None and job.kind == ActivityRequest.kind:
        return inside.activity_frame(Activity.from_dict(result))
    if result is not None and isinstance(request, EffectiveFieldRequest):
        rows = {row.path: row for row in analyze_network(request.model).layers}
        return inside.window_frame(WindowCounts.from_dict(result), rows[request.layer])
    if result is not None and job.kind == PredictRequest.kind:
        run = store.get(result["run"])
        if predictions := read_predictions(run, read_arrays(run.spec.dataset, "test")[1]):
            return prediction_frame(run, predictions)
    raise LabError(
        f"Measurement {job.id} is {job.state} and has found nothing that can be written."
    )


@contextmanager
def _errors_in_one_sentence() -> Iterator[None]:
    """What goes wrong while something is measured, as a LabError."""
    from core.jobs.execution import in_words

    try:
        yield
    except (LabError, OSError):
        raise
    except (Exception, SystemExit) as error:  # of a network of somebody's own it may be any
        raise LabError(in_words(error)) from error

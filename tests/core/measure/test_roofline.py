"""What a device lets a layer compute: by hand, and from a real measurement."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from core.measure import roofs
from core.measure.layer_shares import timed_rows
from core.measure.layer_times import measure_layers
from core.measure.roofline import attainable, roofline_points, share_of_attainable
from core.measure.roofs import arithmetic_peak, matrix_peak, memory_peak
from core.report.figures.roofline import roofline_chart
from core.report.tables.measurements import layer_time_frame
from core.specs import ModelSpec
from core.training.records import LayerTime, LayerTimes
from tests.core.networks import analysis_of

CPU = torch.device("cpu")
LENET = ModelSpec("lenet", image_size=28)
BATCH = 16
GIGA = 1e9
TIMES = LayerTimes(  # 100 GFLOP/s, 10 GB/s: they meet at 10 FLOPs a byte
    "cpu", "a test", BATCH, 9, 0.01, (), 100 * GIGA, 10 * GIGA
)


def times_of(seconds: float) -> LayerTimes:
    """Each layer of LeNet takes as long, backward twice that."""
    layers = analysis_of(LENET).layers
    timed = tuple(LayerTime(layer.path, seconds, 2 * seconds) for layer in layers)
    return replace(TIMES, layers=timed)


def test_memory_is_the_limit_below_the_ridge_and_arithmetic_above():
    assert attainable(TIMES, 1.0) == 10 * GIGA
    assert attainable(TIMES, 10.0) == attainable(TIMES, 1000.0) == 100 * GIGA


def test_a_convolution_by_hand():
    first, second = [layer for layer in analysis_of(LENET).layers if layer.kind == "convolution"]
    points = {
        (p.path, p.is_backward): p for p in roofline_points(analysis_of(LENET), times_of(1e-3))
    }
    # LeNet's second convolution: 6 maps of 14 × 14 to 16 of 10 × 10, 5 × 5
    macs, weights = 16 * 10 * 10 * 6 * 25, 4 * (16 * 6 * 25 + 16)
    read, written = 4 * 6 * 14 * 14, 4 * 16 * 10 * 10
    forward = points[second.path, False]
    assert forward.flops == 2 * BATCH * macs
    assert forward.moved_bytes == weights + BATCH * (read + written)
    assert forward.flops_per_second == pytest.approx(2 * BATCH * macs / 1e-3)
    backward = points[second.path, True]
    assert backward.flops == 2 * forward.flops
    assert backward.moved_bytes == 2 * weights + BATCH * (2 * read + written)
    # the image needs no gradient
    image = points[first.path, True]
    assert image.flops == points[first.path, False].flops
    assert image.moved_bytes == 2 * first.weight_bytes + BATCH * (
        first.input_bytes + first.output_bytes
    )


def test_a_share_is_what_the_roofs_would_have_taken_of_the_time():
    points = roofline_points(analysis_of(LENET), times_of(1e-3))
    least = sum(point.flops / point.attainable for point in points)
    assert share_of_attainable(points) == pytest.approx(least / sum(p.seconds for p in points))
    assert share_of_attainable([]) is None


def test_rows_say_it_where_there_are_multiply_adds():
    analysis = analysis_of(LENET)
    for level in ("module", "weight layer", "block"):
        for row, layer in zip(
            timed_rows(analysis, times_of(1e-3), level), analysis.rows(level), strict=True
        ):
            assert (row.attainable_share is not None) == bool(layer.macs)


def test_the_fastest_pass_stands_below_the_roofs_and_the_median_in_the_table():
    """Whatever else runs on the machine slows down some passes, and none of the roofs."""
    analysis, calm = analysis_of(LENET), times_of(1e-3)
    disturbed = replace(
        calm, layers=tuple(LayerTime(time.path, 0.1, 0.2, 1e-3, 2e-3) for time in calm.layers)
    )
    assert roofline_points(analysis, disturbed) == roofline_points(analysis, calm)
    shares = [
        [row.attainable_share for row in timed_rows(analysis, times, "block")]
        for times in (disturbed, calm)
    ]
    assert shares[0] == shares[1]
    frame = layer_time_frame(analysis, disturbed)
    convolution = frame[frame["kind"] == "convolution"].iloc[1]
    flops = 2 * BATCH * convolution["macs"]
    assert convolution["forward_seconds"] == 0.1
    assert convolution["achieved_flops_per_second"] == pytest.approx(flops / 0.1)
    assert convolution["backward_achieved_flops_per_second"] == pytest.approx(2 * flops / 0.2)
    assert convolution["forward_attained_share"] == pytest.approx(
        flops / 1e-3 / convolution["forward_attainable_flops_per_second"]
    )


def test_an_older_measurement_has_no_fastest_pass():
    kept = times_of(1e-3).to_dict()
    kept["layers"] = [
        {name: value for name, value in layer.items() if not name.startswith("least")}
        for layer in kept["layers"]
    ]
    assert LayerTimes.from_dict(kept) == times_of(1e-3)


def test_an_older_measurement_has_no_roofs():
    older = replace(times_of(1e-3), peak_flops_per_second=0.0, bytes_per_second=0.0)
    assert roofline_points(analysis_of(LENET), older) == []
    frame = layer_time_frame(analysis_of(LENET), older)
    assert frame["forward_attainable_flops_per_second"].isna().all()
    assert frame["achieved_flops_per_second"].notna().any()
    kept = {name: value for name, value in older.to_dict().items() if "_per_second" not in name}
    assert LayerTimes.from_dict(kept) == older


def test_the_chart_has_a_corner_where_the_roofs_meet():
    points = roofline_points(analysis_of(LENET), times_of(1e-3))
    roof, forward, backward = roofline_chart(points, times_of(1e-3)).data
    assert roof.x[1] == 10.0 and roof.y[1] == roof.y[2] == 100.0
    assert roof.y[0] == pytest.approx(10 * roof.x[0])
    assert len(forward.x) + len(backward.x) == len(points)


def test_the_roofs_are_measured_with_the_layers(monkeypatch):
    monkeypatch.setattr(roofs, "PEAK_SIDES", {"cpu": 64})
    monkeypatch.setattr(roofs, "_ARRAY_BYTES", {"cpu": 2**16})
    *_, times = measure_layers(analysis_of(LENET), "cpu", batch_size=2, passes=2)
    assert 1e8 < times.peak_flops_per_second < 1e14
    assert 1e7 < times.bytes_per_second < 1e13
    assert roofline_points(analysis_of(LENET), times)
    assert all(0 < time.least_forward_seconds <= time.forward_seconds for time in times.layers)


def test_the_best_of_all_turns_is_the_roof(monkeypatch):
    """One turn may fall into a moment in which others have the cores."""
    peaks, bandwidths = iter([3e9, 9e9, 5e9]), iter([2e9, 1e9, 1e9])
    monkeypatch.setattr("core.measure.layer_times.arithmetic_peak", lambda _: next(peaks))
    monkeypatch.setattr("core.measure.layer_times.memory_peak", lambda _: next(bandwidths))
    *_, times = measure_layers(analysis_of(LENET), "cpu", batch_size=2, passes=1)
    assert (times.peak_flops_per_second, times.bytes_per_second) == (9e9, 2e9)


def test_the_peak_is_that_of_a_matrix_product_and_leaves_no_setting_behind(monkeypatch):
    monkeypatch.setattr(roofs, "PEAK_SIDES", {"cpu": 64})
    before = torch.backends.cuda.matmul.allow_tf32
    assert 1e8 < matrix_peak(CPU) < 1e14 and 1e6 < matrix_peak(CPU, torch.bfloat16) < 1e14
    assert torch.backends.cuda.matmul.allow_tf32 == before


@pytest.mark.parametrize("cores", [1, 4])
def test_the_roof_is_the_faster_of_two_kinds_of_wide_work(monkeypatch, cores):
    monkeypatch.setattr(torch, "get_num_threads", lambda: cores)
    monkeypatch.setattr(roofs, "_WIDE", {"cpu": (1, 2, 4)})
    monkeypatch.setattr(roofs, "_least_seconds", lambda device, work: 1e-6)
    convolution = cores * 2 * 25 * 2 * 2 * 16 / 1e-6
    for side, peak in ((64, cores * 2 * 64**3 / 1e-6), (4, convolution)):
        monkeypatch.setattr(roofs, "PEAK_SIDES", {"cpu": side})
        assert arithmetic_peak(CPU) == pytest.approx(peak)


@pytest.mark.parametrize("parts", [1, 4])
def test_bytes_are_counted_as_they_are_read_and_written(monkeypatch, parts):
    monkeypatch.setattr(roofs, "_ARRAY_BYTES", {"cpu": 4096})
    monkeypatch.setattr(roofs, "_PARTS", {"cpu": parts})

    def two_seconds(_device, work) -> float:
        work()
        return 2.0

    monkeypatch.setattr(roofs, "_least_seconds", two_seconds)
    assert memory_peak(CPU) == 3 * 4096 / parts / 2.0

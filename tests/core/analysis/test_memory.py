"""The memory estimates against the allocator's own events of real steps."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from core.analysis import analyze, cpu
from core.specs import ModelSpec
from tools.peak_memory import inference_peak, training_peak

pytestmark = pytest.mark.slow

NETWORKS = (
    "course-inception/1/28/1/10",
    "course-residual/1/28/1/10",
    "lenet/1/28/1/10",
    "alexnet/16/96/1/10",
    "vgg11/8/32/1/10",
    "resnet18/4/32/3/10",  # its last maps are smaller than its kernels
    "resnet50/8/64/3/10",
    "densenet/4/32/1/10",
    "googlenet/8/64/3/10",
)


@pytest.mark.parametrize(
    ("text", "batch_size"),
    [(text, 128) for text in NETWORKS] + [(text, 32) for text in NETWORKS[:3]],
)
def test_a_training_step_takes_what_was_estimated_within_a_tenth(text, batch_size):
    spec = ModelSpec.from_text(text)
    estimated = analyze(spec).training_bytes(batch_size, threads=torch.get_num_threads())
    assert estimated == pytest.approx(training_peak(spec, batch_size), rel=0.10)


@pytest.mark.parametrize("text", [*NETWORKS, "vgg11-lrn/4/64/1/10"])
def test_inference_takes_what_was_estimated_within_a_twentieth(text):
    spec = ModelSpec.from_text(text)
    assert analyze(spec).inference_bytes(32) == pytest.approx(inference_peak(spec, 32), rel=0.05)


WORK_SPACE = """
import torch
from core.analysis import analyze
from core.specs import ModelSpec
from tools.peak_memory import training_peak

torch.set_num_threads(2)
spec = ModelSpec.from_text("resnet18/4/32/3/10")
print(analyze(spec).training_bytes(32, threads=2) / training_peak(spec, 32))
"""


def test_small_maps_take_work_space_where_the_cpu_has_no_avx512():
    """Each thread takes some then; what this CPU has itself the steps above are measured with."""
    done = subprocess.run(
        [sys.executable, "-c", WORK_SPACE],
        cwd=Path(__file__).parents[3],
        env=os.environ | {"ONEDNN_MAX_CPU_ISA": "AVX2"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert float(done.stdout) == pytest.approx(1, abs=0.10)


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("flags\t: avx2 avx512f avx512dq avx512bw avx512vl", "", True),
        ("flags\t: avx2 avx512f avx512dq avx512bw avx512vl", "AVX2", False),
        ("flags\t: avx2 avx512f", "", False),
        ("Features\t: asimd", "", False),
        (None, "", False),
    ],
)
def test_where_the_cpu_does_not_tell_more_memory_is_expected(
    text, limit, expected, tmp_path, monkeypatch
):
    info = tmp_path / "cpuinfo"
    if text is not None:
        info.write_text(text)
    monkeypatch.setattr(cpu, "CPU_INFO", info)
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", limit)
    assert cpu.has_avx512.__wrapped__() is expected


def test_inference_in_vgg11_holds_an_input_and_an_output_at_a_time():
    """The largest pair of neighbors: conv and ReLU of block 1, 64 maps of 224×224 each."""
    spec = ModelSpec("vgg11")
    analysis = analyze(spec)
    pair = 2 * 4 * 64 * 224 * 224
    image = 4 * 224 * 224
    assert analysis.inference_bytes(1) == 4 * analysis.totals.params + image + pair

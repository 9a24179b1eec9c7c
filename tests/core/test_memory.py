"""The memory estimates against the allocator's own events of real steps."""

from __future__ import annotations

import pytest
import torch

from core.analysis import analyze
from core.specs import ModelSpec
from tests.peak_memory import inference_peak, training_peak

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


@pytest.mark.parametrize("text", [text for text in NETWORKS if "googlenet" not in text])
def test_inference_takes_what_was_estimated_within_a_twentieth(text):
    """GoogLeNet is left out: its response normalisation makes five maps on the way."""
    spec = ModelSpec.from_text(text)
    assert analyze(spec).inference_bytes(32) == pytest.approx(inference_peak(spec, 32), rel=0.05)


def test_inference_in_vgg11_holds_an_input_and_an_output_at_a_time():
    """The largest pair of neighbours: conv and ReLU of block 1, 64 maps of 224×224 each."""
    spec = ModelSpec("vgg11")
    analysis = analyze(spec)
    pair = 2 * 4 * 64 * 224 * 224
    image = 4 * 224 * 224
    assert analysis.inference_bytes(1) == 4 * analysis.totals.params + image + pair

"""The stopwatch names layers as the analysis does, and leaves nothing behind."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn.modules.module import _global_forward_hooks, _global_forward_pre_hooks

from core.measure.layer_times import Stopwatch, measure_layers
from core.specs import ModelSpec
from core.training.initialization import initialized_network
from core.zoo.catalogue import CATALOGUE
from tests.core.networks import analysis_of

pytestmark = pytest.mark.usefixtures("one_thread")

NETWORKS = [
    CATALOGUE["course-residual"].default,
    CATALOGUE["course-inception"].default,
    ModelSpec("resnet18", 16, 32, 3),  # activations in place
    ModelSpec("densenet", 16, 32),  # functions that read many results
    ModelSpec("vgg11-lrn", 32, 32),
    replace(CATALOGUE["resnet-cifar"].default, ratio=4, options={"depth": 8, "shortcut": "conv"}),
]


@pytest.mark.parametrize("spec", NETWORKS, ids=ModelSpec.to_text)
def test_every_layer_of_the_analysis_is_timed_under_its_path(spec):
    watch = Stopwatch(initialized_network(spec, "default", 0).train(), torch.device("cpu"), 3)
    images = torch.rand(3, spec.in_channels, spec.image_size, spec.image_size)
    watch.time_step(images, torch.zeros(3, dtype=torch.int64))
    layers = analysis_of(spec).layers
    assert list(watch.forward) == [layer.path for layer in layers]
    trained = {layer.path for layer in layers if layer.backward_macs}
    assert trained <= set(watch.backward) <= set(watch.forward)
    assert all(seconds > 0 for seconds in (*watch.forward.values(), *watch.backward.values()))
    assert not _global_forward_hooks and not _global_forward_pre_hooks


def test_medians_come_pass_by_pass():
    analysis = analysis_of(ModelSpec("lenet", image_size=28))
    results = list(measure_layers(analysis, "cpu", batch_size=2, passes=3))
    assert [result.passes for result in results] == [1, 2, 3]
    assert [time.path for time in results[-1].layers] == [row.path for row in analysis.layers]
    assert all(time.forward_seconds > 0 for time in results[-1].layers)

"""What PyTorch says to a wrong number of inputs, against real layers that are written so."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from core.analysis import analyze
from core.explain.shape_errors import shape_errors
from core.language import CHINESE, in_language
from core.specs import ModelSpec, first_line
from core.zoo.catalogue import CATALOGUE
from tests.core.networks import analysis_of


def said_by(module: nn.Module, *shape: int) -> str:
    """The error of a real module on an image."""
    with pytest.raises(RuntimeError) as caught:
        module(torch.zeros(shape))
    return first_line(caught.value)


def test_in_channels_that_stay_as_they_were():
    """Q5: without `in_channels = out_channels` the second convolution of a block breaks."""
    [error] = shape_errors("block3.conv2", analyze(ModelSpec("vgg11", 4, 32)))
    assert error.reason == "its input channels stayed at the 32 of block3.conv1"
    assert error.error == said_by(nn.Conv2d(32, 64, 3, padding=1), 1, 64, 8, 8)
    with in_language(CHINESE):  # it comes from a process that knows no visitor
        assert error.reason == "其输入通道数仍是 block3.conv1 的 32"


def test_a_map_that_was_written_down_for_another_size():
    """Q8: `out_channels * 7 * 7` is right at 224 pixels only; here 4 * 4 at 28."""
    spec = ModelSpec("course-residual", image_size=40)
    [error] = shape_errors("dense.linear", analyze(spec), analyze(replace(spec, image_size=28)))
    assert error.reason == "its 512 inputs were written down for images of 28 pixels"
    assert error.error == said_by(nn.Linear(512, 10), 1, 32 * 7 * 7)


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_network_s_shape_errors_are_pytorch_s_and_right_layers_have_none(name):
    default = CATALOGUE[name].default
    analysis, elsewhere = analysis_of(default), analysis_of(replace(default, image_size=96))
    linear = {layer.path for layer in analysis.layers if layer.kind == "linear"}
    for layer in analysis.layers:
        for error in shape_errors(layer.path, analysis, elsewhere):
            assert "channels" in error.error or "shapes cannot be multiplied" in error.error
        if layer.path in linear:
            assert not list(shape_errors(layer.path, analysis, analysis))

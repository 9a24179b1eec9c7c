"""Which branch of an Inception block gets most weight, in words and as a figure."""

from __future__ import annotations

import torch
from safetensors.torch import save_file

from core.measure.branch_norms import branch_norms
from core.report.figures.branches import branch_bars
from core.report.sentences.branch_norms import branch_verdict
from core.specs import ModelSpec
from core.training.initialization import initialized_network

SPEC = ModelSpec("course-inception", image_size=28)


def test_the_branch_that_is_read_most_is_named(tmp_path):
    network = initialized_network(SPEC, "xavier", 0)
    with torch.no_grad():
        network.stem2.conv.weight[:, 40:64] *= 3  # the third branch
        network.inception2.branch5x5[1].weight.mul_(4)
    path = tmp_path / "best.safetensors"
    save_file(network.state_dict(), path)
    norms = branch_norms(path, "xavier")
    first, second = branch_verdict(norms)
    assert "weighs the channels of 1×1 → 3×3 → 3×3 most" in first
    assert "weights of 1×1 → 5×5 are" in second
    assert len(branch_bars(norms).data) == 3

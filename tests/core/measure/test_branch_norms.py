"""Weights by branch of the Inception block: against torch and the definitions."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from core.measure.branch_norms import BRANCHES, branch_norms
from core.specs import LabError, ModelSpec
from core.training.initialization import initialized_network

SPEC = ModelSpec("course-inception", image_size=28)


@pytest.mark.parametrize("initialization", ["default", "xavier"])
def test_fresh_weights_are_as_large_as_the_initialization_says(tmp_path, initialization):
    path = tmp_path / "best.safetensors"
    network = initialized_network(SPEC, initialization, 0)
    save_file(network.state_dict(), path)
    norms = branch_norms(path, initialization)
    assert [one.branch for one in norms] == [*BRANCHES, *BRANCHES]
    assert [one.channels for one in norms] == [16, 24, 24, 24] * 2
    for one in norms:
        branch = network.get_submodule(f"{one.block}.{one.branch}")
        weights = [value.flatten() for name, value in branch.named_parameters()
                   if name.endswith("weight")]  # fmt: skip
        assert one.norm == pytest.approx(torch.cat(weights).norm().item(), rel=1e-5)
        assert one.growth == pytest.approx(1, abs=0.12)


def test_another_network_s_parameters_are_one_sentence(tmp_path):
    path = tmp_path / "best.safetensors"
    save_file({"conv.weight": torch.zeros(1)}, path)
    with pytest.raises(LabError, match="cannot be read"):
        branch_norms(path, "default")

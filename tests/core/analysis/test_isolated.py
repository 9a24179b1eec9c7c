"""A network that needs numbers, in a process that cannot be copied as one would like."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]
NETS = """
import torch
from torch import nn

class Steep(nn.Module):
    def __init__(self, in_channels: int = 1, num_classes: int = 10):
        super().__init__()
        self.first = nn.Conv2d(in_channels, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.head = nn.Linear(4 * 8 * 8, num_classes)

    def forward(self, x):
        x = x.detach().requires_grad_()
        y = self.norm(self.first(x))
        y = y if y.sum().item() < 1e9 else 2 * y  # needs numbers
        [slope] = torch.autograd.grad(y.square().sum(), x, create_graph=True)
        return self.head((y + slope).flatten(1))
"""
SCRIPT = """
import json, sys
from pathlib import Path
import torch
from core.analysis import analyze, analyze_module
from core.specs import ModelSpec
from core.zoo.own import name_files
from nets import Steep

if sys.argv[1] == "with threads":
    torch.export.export(torch.nn.Linear(2, 2), (torch.zeros(1, 2),))
    torch.ones(1, requires_grad=True).sum().backward()
class Here(Steep):  # which another process could not import
    pass
net = Here().eval()
before = {name: value.clone() for name, value in net.state_dict().items()}
name_files([Path("nets.py")])
analyses = [analyze_module(net, (1, 8, 8)), analyze(ModelSpec("nets.py:Steep", image_size=8))]
print(json.dumps({
    "threads": any("autograd" in one.read_text() for one in Path("/proc/self/task").glob("*/comm")),
    "macs": [[layer.macs for layer in one.layers] for one in analyses],
    "warnings": [list(one.warnings) for one in analyses],
    "as before": not net.training and all(p.grad is None for p in net.parameters())
    and all(torch.equal(value, before[name]) for name, value in net.state_dict().items()),
}))
"""


def told(folder: Path, how: str) -> dict[str, object]:
    """What the script says, from a process of its own: autograd begins its threads only once."""
    (folder / "nets.py").write_text(NETS)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, how],
        cwd=folder,
        env={"PYTHONPATH": f"{PROJECT}:{folder}", "PATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="threads are read from /proc")
def test_a_network_that_takes_gradients_is_taken_apart_where_autograd_has_threads(tmp_path):
    usual, threaded = told(tmp_path, "without"), told(tmp_path, "with threads")
    assert (usual.pop("threads"), threaded.pop("threads")) == (False, True)
    assert threaded == usual
    assert threaded["as before"]
    [of_module, of_file] = threaded["macs"]
    assert of_module == of_file and sum(of_module) > 0
    assert all("depends on numbers" in text for [text] in threaded["warnings"])

"""A network taken along: read by another runtime and in a process that does not know the lab."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from safetensors import safe_open

from core.inside.export import onnx_file, safetensors_zip
from core.inside.one_image import network_of
from core.inside.weights import Weights
from core.specs import LabError, ModelSpec
from core.zoo.catalogue import CATALOGUE, complete

OF_EVERY_KIND = ("lenet", "course-inception", "course-residual", "resnet20")
SLOWER = ("vgg11-lrn", "densenet")
OWN = """
from enum import Enum
import torch
from parts import Double
from torch import nn

class Way(Enum):
    SHORT = 1
    LONG = 2

class Net(nn.Module):
    def __init__(self, in_channels: int = 1, num_classes: int = 10, way: Way = Way.LONG):
        super().__init__()
        steps = [nn.Conv2d(in_channels, 4, 3), *[Double()] * (2 if way is Way.SHORT else 1)]
        self.body = nn.Sequential(*steps, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.head = nn.Linear(4, num_classes)
        self.same = self.head

    def forward(self, x):
        return self.head(self.body(x))

class ByNumbers(Net):
    def forward(self, x):
        if x.sum() > 0:
            x = -x
        return super().forward(x)

class OddPooling(Net):  # 26 is no multiple of 4, which the quick exporter cannot write
    def forward(self, x):
        return self.head(nn.functional.adaptive_avg_pool2d(self.body[0](x), 4).mean((2, 3)))
"""
PARTS = """
from torch import nn

class Double(nn.Module):
    def forward(self, x):
        return 2 * x
"""


def batch_for(spec: ModelSpec, count: int) -> torch.Tensor:
    """Random images as the network reads them."""
    draw = torch.Generator().manual_seed(1)
    return torch.randn(count, spec.in_channels, *spec.sides, generator=draw)


def scores_of(weights: Weights, batch: torch.Tensor) -> np.ndarray:
    """What the lab's own network says."""
    with torch.no_grad():
        return network_of(weights)(batch).numpy()


def smaller(arch: str) -> ModelSpec:
    """The network with few channels at a small size."""
    spec = CATALOGUE[arch].default
    sizes = {"vgg11-lrn": 32, "densenet": 32}
    return complete(
        ModelSpec(arch, 8 if arch in sizes else spec.ratio, sizes.get(arch, spec.image_size))
    )


@pytest.mark.parametrize(
    "arch", [*OF_EVERY_KIND, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOWER)]
)
def test_onnx_gives_the_networks_scores_for_any_number_of_images(arch: str) -> None:
    weights = Weights(smaller(arch), seed=2)
    session = onnxruntime.InferenceSession(onnx_file(weights))
    assert [one.name for one in (*session.get_inputs(), *session.get_outputs())] == [
        "image",
        "scores",
    ]
    for count in (1, 3):
        batch = batch_for(weights.spec, count)
        (scores,) = session.run(None, {"image": batch.numpy()})
        expected = scores_of(weights, batch)
        np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_onnx_says_what_it_is() -> None:
    weights = Weights(smaller("lenet"), mean=0.1307, std=0.3081)
    model = onnx.load_from_string(onnx_file(weights, (("run", "12"), ("epoch", "3"))))
    onnx.checker.check_model(model)
    told = {prop.key: prop.value for prop in model.metadata_props}
    assert (told["run"], told["epoch"]) == ("12", "3")
    assert told["normalization"] == "(pixel / 255 - 0.1307) / 0.3081"
    assert ModelSpec.from_dict(json.loads(told["spec"])) == weights.spec


def test_the_kept_network_stays_as_it_is() -> None:
    weights = Weights(smaller("course-residual"), seed=5)
    before = {name: value.clone() for name, value in network_of(weights).state_dict().items()}
    onnx_file(weights)
    after = network_of(weights)
    assert not after.training
    assert all(torch.equal(value, before[name]) for name, value in after.state_dict().items())


@pytest.mark.parametrize("arch", OF_EVERY_KIND)
def test_the_zip_has_every_tensor_and_says_what_it_is(arch: str, tmp_path: Path) -> None:
    weights = Weights(smaller(arch), seed=4)
    names = unpacked(safetensors_zip(weights, (("run", "7"),)), tmp_path)
    assert names == ["network.py", "model.safetensors", "README.txt"]
    state = network_of(weights).state_dict()
    with safe_open(tmp_path / "model.safetensors", "pt") as file:
        assert set(file.keys()) == set(state)
        assert all(torch.equal(file.get_tensor(name), value) for name, value in state.items())
        assert file.metadata()["run"] == "7"
    assert "each number pixel / 255" in (tmp_path / "README.txt").read_text()


def unpacked(data: bytes, folder: Path) -> list[str]:
    """The names in a zip that now lies in the folder."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        archive.extractall(folder)
        return archive.namelist()


def run_readme(folder: Path, batch: torch.Tensor) -> np.ndarray:
    """The scores, by a new process that runs the lines of README.txt and nothing of the lab."""
    readme = (folder / "README.txt").read_text()
    lines = [line[4:] for line in readme.splitlines() if line.startswith("    ")]
    np.save(folder / "batch.npy", batch.numpy())
    script = [
        *("import numpy, sys, torch", *lines),
        "with torch.no_grad():",
        '    numpy.save("scores.npy", model(torch.from_numpy(numpy.load("batch.npy"))).numpy())',
        'assert not [name for name in sys.modules if name.split(".")[0] == "core"]',
    ]
    (folder / "run.py").write_text("\n".join(script))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([sys.executable, "run.py"], cwd=folder, env=environment, check=True, timeout=120)
    return np.load(folder / "scores.npy")


@pytest.mark.slow
def test_the_code_gives_the_same_scores_without_the_lab(tmp_path: Path) -> None:
    weights = Weights(smaller("course-residual"), seed=6)
    unpacked(safetensors_zip(weights), tmp_path)
    batch = batch_for(weights.spec, 3)
    np.testing.assert_allclose(
        run_readme(tmp_path, batch), scores_of(weights, batch), rtol=1e-4, atol=1e-6
    )


@pytest.fixture
def own_file(networks_file: Callable[..., Path]) -> str:
    """A file of networks that imports another one beside it."""
    networks_file(PARTS, "parts.py")
    return networks_file(OWN, "my_nets.py").name


@pytest.mark.slow
def test_an_own_network_travels_with_what_it_imports(own_file: str, tmp_path: Path) -> None:
    spec = complete(ModelSpec(f"{own_file}:Net", options=(("way", "SHORT"),)))
    weights = Weights(spec, seed=1)
    names = unpacked(safetensors_zip(weights), tmp_path)
    assert names[:2] == ["my_nets.py", "parts.py"]
    batch = batch_for(spec, 2)
    expected = scores_of(weights, batch)
    np.testing.assert_allclose(run_readme(tmp_path, batch), expected, rtol=1e-4, atol=1e-6)
    session = onnxruntime.InferenceSession(onnx_file(weights))
    (scores,) = session.run(None, {"image": batch.numpy()})
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_a_network_that_chooses_by_the_numbers_is_no_onnx(own_file: str) -> None:
    weights = Weights(complete(ModelSpec(f"{own_file}:ByNumbers")))
    with pytest.raises(LabError, match="cannot be written as ONNX, .* take safetensors"):
        onnx_file(weights)


@pytest.mark.slow
def test_what_the_quick_exporter_cannot_write_the_other_one_does(own_file: str) -> None:
    weights = Weights(complete(ModelSpec(f"{own_file}:OddPooling", image_size=28)))
    batch = batch_for(weights.spec, 3)
    session = onnxruntime.InferenceSession(onnx_file(weights))
    (scores,) = session.run(None, {"image": batch.numpy()})
    np.testing.assert_allclose(scores, scores_of(weights, batch), rtol=1e-4, atol=1e-6)

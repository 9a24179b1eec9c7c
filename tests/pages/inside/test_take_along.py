"""What Inside hands out: which files there are, and that each is made as its button says."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.analysis import analyze
from core.data.catalogue import find_dataset
from core.inside.weights import Weights
from core.specs import ModelSpec
from core.zoo.catalogue import complete
from pages.views.inside import take_along
from pages.views.inside.chosen import Chosen, Subject

PIXELS = np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)


def chosen_of(arch: str, size: int, ratio: int = 1) -> Chosen:
    """A network at initialization with a picture."""
    spec = complete(ModelSpec(arch, ratio, size))
    subject = Subject(Weights(spec), analyze(spec), None, "initial", lambda: arch)
    return Chosen(subject, find_dataset("fashion-mini"), PIXELS, "test image 17", 17, 3)


@pytest.fixture
def handed_out(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The buttons that a page would show: what each makes, by the file's name."""
    found: dict[str, Any] = {}

    def button(_label: str, make: Any, *, file_name: str, **_how: Any) -> None:
        found[file_name] = make

    monkeypatch.setattr(take_along.st, "download_button", button)
    return found


def test_each_button_makes_its_file(handed_out):
    take_along.take_along_view(chosen_of("course-residual", 28), "stem1.conv")
    start = "course-residual-ratio1-28px-initial-seed0"
    image = f"{start}-test-image-17"
    assert list(handed_out) == [
        *(f"{start}.onnx", f"{start}.zip"),
        *(f"{image}-stem1.conv.{ending}" for ending in ("png", "npz", "csv")),
        *(f"{image}-all-layers.{ending}" for ending in ("npz", "csv")),
    ]
    made = {name: make() for name, make in handed_out.items() if not name.endswith("onnx")}
    with zipfile.ZipFile(io.BytesIO(made[f"{start}.zip"])) as archive:
        assert "network.py" in archive.namelist()
    with np.load(io.BytesIO(made[f"{image}-stem1.conv.npz"])) as arrays:
        count = arrays["stem1.conv"].size
    with np.load(io.BytesIO(made[f"{image}-all-layers.npz"])) as arrays:
        assert len(arrays) > 10
    assert made[f"{image}-stem1.conv.csv"].count(b"\n") == 1 + count
    assert b"test image 17" in made[f"{image}-all-layers.csv"]
    with Image.open(io.BytesIO(made[f"{image}-stem1.conv.png"])) as picture:
        assert picture.format == "PNG"


def test_what_is_too_large_for_a_page_is_not_offered(handed_out):
    chosen = chosen_of("vgg11", 224)
    take_along.take_along_view(chosen, chosen.analysis.layers[0].path)
    assert [name.rpartition(".")[2] for name in handed_out] == ["png", "npz", "npz", "csv"]

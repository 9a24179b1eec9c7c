"""`python -m core inside`: maps, numbers and networks without a browser."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from core.data.arrays import read_arrays
from core.inside.arrays import layer_values
from core.inside.weights import Weights
from core.specs import ModelSpec
from core.zoo.catalogue import complete

NET = ("inside", "--network", "course-residual")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files are written here."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def expected_values(path: str, index: int, seed: int = 0) -> np.ndarray:
    """The layer's numbers from Python."""
    images, _ = read_arrays("fashion-mini", "test")
    spec = complete(ModelSpec("course-residual", image_size=28))
    weights = Weights(spec, seed=seed, mean=0.2842, std=0.3522)
    return layer_values(weights, images[index], path)


def test_without_a_layer_every_layer_is_summed_up(command):
    written = command(*NET, "--image", "3")
    assert written.code == 0
    row = next(row for row in written.rows if row["path"] == "stem1.conv")
    values = expected_values("stem1.conv", 3)
    assert row["shape"] == "×".join(map(str, values.shape))
    assert float(row["max"]) == values.max()
    assert row["image"] == "image3"


def test_the_numbers_of_a_layer_as_csv(command):
    written = command(*NET, "--image", "17", "--layer", "stem1.conv", "--seed", "2")
    values = expected_values("stem1.conv", 17, seed=2)
    assert len(written.rows) == values.size
    last = written.rows[-1]
    place = tuple(int(last[name]) for name in ("channel", "row", "column"))
    assert np.float32(last["value"]) == values[place]


def test_one_number_is_explained_as_text_and_term_by_term(command):
    unit = ("--image", "17", "--layer", "residual1.conv2", "--unit", "3,0,11")
    value = expected_values("residual1.conv2", 17)[3, 0, 11]
    text = command(*NET, *unit).out
    assert text.startswith("residual1.conv2, channel 3, row 0, column 11:\n")
    parts = [
        float(line.split()[0].replace("−", "-")) for line in text.splitlines() if line[0] == " "
    ]
    assert sum(parts) == pytest.approx(value, abs=1e-5)  # as shown, with four digits
    rows = command(*NET, *unit, "--format", "csv").rows
    assert len(rows) == 16 * 9 + 1  # channels that are read × the kernel, and the bias
    assert sum(float(row["product"]) for row in rows) == pytest.approx(value, rel=1e-5)


def test_a_number_of_a_vector_needs_only_its_channel(command):
    unit = ("--layer", "dense.linear", "--unit")
    assert command(*NET, *unit, "4").out == command(*NET, *unit, "4,0,0").out != ""


def test_png_and_npz_go_into_files_whose_names_are_told(command, folder):
    written = command(*NET, "--layer", "stem1.conv", "--format", "png")
    name = "course-residual-ratio1-28px-initial-seed0-image0-stem1.conv.png"
    assert (written.code, written.out) == (0, "") and name in written.err
    with Image.open(folder / name) as picture:
        assert picture.format == "PNG"
    assert command(*NET, "--format", "npz", "--out", "all.npz").code == 0
    with np.load(folder / "all.npz") as arrays:
        assert np.array_equal(arrays["stem1.conv"], expected_values("stem1.conv", 0))


def test_a_picture_of_ones_own(command, folder):
    images, _ = read_arrays("fashion-mini", "test")
    Image.fromarray(255 - images[5]).save(folder / "mine.png")
    written = command(*NET, "--file", "mine.png", "--inverted", "--layer", "stem1.conv")
    largest = max(float(row["value"]) for row in written.rows)
    assert largest == pytest.approx(expected_values("stem1.conv", 5).max())


@pytest.mark.slow
def test_a_run_with_its_parameters(command, folder):
    train = ("train", "course-residual", "--train-images", "64", "--epochs", "1")
    assert command(*train).code == 0
    summary = command("inside", "1").rows
    assert summary[0]["network"].startswith("run-1-course-residual")
    begun = command("inside", "1", "--which", "initial").rows
    assert begun[0]["max"] != summary[0]["max"]
    assert command("inside", "1", "--format", "safetensors", "--out", "net.zip").code == 0
    with zipfile.ZipFile(folder / "net.zip") as archive:
        assert "run: 1\nepoch: 1\n" in archive.read("README.txt").decode()
    assert command("inside", "1", "--format", "onnx", "--out", "net.onnx").code == 0
    about = onnxruntime.InferenceSession(folder / "net.onnx").get_modelmeta().custom_metadata_map
    assert about["run"] == "1" and "T-shirt/top, Trouser" in about["classes"]
    assert "own network and seed" in command("inside", "1", "--seed", "3").err


ERRORS = {
    "no network": (("inside",), "Give the number of a RUN, or --network NAME."),
    "no run": (("inside", "9"), "no run 9"),
    "no layer": ((*NET, "--layer", "stem1.cnv"), "did you mean .*stem1.conv"),
    "no picture": ((*NET, "--file", "no.png"), r"no.png cannot be read \(No such file"),
    "no PNG": ((*NET, "--file", "text.png"), "no picture that can be read"),
    "no image": ((*NET, "--image", "2000"), "image must be a whole number from 0 to 1,999"),
    "no folder": (
        (*NET, "--out", "none/x.csv"),
        r"none/x.csv cannot be written \(No such .* for --out",
    ),
    "no unit": ((*NET, "--layer", "stem1.conv", "--unit", "1,2"), "channel,row,column"),
    "no such unit": ((*NET, "--layer", "stem1.conv", "--unit", "1,2,99"), "none at 1.2.99"),
    "no layer of a unit": ((*NET, "--unit", "1,2,3"), "name that with --layer"),
    "a unit as a picture": (
        (*NET, "--layer", "stem1.conv", "--unit", "1,2,3", "--format", "png"),
        "as text or csv",
    ),
    "no text of a layer": ((*NET, "--format", "text"), "with --unit"),
    "no run whose last": ((*NET, "--which", "last"), "--which is of a run's parameters"),
    "nothing to turn": ((*NET, "--inverted"), "--inverted turns the picture of --file"),
    "two pictures": ((*NET, "--image", "1", "--file", "text.png"), "give one of both"),
    "an image of a network": (
        (*NET, "--image", "1", "--format", "onnx"),
        "--image changes nothing in onnx",
    ),
    "a layer of a network": (
        (*NET, "--layer", "stem1.conv", "--format", "safetensors"),
        "--layer changes nothing in safetensors",
    ),
    "no layer named": ((*NET, "--format", "png"), "name it with --layer"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_what_is_wrong_is_said_in_one_sentence(command, folder, name):
    (folder / "text.png").write_text("hello")
    arguments, words = ERRORS[name]
    written = command(*arguments)
    assert written.code == 2 and re.search(words, written.err)
    assert written.err.count("\n") == 1 and written.out == ""

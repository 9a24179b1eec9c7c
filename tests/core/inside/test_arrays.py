"""The numbers of a pass as files and tables, against the pass itself."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from core.inside.arrays import arrays_npz, layer_values, summaries
from core.inside.one_image import see
from core.inside.weights import Weights
from core.report.picture.all_channels import channels_png
from core.report.tables.layer_values import MOST_ROWS, summary_frame, values_frame
from core.specs import LabError, ModelSpec
from core.zoo.catalogue import complete

WEIGHTS = Weights(complete(ModelSpec("course-residual", image_size=28)), seed=1)
PIXELS = np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)


def test_npz_has_every_layer_and_the_image():
    seen = see(WEIGHTS, PIXELS)
    with np.load(io.BytesIO(arrays_npz(WEIGHTS, PIXELS))) as arrays:
        assert set(arrays) == {"input", *seen.steps}
        assert np.allclose(arrays["input"], PIXELS[None] / 255)
        for path, step in seen.steps.items():
            assert np.array_equal(arrays[path], step.output[0].numpy())


def test_npz_of_one_layer_has_that_one():
    path = list(see(WEIGHTS, PIXELS).steps)[2]
    with np.load(io.BytesIO(arrays_npz(WEIGHTS, PIXELS, path))) as arrays:
        assert set(arrays) == {"input", path}


def test_an_unknown_layer_names_near_ones():
    path = next(path for path in see(WEIGHTS, PIXELS).steps if "conv" in path)
    with pytest.raises(LabError, match=f"no layer '{path}x'; did you mean .*{path}"):
        layer_values(WEIGHTS, PIXELS, f"{path}x")
    with pytest.raises(LabError, match="no layer '§§§'; there are "):
        layer_values(WEIGHTS, PIXELS, "§§§")


def test_arrays_that_are_too_large_for_a_file_are_refused(monkeypatch):
    monkeypatch.setattr("core.inside.arrays.MOST_ARRAY_BYTES", 2**16)
    with pytest.raises(LabError, match="All layers together take .* MiB here"):
        arrays_npz(WEIGHTS, PIXELS)


def test_the_summary_is_that_of_numpy():
    seen = see(WEIGHTS, PIXELS)
    rows = summaries(WEIGHTS, PIXELS)
    assert [row.path for row in rows] == list(seen.steps)
    for row in rows:
        values = seen.steps[row.path].output[0].numpy()
        assert (row.shape, row.not_finite) == (values.shape, 0)
        assert (row.low, row.high) == (values.min(), values.max())
        assert row.mean == pytest.approx(values.astype(np.float64).mean(), abs=1e-7)
        assert row.zeros == (values == 0).mean()
    frame = summary_frame(rows, "net", "image 17")
    assert frame["share_of_zeros"].max() > 0.2  # behind a ReLU
    assert set(frame["image"]) == {"image 17"}


def test_every_number_of_a_layer_has_a_line_in_the_table():
    values = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    frame = values_frame("block1.conv", values)
    assert list(frame) == ["path", "channel", "row", "column", "value"]
    for line in frame.sample(6, random_state=0).itertuples():
        assert line.value == values[line.channel, line.row, line.column]
    assert len(frame) == 24
    vector = values_frame("head", values.ravel())
    assert list(vector["channel"]) == list(range(24)) and not vector[["row", "column"]].any(
        axis=None
    )
    with pytest.raises(LabError, match="a table holds up to 500,000: take them as NPZ"):
        values_frame("wide", np.zeros(MOST_ROWS + 1, np.float32))


def test_all_channels_stand_in_the_picture_on_one_scale():
    values = np.zeros((5, 24, 24), np.float32)
    values[3] = 1.0
    values[4] = -1.0
    picture = Image.open(io.BytesIO(channels_png(values))).convert("RGB")
    assert picture.size == (3 * 24 + 2, 2 * 24 + 1)
    tiles = [picture.getpixel((25 * (index % 3) + 5, 25 * (index // 3) + 5)) for index in range(5)]
    assert all(min(tile) >= 250 for tile in tiles[:3])  # zero is white
    assert tiles[3][0] > tiles[3][2] and tiles[4][2] > tiles[4][0]  # vermillion, blue


def test_a_small_map_is_enlarged_by_a_whole_factor():
    picture = Image.open(io.BytesIO(channels_png(np.eye(5, dtype=np.float32)[None])))
    assert picture.size == (25, 25)

"""Filters are the parameters, and what excites them is found by looking everywhere."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.torch import save_file

from core.analysis import analyze
from core.data.arrays import read_arrays
from core.inside import filters as filters_module
from core.inside.filters import kernels, patches, spread
from core.inside.one_image import network_of, see
from core.inside.weights import Weights
from core.inside.windows import window_in_image
from core.report.sentences.filters import kernel_finding
from core.specs import LabError, ModelSpec
from core.training.initialization import initialized_network
from core.zoo.catalogue import complete

SPEC = complete(ModelSpec("course-residual", image_size=28))
CONV = "residual1.conv1"


@pytest.fixture
def changed(tmp_path) -> Weights:
    """The network, but filter 3 of a convolution is doubled, filter 5 moved by a tenth."""
    network = initialized_network(SPEC, "default", 0)
    weight = network.get_submodule(CONV).weight.data
    weight[3] *= 2
    weight[5] *= 1.1
    path = tmp_path / "changed.safetensors"
    save_file(network.state_dict(), path)
    return Weights(SPEC, str(path))


def test_kernels_are_the_parameters_before_and_after(changed):
    found = kernels(changed, CONV, 64)
    for weights, values in ((changed.as_initialized, found.before), (changed, found.after)):
        assert (values == network_of(weights).get_submodule(CONV).weight.numpy()).all()
    assert found.moved == pytest.approx([1.0 if f == 3 else 0.1 * (f == 5) for f in range(16)])
    assert kernels(changed, CONV, 2, by_change=True).filters.tolist() == [3, 5]
    assert "filter 3 moved most: by 100" in kernel_finding(found)
    assert "are as initialized" in kernel_finding(kernels(changed.as_initialized, CONV, 64))


def test_a_layer_that_is_no_convolution_is_refused_in_one_sentence():
    with pytest.raises(LabError, match="is no convolution"):
        kernels(Weights(SPEC), "dense.linear", 8)


def test_histograms_before_and_after_share_their_bins(changed):
    found = spread(changed, (CONV,))
    after = network_of(changed).get_submodule(CONV).weight.flatten().numpy()
    before = network_of(changed.as_initialized).get_submodule(CONV).weight.flatten().numpy()
    assert found.edges[0] == pytest.approx([after.min(), after.max()])
    for shares, values in ((found.before[0], before), (found.after[0], after)):
        counts, _ = np.histogram(values, len(shares), tuple(map(float, found.edges[0])))
        assert shares == pytest.approx(counts / len(values), abs=1e-3)


@pytest.mark.parametrize("path", ["stem1.conv", CONV])
def test_patches_are_those_of_a_direct_search(monkeypatch, path):
    monkeypatch.setattr(filters_module, "SEARCHED", 40)
    monkeypatch.setattr(filters_module, "_BATCH_BYTES", 200_000)  # several batches
    weights = Weights(SPEC)
    found = patches(weights, path, "fashion-mini")
    images = read_arrays("fashion-mini", "test")[0]
    maps = np.stack([see(weights, image).steps[path].output[0].numpy() for image in images[:40]])
    assert found.searched == 40
    for number in (0, 7):
        highest = maps[:, number].reshape(40, -1).max(1)
        order = np.argsort(-highest, kind="stable")[:9]
        assert found.values[number] == pytest.approx(highest[order], abs=1e-5)
        for image, row, column, value in zip(
            found.images[number],
            found.rows[number],
            found.columns[number],
            found.values[number],
            strict=True,
        ):
            assert maps[image, number, row, column] == pytest.approx(value, abs=1e-5)


def test_what_lies_outside_of_a_patch_does_not_matter():
    """The window that is cut out holds all that the filter saw."""
    weights = Weights(SPEC)
    found = patches(weights, "stem1.conv", "fashion-mini")
    image = read_arrays("fashion-mini", "test")[0][found.images[0, 0]]
    row, column = int(found.rows[0, 0]), int(found.columns[0, 0])
    box = window_in_image(analyze(SPEC), "stem1.conv", 0, row, column).inside
    cut = np.zeros_like(image)
    cut[box.top : box.bottom, box.left : box.right] = image[
        box.top : box.bottom, box.left : box.right
    ]
    value = see(weights, cut).steps["stem1.conv"].output[0, 0, row, column]
    assert float(value) == pytest.approx(float(found.values[0, 0]), abs=1e-5)

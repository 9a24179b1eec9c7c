"""Linear CKA against Gram matrices that numpy makes, and what it must not depend on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from core.analysis import analyze
from core.analysis.records import Analysis
from core.data.arrays import read_arrays
from core.inside.aligned import aligned
from core.inside.one_image import see
from core.inside.shipped import SHIPPED
from core.inside.similarity import linear_cka, similarity
from core.inside.similarity_records import MOST_NUMBERS, WORK, comparable, images_for, main_pairs
from core.inside.weights import Weights
from core.specs import ModelSpec
from core.zoo.catalogue import complete

RESIDUAL, SCALING = SHIPPED["residual"].weights, SHIPPED["scaling"].weights
DATA = "fashion-mini"


def by_gram_matrices(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """HSIC(K, L) / √(HSIC(K, K) HSIC(L, L)), arXiv 1905.00414, equation 4."""
    count = len(x)
    center = np.eye(count) - 1 / count
    k, m = (center @ (rows @ rows.T) @ center for rows in (x, y))
    return float((k * m).sum() / np.sqrt((k * k).sum() * (m * m).sum()))


def main_of(first: Analysis, second: Analysis) -> tuple[tuple[str, str], ...]:
    return comparable(main_pairs(aligned(first, second)))


def main_paths(first: Weights, second: Weights) -> tuple[tuple[str, str], ...]:
    return main_of(analyze(first.spec), analyze(second.spec))


def random(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


def test_it_is_what_gram_matrices_say():
    x, y = random(40, 3, 5, 5) + 2, random(40, 17)
    y[:, :5] += 3 * x.flatten(1)[:, :5]
    expected = by_gram_matrices(x.flatten(1).double().numpy(), y.double().numpy())
    assert 0.1 < expected < 0.9
    assert linear_cka(x, y) == pytest.approx(expected, abs=1e-5)


def test_a_rotated_shifted_and_scaled_representation_is_the_same():
    x = random(60, 12)
    rotation, _ = torch.linalg.qr(random(12, 12))
    assert linear_cka(x, 7 * (x @ rotation) - 3) == pytest.approx(1.0, abs=1e-5)
    stretched = x @ torch.diag(torch.logspace(0, 2, 12))  # no rotation
    assert linear_cka(x, stretched) < 0.9


def test_what_is_the_same_for_every_image_has_no_similarity():
    x = random(20, 6)
    assert linear_cka(x, torch.full((20, 4), 0.1)) is None
    assert linear_cka(x, torch.full((20, 4), torch.nan)) is None
    assert linear_cka(x, 1e30 * x) == pytest.approx(1.0, abs=1e-5)


def test_a_network_is_alike_itself_and_says_the_same():
    found = similarity(RESIDUAL, RESIDUAL, DATA, main_paths(RESIDUAL, RESIDUAL), 60)
    assert (found.images, found.available, found.agreed) == (60, 2000, 1.0)
    assert [one.cka for one in found.layers] == pytest.approx([1.0] * len(found.layers))


def test_layers_of_two_networks_as_each_image_alone_gives_them():
    paths = main_paths(RESIDUAL, SCALING)
    found = similarity(RESIDUAL, SCALING, DATA, paths, 50)
    images = read_arrays(DATA, "test")[0][:50]
    said = []
    rows: dict[tuple[int, str], list[NDArray[np.float64]]] = {}
    for image in images:
        seen = [see(weights, image) for weights in (RESIDUAL, SCALING)]
        said.append(len({int(one.probabilities.argmax()) for one in seen}) == 1)
        for pair in paths:
            for place, path in enumerate(pair):
                output = seen[place].steps[path].output
                rows.setdefault((place, path), []).append(output.flatten().double().numpy())
    for one in found.layers:
        expected = by_gram_matrices(np.array(rows[0, one.first]), np.array(rows[1, one.second]))
        assert one.cka == pytest.approx(expected, abs=1e-4), one.first
    assert found.agreed == np.mean(said)


def test_two_seeds_are_not_alike():
    begun = RESIDUAL.as_initialized
    found = similarity(begun, replace(begun, seed=9), DATA, main_paths(begun, begun), 50)
    assert all(one.cka < 0.999 for one in found.known)


def test_large_maps_are_averaged_down_and_two_architectures_compared():
    large = Weights(complete(ModelSpec("vgg11", ratio=4, image_size=96)))
    small = Weights(complete(ModelSpec("lenet", image_size=28)))
    paths = main_paths(large, small)
    found = similarity(large, small, DATA, paths, 50)
    assert len(found.known) == len(paths) == 5
    first, second = paths[0]
    images = read_arrays(DATA, "test")[0][:50]
    maps = np.stack([see(large, image).steps[first].output[0].double() for image in images])
    assert maps[0].size == 9 * MOST_NUMBERS  # 16 × 96 × 96
    means = maps.reshape(50, 16, 32, 3, 32, 3).mean((3, 5)).reshape(50, -1)
    others = [see(small, image).steps[second].output.flatten().double() for image in images]
    assert found.layers[0].cka == pytest.approx(by_gram_matrices(means, np.stack(others)), abs=1e-4)


def test_fewer_images_are_compared_of_large_networks():
    course, vgg = (
        analyze(complete(ModelSpec(arch, image_size=size)))
        for arch, size in (("course-residual", 28), ("vgg11", 224))
    )
    assert images_for(course, course, main_of(course, course)) == 400
    assert images_for(course, vgg, main_of(course, vgg)) == 50
    deep = analyze(complete(ModelSpec("resnet110", image_size=32)))
    count = images_for(deep, deep, main_of(deep, deep))
    assert 50 < count == int(2 * WORK // (2 * deep.totals.macs))

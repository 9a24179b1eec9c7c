"""The loss around a trained network, held against closed forms and the network itself."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from core.data.load import load
from core.inside.landscape import (
    measure_landscapes,
    path_directions,
    project,
    random_directions,
    trained_network,
    walk,
)
from core.inside.landscape_records import (
    Landscape,
    NetworkLandscape,
    check_plane,
    image_count,
    rise,
    steps,
)
from core.specs import LabError, ModelSpec, RunSpec
from core.training.initialization import initialized_network
from core.training.recipes import recipe
from core.zoo.catalogue import complete

LENET = RunSpec(
    complete(ModelSpec("lenet", image_size=28)), "fashion-mini", recipe("fast", 64, 2), 64
)


@pytest.fixture(scope="module")
def resnet() -> nn.Module:
    model = complete(ModelSpec("resnet20", ratio=8, image_size=28))
    return initialized_network(model, "default", 0)


@pytest.fixture(scope="module")
def trained() -> Landscape:
    """LeNet trained for two epochs on 64 images, with 3 × 3 points around it."""
    *_, landscape = measure_landscapes((), (LENET,), 3, 1.0, 32, 0)
    return landscape


def test_each_filter_of_a_direction_is_as_long_as_the_networks_own(resnet):
    first, second = random_directions(resnet, 0)
    weights = dict(resnet.named_parameters())
    for name, direction in first.items():
        own = weights[name].detach().flatten(1).norm(dim=1)
        torch.testing.assert_close(direction.flatten(1).norm(dim=1), own)
        assert not torch.equal(direction, second[name])
    still = {name for name in weights if name not in first}
    assert still == {name for name, weight in weights.items() if weight.dim() == 1}
    assert any("bias" in name for name in still)


def test_the_same_seed_draws_the_same_plane_and_another_seed_another(resnet):
    once, again, other = (random_directions(resnet, seed)[0] for seed in (3, 3, 4))
    assert all(torch.equal(once[name], again[name]) for name in once)
    assert not any(torch.equal(once[name], other[name]) for name in once)


def test_a_quadratic_loss_is_found_at_every_point_and_the_network_is_put_back():
    network = nn.Linear(3, 2, bias=False)
    weight = network.weight.detach().clone()
    first, second = random_directions(network, 0)
    where = steps(5, 0.5)

    def evaluate(at: nn.Module) -> tuple[float, float]:
        return float((next(at.parameters()) ** 2).sum()), 0.0

    rows = list(walk(network, (first, second), where, where, evaluate))
    for y, row in zip(where, rows, strict=True):
        for x, (loss, _) in zip(where, row, strict=True):
            d, e = first["weight"], second["weight"]
            # |w + xd + ye|², with every row of d and e as long as that of w
            closed = weight.norm() ** 2 * (1 + x**2 + y**2) + 2 * (
                x * (weight * d).sum() + y * (weight * e).sum() + x * y * (d * e).sum()
            )
            assert loss == pytest.approx(float(closed), rel=1e-5)
    assert torch.equal(network.weight.detach(), weight)


def test_a_stopped_walk_puts_the_network_back_too():
    network = nn.Linear(3, 2)
    before = network.weight.detach().clone()
    where = steps(3, 1.0)
    rows = walk(network, random_directions(network, 0), where, where, lambda _: (0.0, 0.0))
    next(rows)
    assert not torch.equal(network.weight.detach(), before)
    rows.close()
    assert torch.equal(network.weight.detach(), before)


def test_a_path_in_the_plane_is_found_exactly_and_one_across_it_not_at_all():
    generator = np.random.default_rng(0)
    directions, center = generator.normal(size=(2, 50)), generator.normal(size=50)
    where = generator.normal(size=(6, 2))
    points, share = project(center + where @ directions, center, directions)
    np.testing.assert_allclose(points, where, atol=1e-12)
    assert share == pytest.approx(1.0)
    across = np.linalg.svd(directions)[2][2:5]  # at right angles to both
    points, share = project(center + across, center, directions)
    np.testing.assert_allclose(points, 0, atol=1e-12)
    assert share == pytest.approx(0.0, abs=1e-12)


def test_the_plane_along_a_path_is_the_plane_that_it_lies_in():
    generator = np.random.default_rng(0)
    plane, center = np.linalg.qr(generator.normal(size=(50, 2)))[0].T, generator.normal(size=50)
    where = np.array([[-4.0, -1.0], [-3.0, 2.0], [-1.0, 1.5], [0.0, 0.0]])
    path = center + where @ plane
    found = path_directions(path, center)
    np.testing.assert_allclose(found @ found.T, np.eye(2), atol=1e-12)
    np.testing.assert_allclose(found.T @ found, plane.T @ plane, atol=1e-12)  # the same plane
    points, share = project(path, center, found)
    assert share == pytest.approx(1.0)
    np.testing.assert_allclose(np.hypot(*points.T), np.hypot(*where.T))
    assert points[0, 0] < 0 and points[:, 1].max() >= -points[:, 1].min()


def test_no_other_plane_holds_more_of_a_path():
    generator = np.random.default_rng(1)
    path = generator.normal(size=(8, 30)).cumsum(axis=0)
    share = project(path, path[-1], path_directions(path, path[-1]))[1]
    others = [project(path, path[-1], generator.normal(size=(2, 30)))[1] for _ in range(200)]
    squares = np.linalg.svd(path - path[-1], compute_uv=False) ** 2  # of the principal components
    assert share == pytest.approx(squares[:2].sum() / squares.sum())
    assert max(others) < share < 1


def test_a_quadratic_loss_is_found_along_a_path_too():
    network = nn.Linear(3, 2, bias=False)
    weight = network.weight.detach().double().numpy().ravel()
    path = weight + np.random.default_rng(2).normal(size=(4, 6))
    rows = path_directions(path, weight)
    parts = [{"weight": torch.tensor(row, dtype=torch.float32).reshape(2, 3)} for row in rows]
    xs, ys = np.array([-3.0, -1.0, 1.0]), np.array([0.0, 0.5, 1.0])

    def evaluate(at: nn.Module) -> tuple[float, float]:
        return float((next(at.parameters()) ** 2).sum()), 0.0

    for y, row in zip(ys, walk(network, (parts[0], parts[1]), xs, ys, evaluate), strict=True):
        for x, (loss, _) in zip(xs, row, strict=True):
            # |w + xd + ye|² with orthonormal d and e
            closed = weight @ weight + x**2 + y**2 + 2 * weight @ (x * rows[0] + y * rows[1])
            assert loss == pytest.approx(closed, rel=1e-5)


@pytest.fixture(scope="module")
def along() -> NetworkLandscape:
    """The same LeNet, in the plane along its training."""
    *_, landscape = measure_landscapes((), (LENET,), 3, 1.0, 32, 0, "path")
    return Landscape.from_dict(json.loads(json.dumps(landscape.to_dict()))).networks[0]


def test_two_epochs_lie_in_their_plane_whose_losses_are_their_own(along):
    assert along.path_share == pytest.approx(1.0, abs=1e-6)  # two steps span the plane
    assert sum(along.direction_shares) == pytest.approx(along.path_share)
    assert [point.epoch for point in along.path] == [0, 1, 2]
    assert (along.path[-1].x, along.path[-1].y) == pytest.approx((0, 0), abs=1e-9)
    for point in along.path:
        assert point.loss is not None and point.plane_loss == pytest.approx(point.loss, rel=1e-4)


def test_the_plane_is_as_large_as_the_path_with_a_margin(along):
    landscape = Landscape(1.0, 3, 1.0, 32, 0, "", (along,), "path")
    (left, x, right), (low, _, high) = landscape.where(along)
    assert right - left == pytest.approx(high - low) == pytest.approx(2 * along.span)
    across = [point.x for point in along.path]
    assert x == pytest.approx((min(across) + max(across)) / 2)
    assert left < min(across) < max(across) < right
    assert all(low < point.y < high for point in along.path)


def test_a_path_of_one_step_and_one_that_was_not_kept_are_told_in_a_sentence(tmp_path):
    from safetensors.torch import save_file

    short = replace(LENET, recipe=recipe("fast", 64, 1))
    with pytest.raises(LabError, match="is a line, which has no second direction; train for at"):
        list(measure_landscapes((), (short,), 3, 1.0, 16, 0, "path"))
    network = initialized_network(LENET.model, "xavier", 5)
    save_file(network.state_dict(), tmp_path / "last.safetensors")
    subject = trained_network(7, 2, LENET, tmp_path / "last.safetensors")
    with pytest.raises(LabError, match="of run 7 after each epoch were not kept: they are too"):
        list(measure_landscapes((subject,), (), 3, 1.0, 16, 0, "path"))


def test_the_centers_loss_is_the_runs_own(tmp_path):
    from safetensors.torch import save_file

    network = initialized_network(LENET.model, "xavier", 5)
    save_file(network.state_dict(), tmp_path / "best.safetensors")
    subject = trained_network(7, 2, LENET, tmp_path / "best.safetensors")
    *_, last = measure_landscapes((subject,), (), 3, 1.0, 64, 0)
    data = load("fashion-mini").first(64)
    pixels = data.train_images.float() / 255
    if LENET.recipe.normalize:
        pixels = (pixels - data.info.mean) / data.info.std
    with torch.no_grad():
        logits = network.eval()(pixels)
    center, accuracy = last.networks[0].loss[1][1], last.networks[0].accuracy[1][1]
    assert center == pytest.approx(F.cross_entropy(logits, data.train_labels).item(), rel=1e-5)
    assert accuracy == (logits.argmax(1) == data.train_labels).float().mean().item()
    assert (last.networks[0].run, last.networks[0].epoch) == (7, 2)


def test_rows_come_one_by_one_and_what_is_trained_here_has_its_path():
    shares, rows = [], []
    for landscape in measure_landscapes((), (LENET,), 3, 1.0, 16, 0):
        shares.append(landscape.share)
        rows.append(len(landscape.networks[0].loss) if landscape.networks else 0)
    assert shares == sorted(shares) and shares[-1] == pytest.approx(1.0)
    assert rows[-3:] == [1, 2, 3] and rows[0] == 0


def test_the_path_ends_in_the_center(trained):
    network = trained.networks[0]
    assert [point.epoch for point in network.path] == [0, 1, 2]
    assert (network.path[-1].x, network.path[-1].y) == pytest.approx((0, 0), abs=1e-9)
    assert network.path_share is not None and 0 < network.path_share < 0.1  # of 60,000 dimensions


def test_it_comes_back_from_json_and_is_the_same_again(trained):
    assert Landscape.from_dict(json.loads(json.dumps(trained.to_dict()))) == trained
    *_, again = measure_landscapes((), (LENET,), 3, 1.0, 32, 0)
    assert again == trained


def test_the_rise_is_told_of_the_points_within_the_distance():
    bowl = [[1 + 4 * (x * x + y * y) for x in (-1, 0, 1)] for y in (-1, 0, 1)]
    network = NetworkLandscape(LENET.to_json(), 1, None, tuple(map(tuple, bowl)))
    landscape = Landscape(1.0, 3, 1.0, 10, 0, "", (network,))
    found = rise(network, landscape)
    assert found == (1.0, 5.0, 0.2)  # corners are further away; of five points the center alone
    assert rise(replace(network, loss=network.loss[:2]), landscape) is None
    beyond = ((None, 1.0, 1.0), (None, 1.0, 1.0), (1.0, 1.0, 1.0))
    found = rise(replace(network, loss=beyond), landscape)
    assert found is not None and found.highest is None and found.near == 0.8


def test_a_plane_that_cannot_be_measured_is_refused_in_a_sentence():
    for plane in ((4, 1.0, 10), (15, 0.0, 10), (15, 1.0, 0), (99, 1.0, 10)):
        with pytest.raises(LabError):
            check_plane(*plane)
    with pytest.raises(LabError, match="Choose at least one"):
        next(measure_landscapes((), (), 3, 1.0, 10, 0))


def test_a_large_network_is_given_fewer_images():
    assert image_count(3_000_000, 15, 1_000) == 1_000
    assert 50 < image_count(1_000_000_000, 15, 1_000) < 1_000
    assert image_count(10**12, 15, 1_000) == 50

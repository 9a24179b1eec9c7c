"""Test images in two dimensions, held against numpy and against points whose groups are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from core.data.arrays import read_arrays
from core.inside.embedding import (
    STEPS,
    _slope,
    affinities,
    classes_around,
    last_features,
    principal_components,
    reduced,
    tsne,
)
from core.inside.embedding_records import drawn, image_count
from core.inside.one_image import see
from core.inside.weights import Weights
from core.specs import LabError, ModelSpec
from core.zoo.catalogue import complete

LENET = Weights(complete(ModelSpec("lenet", image_size=28)), seed=3)


def two_groups(count: int = 40) -> torch.Tensor:
    """Points around two places that are far apart, (2 × count, 10)."""
    points = torch.from_numpy(np.random.default_rng(0).normal(size=(2 * count, 10)))
    points[:count, 0] += 40
    return points


def test_principal_components_are_those_of_numpy():
    values = np.random.default_rng(0).normal(size=(60, 7)) * np.arange(1, 8)
    positions, shares = reduced(torch.from_numpy(values), 2)
    variances, axes = np.linalg.eigh(np.cov(values.T))  # the largest last
    expected = (values - values.mean(0)) @ axes[:, [-1, -2]]
    np.testing.assert_allclose(positions.abs(), np.abs(expected), atol=1e-9)
    np.testing.assert_allclose(shares, variances[[-1, -2]] / variances.sum(), atol=1e-12)


def test_an_embedding_shows_what_the_last_layer_reads():
    found = principal_components(LENET, "fashion-mini", 30)
    pixels, labels = read_arrays("fashion-mini", "test")
    assert found.images.tolist() == drawn(30, len(labels)).tolist() and len(found.images) == 30
    assert found.labels.tolist() == labels[found.images].tolist()
    for row, index in enumerate(found.images[:5]):
        seen = see(LENET, pixels[index])
        assert seen.probabilities is not None
        assert found.predicted[row] == seen.probabilities.argmax()
        assert found.confidence[row] == pytest.approx(seen.probabilities.max(), rel=1e-4)
    step = seen.steps[found.layer]
    assert isinstance(step.module, nn.Linear) and step.module.out_features == 10
    assert found.features == step.module.in_features
    assert 0 < found.variance[1] <= found.variance[0] <= 1


def test_the_features_are_the_input_of_the_linear_layer_that_runs_last():
    network = nn.Sequential(nn.Flatten(), nn.Linear(12, 5), nn.ReLU(), nn.Linear(5, 3))
    images = torch.randn(4, 3, 2, 2)
    name, features, scores = last_features(network, images)
    assert name == "3" and torch.equal(features, network[:3](images).detach())
    assert torch.equal(scores, network(images).detach())
    assert all(not part._forward_pre_hooks for part in network.modules())
    convolutions = nn.Sequential(nn.Conv2d(3, 4, 2), nn.Flatten())
    name, features, scores = last_features(convolutions, images)
    assert name == "" and torch.equal(features, scores)
    with pytest.raises(LabError, match="no scores of classes"):
        last_features(nn.Conv2d(3, 4, 2), images)


def test_each_image_has_the_perplexity_that_was_asked_for():
    values = two_groups()
    together = affinities(values, 10)
    assert together.sum().item() == pytest.approx(1) and torch.equal(together, together.T)
    # one row before it is made symmetric, by Gaussians of known width: a regular polygon
    angles = torch.arange(50).double() * 2 * torch.pi / 50
    ring = torch.stack([angles.cos(), angles.sin()], 1)
    rows = 50 * affinities(ring, 10)  # alike for all points, so symmetric from the start
    perplexity = torch.special.entr(rows).sum(1).exp()
    torch.testing.assert_close(perplexity, torch.full((50,), 10.0).double())


def test_a_step_goes_down_the_divergence_as_autograd_finds_it():
    wanted = affinities(two_groups(20), 10).float()
    positions = torch.randn(40, 2, generator=torch.Generator().manual_seed(1)).double()
    positions.requires_grad_()
    kernel = 1 / (1 + (positions[:, None] - positions[None]).square().sum(2))
    kernel = kernel * (1 - torch.eye(40))
    for exaggeration in (1.0, 12.0):
        # equation 5 multiplies the wanted shares alone, which then no longer add up to 1
        energy = -exaggeration * (wanted * (kernel + torch.eye(40)).log()).sum()
        [expected] = torch.autograd.grad(energy + kernel.sum().log(), positions, retain_graph=True)
        spare = torch.empty(40, 40), torch.empty(40, 40)
        slope = _slope(wanted, positions.detach().float(), exaggeration, spare)
        torch.testing.assert_close(slope.double(), expected, rtol=1e-3, atol=1e-5)


def test_tsne_keeps_two_groups_apart_and_is_the_same_again():
    (*_, (step, once)), (*_, (_, again)) = (list(tsne(two_groups())) for _ in range(2))
    assert step == STEPS and torch.equal(once, again)
    assert torch.isfinite(once).all()
    first, second = once[:40], once[40:]
    apart = (first.mean(0) - second.mean(0)).norm()
    widest = max((group - group.mean(0)).norm(dim=1).max() for group in (first, second))
    assert apart > 2 * widest


def test_tsne_says_how_far_it_is_and_takes_points_on_a_line_or_in_one_place():
    steps = [step for step, _ in tsne(two_groups(10), news=200)]
    assert steps == [200, 400, 600]
    for points in (torch.arange(12.0)[:, None], torch.zeros(12, 3)):
        *_, (_, positions) = tsne(points)
        assert positions.shape == (12, 2) and torch.isfinite(positions).all()


def test_the_class_around_an_image_is_that_of_its_nearest_others():
    features = torch.tensor([0.0, 0.1, 0.2, 0.05, 10.0, 10.1, 10.2])[:, None]
    labels = torch.tensor([0, 0, 0, 1, 1, 1, 1])  # the fourth lies among the zeros
    assert classes_around(features, labels, 3).tolist() == [0, 0, 0, 0, 1, 1, 1]
    tie = torch.tensor([0.0, 1.0, 2.0])[:, None]  # the nearest decides
    assert classes_around(tie, torch.tensor([0, 2, 1]), 2)[0] == 2


def test_a_large_network_is_given_fewer_images_and_draws_are_subsets():
    assert image_count(3_000_000, 10_000) == 2_000 and image_count(3_000_000, 700) == 700
    assert image_count(10**12, 10_000) == 100
    assert drawn(700, 700).tolist() == list(range(700))
    assert set(drawn(20, 500)) < set(drawn(50, 500))

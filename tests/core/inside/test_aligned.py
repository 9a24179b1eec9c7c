"""Two networks side by side: every layer once, in order, beside its counterpart."""

from __future__ import annotations

import pytest

from core.analysis import analyze
from core.analysis.records import Analysis
from core.inside.aligned import Pair, aligned
from core.specs import ModelSpec
from core.zoo.catalogue import complete


def taken_apart(arch: str, **options: object) -> Analysis:
    """A small network's analysis."""
    return analyze(complete(ModelSpec(arch, image_size=32, options=options)))


RESIDUAL = taken_apart("course-residual")
OTHERS = {
    "itself": RESIDUAL,
    "without shortcuts": taken_apart("course-residual", shortcut="none"),
    "another family": taken_apart("lenet"),
    "a deeper one": taken_apart("resnet20"),
}


def paths(pairs: list[Pair], which: str) -> list[str]:
    """The layers of one of the two."""
    return [layer.path for pair in pairs if (layer := getattr(pair, which)) is not None]


@pytest.mark.parametrize("name", OTHERS)
def test_every_layer_stands_there_once_and_in_order(name):
    other = OTHERS[name]
    pairs = aligned(RESIDUAL, other)
    assert paths(pairs, "first") == [layer.path for layer in RESIDUAL.layers if layer.inputs]
    assert paths(pairs, "second") == [layer.path for layer in other.layers if layer.inputs]


@pytest.mark.parametrize("name", OTHERS)
def test_only_layers_of_one_kind_are_paired(name):
    both = [pair for pair in aligned(RESIDUAL, OTHERS[name]) if pair.first and pair.second]
    assert both and all(pair.first.kind == pair.second.kind for pair in both)


def test_a_network_stands_beside_itself_layer_by_layer():
    pairs = aligned(RESIDUAL, RESIDUAL)
    assert all(pair.same_shape and pair.first is pair.second for pair in pairs)


def test_without_shortcuts_only_the_sums_have_no_counterpart():
    alone = [
        pair.first or pair.second
        for pair in aligned(RESIDUAL, OTHERS["without shortcuts"])
        if not (pair.first and pair.second)
    ]
    assert alone and {layer.kind for layer in alone} == {"join"}

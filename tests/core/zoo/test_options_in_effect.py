"""Which options change a network: a switch without effect is not there, and claims nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from core.analysis.sweep import has_variable
from core.report.tables.columns import options_text
from core.specs import ModelSpec
from core.zoo.catalogue import CATALOGUE, complete, effective_options

COURSE = ModelSpec("course-residual", 4, 28)
SETTINGS = {  # shortcut → the one setting that it uses; figure 2 of arXiv 1603.05027
    "identity": None,
    "constant-scaling": "factor",
    "scaled-shortcut": "factor",
    "exclusive-gating": "gate_bias",
    "shortcut-gating": "gate_bias",
    "conv": None,
    "dropout": "dropout",
    "none": None,
}


def with_options(spec: ModelSpec, **options) -> ModelSpec:
    return complete(replace(spec, options=tuple(options.items())))


@pytest.mark.parametrize(("shortcut", "setting"), SETTINGS.items())
def test_each_shortcut_has_only_its_own_setting(shortcut, setting):
    plain = with_options(COURSE, shortcut=shortcut)
    for name, value in (("factor", 0.75), ("gate_bias", -1.0), ("dropout", 0.1)):
        changed = with_options(COURSE, shortcut=shortcut, **{name: value})
        assert (changed != plain) == (name == setting)
        assert (name in effective_options(plain)) == (name == setting)
        assert (f"{name}=" in options_text(plain)) == (name == setting)
        assert has_variable(plain, name) == (name == setting)


@pytest.mark.parametrize("shortcut", SETTINGS)
def test_the_homework_has_a_mistake_in_two_blocks_only(shortcut):
    plain, published = (
        with_options(COURSE, shortcut=shortcut, as_published=value) for value in (False, True)
    )
    has_mistake = shortcut in ("constant-scaling", "conv")
    assert (plain != published) == has_mistake
    assert ("as_published" in effective_options(plain)) == has_mistake


def _outputs(spec: ModelSpec) -> torch.Tensor:
    """Of the network in training, its parameters and its dropout from one seed.

    Built as the spec asks, past the canonical form.
    """
    torch.manual_seed(0)
    network = CATALOGUE[spec.arch].builder(spec).train()
    return network(torch.rand(4, spec.in_channels, *spec.sides))


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("shortcut", SETTINGS)
@pytest.mark.parametrize("arch", ["course-residual", "resnet-cifar"])
def test_a_value_is_another_network_exactly_where_its_numbers_are_others(
    arch, shortcut, batch_norm
):
    depth = {"depth": 8} if arch == "resnet-cifar" else {}
    own = with_options(ModelSpec(arch, 8, 16), shortcut=shortcut, batch_norm=batch_norm, **depth)
    outputs = _outputs(own)
    for option in CATALOGUE[arch].options[1:]:
        for value in option.spread():
            if (option.name, value) in (("depth", own.option("depth")), ("as_published", True)):
                continue
            asked = replace(own, options=tuple((dict(own.options) | {option.name: value}).items()))
            is_own = complete(asked) == own
            assert torch.equal(_outputs(asked), outputs) == is_own, (option.name, value)


def test_without_batchnorm_only_orders_that_differ_are_offered():
    order = next(o for o in CATALOGUE["course-residual"].options if o.name == "order")
    offered = {
        (norm, shortcut): [
            name for name, _ in order.offered({"batch_norm": norm, "shortcut": shortcut})
        ]
        for norm in (True, False)
        for shortcut in ("identity", "none")
    }
    pre_activation = ["relu-only-pre-activation", "full-pre-activation"]
    assert len(offered[True, "identity"]) == 5
    assert offered[False, "identity"] == ["original", "relu-before-addition", pre_activation[0]]
    assert offered[True, "none"] == ["original", *pre_activation]  # nothing is added
    assert offered[False, "none"] == ["original", pre_activation[0]]


@pytest.mark.parametrize("arch", CATALOGUE)
def test_a_default_network_is_complete_once(arch):
    """Its canonical form stays as it is, and has every option of the row."""
    spec = complete(CATALOGUE[arch].default)
    assert complete(spec) == spec
    assert {name for name, _ in spec.options} == {o.name for o in CATALOGUE[arch].options}

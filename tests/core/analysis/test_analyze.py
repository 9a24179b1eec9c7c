"""The analysis: its numbers against PyTorch's own counters, published counts and closed forms."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

import core.analysis
from core.analysis import KINDS, LEVELS, Analysis, analyze, analyze_module, torchinfo_summary
from core.specs import LabError, ModelSpec
from core.zoo.building import build
from core.zoo.catalogue import complete
from tests.core.networks import DEFAULTS, THIN, analysis_of, flops_of, forward_flops, module_of
from tools.peak_memory import kept_in_a_real_step

VARIANTS = {
    f"course-residual, {shortcut}{', as published' if published else ''}": ModelSpec(
        "course-residual",
        image_size=28,
        options={"shortcut": shortcut, "as_published": published},
    )
    for shortcut in ("none", "constant-scaling", "conv")
    for published in (False, True)
}
VARIANTS |= {
    f"resnet-cifar, {shortcut}": ModelSpec(
        "resnet-cifar", image_size=28, options={"shortcut": shortcut, "depth": 8}
    )
    for shortcut in ("exclusive-gating", "dropout")
}
EVERY = DEFAULTS | THIN | VARIANTS
DEEP = ("resnet20", "resnet56", "resnet110", "resnet50", "densenet", "densenet121", "googlenet")


def each(specs: dict[str, ModelSpec]) -> pytest.MarkDecorator:
    """A test for each of the networks; the deep ones take patience."""
    marks = {
        label: [pytest.mark.slow] if spec.arch in DEEP else [] for label, spec in specs.items()
    }
    params = [pytest.param(spec, marks=marks[label], id=label) for label, spec in specs.items()]
    return pytest.mark.parametrize("spec", params)


every_network = each(EVERY)


def module(analysis: Analysis, path: str) -> core.analysis.LayerCost:
    [layer] = [layer for layer in analysis.layers if layer.path == path]
    return layer


# Sums

COLUMNS = ("params", "macs", "flops", "elementwise_ops", "output_bytes", "saved_bytes")


@pytest.mark.slow
@every_network
def test_columns_add_up_to_the_totals_at_every_level(spec):
    analysis = analysis_of(spec)
    for level in LEVELS:
        rows = analysis.rows(level)
        assert len({row.path for row in rows}) == len(rows)
        for column in COLUMNS:
            total = getattr(analysis.totals, column)
            assert sum(getattr(row, column) for row in rows) == total, (level, column)
        assert sum(row.fixed_saved_bytes for row in rows) == sum(
            layer.fixed_saved_bytes for layer in analysis.layers
        )
        assert max(row.depth for row in rows) == analysis.totals.depth


@every_network
def test_parameters_are_the_networks(spec):
    network = module_of(spec)
    assert analysis_of(spec).totals.params == sum(p.numel() for p in network.parameters())
    assert analysis_of(spec).buffer_bytes == sum(b.nbytes for b in network.buffers())
    by_module = {
        name: sum(p.numel() for p in child.parameters(recurse=False))
        for name, child in network.named_modules()
    }
    for layer in analysis_of(spec).layers:
        assert layer.params == by_module.get(layer.path, 0)


@pytest.mark.slow
@every_network
def test_macs_are_half_of_pytorchs_flops(spec):
    totals = analysis_of(spec).totals
    counted = forward_flops(spec) if spec in THIN.values() else flops_of(spec)[0]
    assert 2 * totals.macs == totals.flops and 2 * totals.flops == counted  # of two images


@each(DEFAULTS | VARIANTS)
def test_backward_macs_are_half_of_pytorchs_flops(spec):
    """The first layer needs no gradient of its input, a dead one none at all."""
    totals = analysis_of(spec).totals
    assert flops_of(spec)[1] == 2 * 2 * (totals.macs + totals.backward_macs)
    assert totals.backward_macs < 2 * totals.macs


@every_network
def test_rows_hold_together(spec):
    analysis = analysis_of(spec)
    assert analysis.layers[0].input_shape == (
        1, spec.in_channels, spec.image_size, spec.image_size
    )  # fmt: skip
    assert analysis.layers[-1].output_shape == (1, spec.num_classes)
    for layer in analysis.layers:
        assert layer.kind in KINDS
        assert layer.input_shape[0] == layer.output_shape[0] == 1
        assert layer.macs == 0 or layer.is_weight_layer


@every_network
def test_output_bytes_are_four_for_each_number_unless_nothing_new_is_made(spec):
    writes_in_place = spec.arch in ("resnet18", "resnet34", "resnet50", "densenet", "densenet121")
    in_place = ("ReLU", "relu") if writes_in_place else ()
    for layer in analysis_of(spec).layers:
        numbers = torch.Size(layer.output_shape).numel()
        made = layer.operation not in ("Flatten", "Identity", *in_place)
        assert layer.output_bytes == (4 * numbers if made else 0), layer.path


# Published counts

TORCHVISION = ("vgg11", "vgg13", "vgg16", "vgg19", "resnet18", "resnet34", "resnet50",
               "densenet121")  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", TORCHVISION)
def test_counts_equal_torchvisions(name):
    from torchvision.models import get_model_weights

    published = get_model_weights(name).IMAGENET1K_V1.meta
    totals = analysis_of(ModelSpec(name, 1, 224, 3, 1000)).totals
    assert totals.params == published["num_params"]
    assert round(totals.macs / 1e9, 3) == published["_ops"]  # multiply-adds, in thousand millions


def test_lenet_macs():
    convolutions = 28**2 * 6 * 5**2 + 10**2 * 16 * 6 * 5**2
    linear = 400 * 120 + 120 * 84 + 84 * 10
    assert analysis_of(DEFAULTS["lenet"]).totals.macs == convolutions + linear


def test_alexnet_macs():
    convolutions = (
        54**2 * 96 * 1 * 11**2
        + 26**2 * 256 * 96 * 5**2
        + 12**2 * (384 * 256 + 384 * 384 + 256 * 384) * 3**2
    )
    linear = 6400 * 4096 + 4096 * 4096 + 4096 * 10
    assert analysis_of(DEFAULTS["alexnet"]).totals.macs == convolutions + linear


def test_elementwise_operations_of_lenet():
    sigmoids = 6 * 28**2 + 16 * 10**2 + 120 + 84
    pools = 4 * (6 * 14**2 + 16 * 5**2)  # four additions for each number that comes out
    totals = analysis_of(DEFAULTS["lenet"]).totals
    assert totals.elementwise_ops == sigmoids + pools


def test_functional_operations_have_rows_of_their_own():
    plain = analysis_of(DEFAULTS["course-residual"])
    add = module(plain, "residual1.add")
    assert add.kind == "join" and add.output_shape == (1, 16, 12, 12)
    assert add.elementwise_ops == 16 * 12 * 12
    assert module(plain, "residual1.relu").path != module(plain, "residual1.relu_2").path
    cat = module(analysis_of(DEFAULTS["course-inception"]), "inception1.cat")
    assert cat.kind == "join" and cat.output_shape == (1, 88, 12, 12)


# S1 and Q1


def test_vgg11_has_the_printed_shapes():
    blocks = analysis_of(ModelSpec("vgg11")).rows("block")
    assert [row.output_shape for row in blocks] == [
        (1, 64, 112, 112),
        (1, 128, 56, 56),
        (1, 256, 28, 28),
        (1, 512, 14, 14),
        (1, 512, 7, 7),
        (1, 4096),
        (1, 4096),
        (1, 10),
    ]


def test_vgg11_has_8_blocks_11_weight_layers_and_the_10_rows_of_mxnet():
    analysis = analysis_of(ModelSpec("vgg11"))
    blocks, weights = analysis.rows("block"), analysis.rows("weight layer")
    assert len(blocks) == 8
    assert len(weights) == analysis.totals.weight_layers == 11
    assert [row.operation for row in weights] == ["Conv2d"] * 8 + ["Linear"] * 3
    inside = [row for row in analysis.layers if row.operation in ("Linear", "Dropout")]
    mxnet = [row.path for row in blocks[:5]] + [row.path for row in inside]
    assert mxnet[5:] == [
        "dense1.linear", "dense1.dropout", "dense2.linear", "dense2.dropout", "dense3.linear"
    ]  # fmt: skip
    assert len(mxnet) == 10


def test_an_unknown_level_is_one_sentence():
    with pytest.raises(LabError, match="by block, weight layer, module, not by 'color'"):
        analysis_of(DEFAULTS["lenet"]).rows("color")


def test_resize_to_96_leaves_3x3_in_vgg11():
    blocks = analysis_of(ModelSpec("vgg11", image_size=96)).rows("block")
    assert blocks[4].output_shape == (1, 512, 3, 3)


# Receptive field and depth


def receptive_field(*windows: tuple[int, int]) -> int:
    """Pixels a side that a unit sees after windows of (kernel, stride): the textbook's sum."""
    seen, jump = 1, 1
    for kernel, stride in windows:
        seen += (kernel - 1) * jump
        jump *= stride
    return seen


def vgg_windows(*convolutions: int) -> list[tuple[int, int]]:
    return [window for count in convolutions for window in ((3, 1),) * count + ((2, 2),)]


def resnet18_windows() -> list[tuple[int, int]]:
    stages = [((3, stride), (3, 1), (3, 1), (3, 1)) for stride in (1, 2, 2, 2)]
    return [(7, 2), (3, 2), *(window for stage in stages for window in stage)]


@pytest.mark.parametrize(
    ("name", "windows", "pixels"),
    [
        ("vgg11", vgg_windows(1, 1, 2, 2, 2), 150),
        ("vgg16", vgg_windows(2, 2, 3, 3, 3), 212),  # Araujo et al. 2019, table
        ("lenet", [(5, 1), (2, 2)] * 2, 16),
        ("course-residual", [(5, 1), (2, 2), (3, 1), (3, 1)] * 2, 40),
        (
            "alexnet",
            [(11, 4), (3, 2), (5, 1), (3, 2), (3, 1), (3, 1), (3, 1), (3, 2)],
            195,  # Araujo et al. 2019, table
        ),
        ("resnet18", resnet18_windows(), 435),
    ],
)
def test_receptive_fields(name, windows, pixels):
    assert analysis_of(DEFAULTS[name]).totals.receptive_field == pixels
    assert receptive_field(*windows) == pixels


@pytest.mark.parametrize(
    ("name", "depth"),
    [
        ("lenet", 5), ("alexnet", 8), ("vgg11", 11), ("vgg13", 13), ("vgg16-c", 16),
        ("vgg16", 16), ("vgg19", 19), ("resnet18", 18), ("resnet34", 34), ("resnet50", 50),
        ("densenet121", 121), ("googlenet", 22),
    ],
)  # fmt: skip
def test_depth_is_in_the_name(name, depth):
    assert analysis_of(DEFAULTS[name]).totals.depth == depth


# Warnings


def test_the_forums_vgg_says_what_was_really_built():
    [warning] = analysis_of(ModelSpec("vgg16-forum", 4)).warnings
    assert "none of the forum's 1×1" in warning
    assert "What was built is configuration B (VGG-13)" in warning and "divided by 4" in warning
    [warning] = analysis_of(ModelSpec("vgg16-forum", 2)).warnings
    assert "only blocks 4 and 5 reach 256 channels" in warning
    assert "nearest to configuration C" in warning and "block 3 is" in warning
    assert analysis_of(ModelSpec("vgg16-forum", 1)).warnings == ()


@pytest.mark.parametrize("shortcut", ["constant-scaling", "conv"])
def test_the_homeworks_dead_parameters_are_found_and_named(shortcut):
    options = {"shortcut": shortcut, "as_published": True}
    analysis = analysis_of(ModelSpec("course-residual", image_size=28, options=options))
    [warning] = analysis.warnings
    dead = module(analysis, "residual1.conv1"), module(analysis, "residual2.conv1")
    assert sum(layer.params for layer in dead) == 11_568
    assert warning.startswith("11,568 parameters can never get a gradient")
    assert "residual1.conv1 and residual2.conv1" in warning
    assert f"{sum(layer.macs for layer in dead):,} MACs" in warning


@every_network
def test_nothing_else_is_warned_of(spec):
    if (spec.option("as_published") and spec.option("shortcut") != "none") or (
        spec.arch == "vgg16-forum" and spec.ratio > 1
    ):
        pytest.skip("its warnings are tested above")
    assert analysis_of(spec).warnings == ()


def test_a_single_channel_is_warned_of():
    [warning] = analysis_of(ModelSpec("vgg11", 64)).warnings
    assert "single channel" in warning


# Tensors kept for the backward pass


@pytest.mark.parametrize("batch", [2, 5])
@pytest.mark.parametrize(
    "spec",
    [
        DEFAULTS["course-inception"],
        DEFAULTS["course-residual"],
        *VARIANTS.values(),
        DEFAULTS["lenet"],
        ModelSpec("vgg11", 16, 64),
        ModelSpec("vgg11-lrn", 16, 32),
        ModelSpec("googlenet", 16, 32),
        ModelSpec("resnet18", 16, 64, 3),
        ModelSpec("resnet50", 16, 64, 3),
        ModelSpec("densenet", 16, 64),
    ],
    ids=lambda spec: (
        ", ".join((spec.arch, *(str(value) for _, value in spec.options)))
        if isinstance(spec, ModelSpec)
        else None
    ),
)
def test_saved_bytes_are_what_autograd_really_keeps(spec, batch):
    image = torch.rand(batch, spec.in_channels, spec.image_size, spec.image_size)
    layers = analysis_of(spec).layers
    found = sum(batch * layer.saved_bytes + layer.fixed_saved_bytes for layer in layers)
    assert found == kept_in_a_real_step(build(spec), image)


@every_network
def test_a_step_needs_at_least_its_weights_their_gradients_and_what_is_saved(spec):
    analysis = analysis_of(spec)
    weights, saved = 4 * analysis.totals.params, analysis.totals.saved_bytes
    for batch in (1, 64):
        needed = analysis.training_bytes(batch)
        assert needed >= 2 * weights + batch * saved
        assert needed - analysis.training_bytes(batch, momentum=False) == weights
    assert analysis.training_bytes(65) > analysis.training_bytes(64)


# On the meta device


class Devices(TorchDispatchMode):
    """Notes where every tensor of more than one number that any operation makes lies."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, tuple | list) else (result,):
            if isinstance(tensor, Tensor) and tensor.numel() > 1:
                self.seen.add(tensor.device.type)
        return result


@pytest.mark.parametrize("name", ["vgg19", "resnet50", "googlenet", "densenet121"])
def test_an_analysis_takes_no_memory(name):
    with Devices() as devices:
        analyze(DEFAULTS[name])
    assert devices.seen == {"meta"}


def test_an_analysis_leaves_no_hook_behind():
    hooks = torch.nn.modules.module._global_forward_hooks
    before = len(hooks)
    analyze(DEFAULTS["lenet"])
    with pytest.raises(LabError):
        analyze(ModelSpec("vgg11", image_size=31))
    assert len(hooks) == before


def test_threads_analyze_at_the_same_time():
    specs = [DEFAULTS[name] for name in ("googlenet", "resnet18", "densenet", "vgg11-lrn")] * 3
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(analyze, specs)) == [analysis_of(spec) for spec in specs]


def test_analyses_are_the_same_each_time():
    spec = DEFAULTS["course-inception"]
    assert analyze(spec) == analyze(spec) == analysis_of(spec)
    assert analyze(spec).spec == complete(spec)


def test_training_at_the_same_time_is_not_disturbed():
    """Hooks of the analysis see every module of the process: a real network stays as it is."""
    network, image = build(DEFAULTS["lenet"]).eval(), torch.rand(1, 1, 28, 28)
    with torch.no_grad(), ThreadPoolExecutor(1) as pool:
        expected = network(image)
        analysing = pool.submit(lambda: [analyze(DEFAULTS["googlenet"]) for _ in range(3)])
        while not analysing.done():
            assert torch.equal(network(image), expected)
        assert analysing.result()[0] == analysis_of(DEFAULTS["googlenet"])


def test_a_network_that_cannot_be_built_is_one_sentence():
    for refused in (analyze, torchinfo_summary):
        with pytest.raises(LabError, match="the smallest that works is 32×32"):
            refused(ModelSpec("vgg11", image_size=31))


@pytest.mark.parametrize("name", ["vgg11", "course-inception", "densenet"])
def test_torchinfo_counts_the_same_parameters(name):
    text = torchinfo_summary(DEFAULTS[name])
    assert f"Total params: {analysis_of(DEFAULTS[name]).totals.params:,}" in text


def test_a_network_that_was_taken_apart_is_given_back():
    """Autograd holds what it saved from C++, where no collector sees a cycle."""
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten())
    analyze_module(network, (3, 8, 8))
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(3):
        analyze_module(network, (3, 8, 8))
    gc.collect()
    assert len(gc.get_objects()) - before < 30  # a trace leaves over a hundred where it leaks

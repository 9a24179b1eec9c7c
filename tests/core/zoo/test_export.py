"""The code to take along: run on its own it builds the same network, name for name."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from core.specs import LabError, ModelSpec
from core.zoo.architecture import Option
from core.zoo.building import build
from core.zoo.catalogue import CATALOGUE
from core.zoo.export import WIDTH, comment, source_code
from core.zoo.meta import OnMeta
from core.zoo.variants import VARIANTS, variants_of
from tests.core.networks import DEFAULTS, THIN, module_of

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]

BLOCKS = {
    f"course-residual, {name}": ModelSpec("course-residual", image_size=28, options=variant.options)
    for name, variant in VARIANTS.items()
}
DEEP = {
    f"resnet-cifar, {name}": ModelSpec(
        "resnet-cifar",
        ratio=2,
        image_size=16,
        options=dict(VARIANTS[name].options_in("resnet-cifar")) | {"depth": 14},
    )
    for name in variants_of("resnet-cifar")
}
OWN = {
    "custom-vgg, sigmoid": ModelSpec(
        "custom-vgg",
        image_size=30,
        options={"conv_arch": "2x6 1x9", "head_width": 20, "last_activation": "sigmoid"},
    )
}
EVERY = DEFAULTS | THIN | BLOCKS | DEEP | OWN
every_network = pytest.mark.parametrize("spec", EVERY.values(), ids=EVERY.keys())
SMALL = THIN | BLOCKS | DEEP | OWN
every_small_network = pytest.mark.parametrize("spec", SMALL.values(), ids=SMALL.keys())

code_of = cache(source_code)


@cache
def exported(spec: ModelSpec) -> nn.Module:
    """The network of the file, on meta."""
    return on_meta(taken_along(code_of(spec)))


def taken_along(source: str) -> Callable[[], nn.Module]:
    """`network` of the file, imported where nothing of the lab or of this test is at hand."""
    namespace: dict[str, Any] = {"__name__": "taken_along"}
    exec(compile(source, "taken_along.py", "exec", dont_inherit=True), namespace)
    return namespace["network"]


def on_meta(builder: Callable[[], nn.Module]) -> nn.Module:
    with torch.device("meta"):
        return builder()


def tensors(network: nn.Module) -> list[tuple[str, torch.Size, torch.dtype]]:
    return [(name, value.shape, value.dtype) for name, value in network.state_dict().items()]


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def images(spec: ModelSpec) -> Tensor:
    return torch.rand(2, spec.in_channels, spec.image_size, spec.image_size)


# The same network


@every_network
def test_the_code_builds_the_same_tensors_under_the_same_names(spec):
    ours, theirs = module_of(spec), exported(spec)
    assert tensors(theirs) == tensors(ours)
    assert count(theirs) == count(ours)
    assert f"\n# Parameters: {count(ours):,}\n" in code_of(spec)


@every_network
def test_the_code_builds_the_same_layers_with_the_same_settings(spec):
    """PyTorch's own description of a layer names its stride, padding, probability and so on."""
    ours, theirs = module_of(spec), exported(spec)
    assert str(theirs) == str(ours)


@every_small_network
def test_with_the_same_weights_the_code_gives_the_same_scores(spec):
    torch.manual_seed(0)
    ours, theirs = build(spec), deepcopy(exported(spec))
    theirs.load_state_dict(ours.state_dict(), strict=True, assign=True)
    x = images(spec)
    with torch.no_grad():
        scores = ours.eval()(x)
        assert scores.isfinite().all() and scores.std() > 0
        assert torch.equal(theirs.eval()(x), scores)
        torch.manual_seed(1)  # dropout draws the same units
        scores = ours.train()(x)
        torch.manual_seed(1)
        assert torch.equal(theirs.train()(x), scores)


@pytest.mark.parametrize("name", ["course-residual", "course-inception"])
def test_weights_fit_the_other_way_too(name):
    spec = CATALOGUE[name].default
    torch.manual_seed(2)
    theirs, ours = taken_along(code_of(spec))(), build(spec)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    x = images(spec)
    assert torch.equal(ours.eval()(x), theirs.eval()(x))


def test_the_variants_of_the_residual_block_differ_in_code():
    texts = {code_of(spec).partition("residual1=")[2] for spec in BLOCKS.values()}
    assert len(texts) == len(VARIANTS) == 15


def test_the_gate_s_bias_and_the_dropout_stand_in_the_code():
    gated = source_code(replace(DEEP["resnet-cifar, exclusive-gating"], options={
        "shortcut": "exclusive-gating", "gate_bias": -3, "depth": 8}))  # fmt: skip
    network = taken_along(gated)()
    assert network.stage1.unit1.gate.bias.tolist() == [-3.0] * 8
    assert "dropout=nn.Dropout(p=0.5)" in code_of(DEEP["resnet-cifar, dropout"])


def test_a_spec_without_its_options_gets_their_defaults():
    spec = ModelSpec("course-residual", image_size=28)
    assert code_of(spec) == code_of(replace(spec, options={"shortcut": "identity"}))
    assert "\n# shortcut: identity\n" in code_of(spec)


# A file of its own


def test_the_file_runs_as_a_script_in_an_empty_folder(tmp_path):
    spec = BLOCKS["course-residual, conv-published"]
    (tmp_path / "network.py").write_text(code_of(spec), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-I", "-W", "error", "network.py"],  # -I: no PYTHONPATH to the lab
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    # 41,514 of the course's net and the two 1×1 shortcuts: 16² + 16 + 32² + 32
    assert done.stdout == "42,842 parameters\n(1, 1, 28, 28) to (1, 10)\n"


@every_network
def test_the_file_needs_python_and_pytorch_only(spec):
    source = code_of(spec)
    assert "core." not in source and "core import" not in source
    found = {
        node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert found <= {"__future__", "collections", "itertools", "torch", "torch.nn"}


def test_ruff_would_leave_the_files_as_they_are(tmp_path):
    """No unused import, no unknown name, imports sorted, formatted."""
    for number, spec in enumerate(EVERY.values()):
        (tmp_path / f"network{number}.py").write_text(code_of(spec), encoding="utf-8")
    settings = ["--isolated", "--no-cache", "--target-version", "py311", "--line-length", "100"]
    for command in (["format", "--check"], ["check", "--select", "F,E,W,I,B,UP,SIM"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *settings, str(tmp_path)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


@every_network
def test_no_line_is_too_long_to_read(spec):
    assert max(map(len, code_of(spec).splitlines())) <= WIDTH == 100


# What it looks like


def test_lenet_in_full():
    head, _, rest = code_of(ModelSpec("lenet", image_size=28)).partition("\n\n")
    assert head.splitlines() == [
        "# LeNet-5 (1998)",
        "#",
        "# Source: LeCun et al. 1998, as in Dive into Deep Learning 7.6",
        "# Ratio: 1 (divides the channels of the convolutions)",
        "# Image: 28×28 pixels, 1 channel",
        "# Classes: 10",
        "# Parameters: 61,706",
        "#",
        "# Written by the CNN Architecture Lab.",
    ]
    assert rest.startswith(
        '''\
from collections import OrderedDict

import torch
from torch import nn


def network() -> nn.Module:
    """(N, 1, 28, 28) to (N, 10): one score a class."""
    return nn.Sequential(
        OrderedDict(
            # (N, 1, 28, 28) to (N, 6, 14, 14)
            block1=nn.Sequential(
                OrderedDict(
                    conv=nn.Conv2d(1, 6, 5, padding=2),
                    sigmoid=nn.Sigmoid(),
                    pool=nn.AvgPool2d(2, stride=2),
                )
            ),
'''
    )


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("vgg11", "conv1=nn.Conv2d(1, 64, 3, padding=1),"),
        ("vgg11", "dropout=nn.Dropout(p=0.5),"),
        ("vgg11-lrn", "norm1=nn.LocalResponseNorm(5, k=2.0),"),
        ("alexnet", "conv=nn.Conv2d(1, 96, 11, stride=4, padding=1),"),
        ("resnet18", "conv=nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False),"),
        ("resnet18", "Block((3, 3), (64, 128, 128), stride=2),"),
        ("resnet50", "Block((1, 3, 1), (64, 64, 64, 256)),"),
        ("course-residual", 'residual1=ResidualBlock(16, "identity"),'),
        ("course-inception", "branch1x1=nn.Conv2d(10, 16, 1),"),
        (
            "densenet121",
            "dense_block1=DenseBlock(64, growth_rate=32, layers=6, bottleneck=True, bias=False),",
        ),
    ],
)
def test_layers_are_written_as_a_person_would(name, line):
    assert line in (one.strip() for one in code_of(CATALOGUE[name].default).splitlines())


def test_the_comments_are_the_shapes_that_the_book_prints():
    shapes = ["1, 224, 224", "64, 112, 112", "128, 56, 56", "256, 28, 28", "512, 14, 14"]
    shapes += ["512, 7, 7", "4096", "4096", "10"]
    lines = [line.strip() for line in code_of(ModelSpec("vgg11")).splitlines()]
    assert [line for line in lines if line.startswith("# (N, ")] == [
        f"# (N, {before}) to (N, {after})" for before, after in pairwise(shapes)
    ]


@pytest.mark.parametrize(
    ("name", "definitions"),
    [
        ("vgg16", ["network"]),
        ("googlenet", ["Branches", "network"]),
        ("course-residual", ["ResidualBlock", "network"]),
        ("resnet34", ["Block", "network"]),
        ("densenet", ["preactivation", "dense_layer", "DenseBlock", "network"]),
    ],
)
def test_each_class_of_the_lab_stands_there_once_and_no_other(name, definitions):
    tree = ast.parse(code_of(CATALOGUE[name].default))
    defined = [node for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    assert [node.name for node in defined] == definitions
    assert all(ast.get_docstring(node) for node in defined)


# What people may write


EVIL = 'a\nimport os\r\nb\x00\x0c\x85\u2028c"""\'\\ #' + " long" * 60


def test_no_text_can_end_a_comment():
    written = comment(EVIL)
    assert ast.parse(written).body == []
    lines = written.splitlines()
    assert len(lines) > 3 and all(line.startswith("# ") and len(line) <= 100 for line in lines)


def test_a_text_option_stays_inside_the_header(monkeypatch):
    row = CATALOGUE["lenet"]
    monkeypatch.setitem(
        CATALOGUE, "lenet", replace(row, options=(Option("note", "Note", "A note.", ""),))
    )
    plain, evil = (
        source_code(replace(row.default, options={"note": note})) for note in ("x", EVIL)
    )
    assert ast.dump(ast.parse(plain)) == ast.dump(ast.parse(evil))
    assert "import os" in evil


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (ModelSpec("vgg-11"), "no network named 'vgg-11'; try .*vgg11"),
        (ModelSpec("vgg11", image_size=31), "the smallest that works is 32×32"),
        (ModelSpec("lenet", options={"color": 1}), "has no option 'color'"),
        (ModelSpec("custom-vgg", options={"conv_arch": "1x8\nimport os"}), "cannot be read"),
    ],
)
def test_what_cannot_be_built_has_no_code(spec, words):
    with pytest.raises(LabError, match=words):
        source_code(spec)


# Networks of torchvision


@pytest.mark.parametrize(
    ("name", "size", "given"),
    [
        ("resnet18", 224, ""),
        ("vit_b_32", 96, ", image_size=96"),
        ("googlenet", 224, ", aux_logits=False, init_weights=False"),
        ("regnet_y_400mf", 224, ""),
    ],
)
def test_a_network_of_torchvision_is_one_call(name, size, given):
    spec = ModelSpec(f"torchvision/{name}", image_size=size, in_channels=3, num_classes=7)
    source = source_code(spec)
    assert "\nfrom torchvision.models import get_model\n" in source and "Ratio" not in source
    assert f'    return get_model("{name}", weights=None, num_classes=7{given})\n' in source
    with OnMeta():  # torch.device("meta") does not do for RegNets
        ours, theirs = module_of(spec), taken_along(source)()
    assert tensors(theirs) == tensors(ours)
    assert f"\n# Parameters: {count(ours):,}\n" in source

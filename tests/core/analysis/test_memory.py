"""The memory estimates against the allocator's own events of real steps."""

from __future__ import annotations

import os
import subprocess
import sys
from copy import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.analysis import analyze, analyze_module, cpu
from core.specs import ModelSpec
from tools.peak_memory import inference_peak, module_training_peak, training_peak

pytestmark = pytest.mark.slow

NETWORKS = (
    "course-inception/1/28/1/10",
    "course-residual/1/28/1/10",
    "lenet/1/28/1/10",
    "alexnet/16/96/1/10",
    "vgg11/8/32/1/10",
    "resnet18/4/32/3/10",  # its last maps are smaller than its kernels
    "resnet50/8/64/3/10",
    "densenet/4/32/1/10",
    "googlenet/8/64/3/10",
)


@pytest.mark.parametrize(
    ("text", "batch_size"),
    [(text, 128) for text in NETWORKS] + [(text, 32) for text in NETWORKS[:3]],
)
def test_a_training_step_takes_what_was_estimated_within_a_tenth(text, batch_size):
    spec = ModelSpec.from_text(text)
    estimated = analyze(spec).training_bytes(batch_size, threads=torch.get_num_threads())
    assert estimated == pytest.approx(training_peak(spec, batch_size), rel=0.10)


@pytest.mark.parametrize("text", [*NETWORKS, "vgg11-lrn/4/64/1/10"])
def test_inference_takes_what_was_estimated_within_a_twentieth(text):
    spec = ModelSpec.from_text(text)
    assert analyze(spec).inference_bytes(32) == pytest.approx(inference_peak(spec, 32), rel=0.05)


WORK_SPACE = """
import torch
from core.analysis import analyze
from core.specs import ModelSpec
from tools.peak_memory import training_peak

torch.set_num_threads(2)
spec = ModelSpec.from_text("resnet18/4/32/3/10")
print(analyze(spec).training_bytes(32, threads=2) / training_peak(spec, 32))
"""


def test_small_maps_take_work_space_where_the_cpu_has_no_avx512():
    """Each thread takes some then; what this CPU has itself the steps above are measured with."""
    done = subprocess.run(
        [sys.executable, "-c", WORK_SPACE],
        cwd=Path(__file__).parents[3],
        env=os.environ | {"ONEDNN_MAX_CPU_ISA": "AVX2"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert float(done.stdout) == pytest.approx(1, abs=0.10)


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("flags\t: avx2 avx512f avx512dq avx512bw avx512vl", "", True),
        ("flags\t: avx2 avx512f avx512dq avx512bw avx512vl", "AVX2", False),
        ("flags\t: avx2 avx512f", "", False),
        ("Features\t: asimd", "", False),
        (None, "", False),
    ],
)
def test_where_the_cpu_does_not_tell_more_memory_is_expected(
    text, limit, expected, tmp_path, monkeypatch
):
    info = tmp_path / "cpuinfo"
    if text is not None:
        info.write_text(text)
    monkeypatch.setattr(cpu, "CPU_INFO", info)
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", limit)
    assert cpu.has_avx512.__wrapped__() is expected


def test_inference_in_vgg11_holds_an_input_and_an_output_at_a_time():
    """The largest pair of neighbors: conv and ReLU of block 1, 64 maps of 224×224 each."""
    spec = ModelSpec("vgg11")
    analysis = analyze(spec)
    pair = 2 * 4 * 64 * 224 * 224
    image = 4 * 224 * 224
    assert analysis.inference_bytes(1) == 4 * analysis.totals.params + image + pair


# Networks of anybody ---------------------------------------------------------------------------


class Rows(nn.Module):
    """Reads an image row by row."""

    def __init__(self, kind: type[nn.Module], **options: int) -> None:
        super().__init__()
        self.recurrent, self.head = kind(28, 128, batch_first=True, **options), nn.Linear(128, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.recurrent(x[:, 0])[0][:, -1])


def two_convolutions(channels: int, out: int) -> nn.Sequential:
    layers = []
    for first in (channels, out):
        layers += [nn.Conv2d(first, out, 3, padding=1), nn.BatchNorm2d(out), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


class UNet(nn.Module):
    """Two steps down and up again, by transposed convolutions or by interpolation."""

    def __init__(self, mode: str = "") -> None:
        super().__init__()
        self.down1, self.down2 = two_convolutions(3, 16), two_convolutions(16, 32)
        self.bottom, self.pool = two_convolutions(32, 64), nn.MaxPool2d(2)
        self.up2, self.up1 = self.up(64, 32, mode), self.up(32, 16, mode)
        self.merge2, self.merge1 = two_convolutions(64, 32), two_convolutions(32, 16)
        self.out = nn.Conv2d(16, 1, 1)

    @staticmethod
    def up(channels: int, out: int, mode: str) -> nn.Module:
        if not mode:
            return nn.ConvTranspose2d(channels, out, 2, 2)
        return nn.Sequential(nn.Upsample(scale_factor=2, mode=mode), nn.Conv2d(channels, out, 1))

    def forward(self, x: Tensor) -> Tensor:
        first = self.down1(x)
        second = self.down2(self.pool(first))
        third = self.bottom(self.pool(second))
        second = self.merge2(torch.cat([second, self.up2(third)], 1))
        return self.out(self.merge1(torch.cat([first, self.up1(second)], 1)))


class Shared(nn.Module):
    """One linear layer, used six times."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(512, 512)

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(6):
            x = F.relu(self.layer(x))
        return x


def vision_transformer(**options: float) -> nn.Module:
    models = pytest.importorskip("torchvision.models")
    sizes = {"image_size": 64, "patch_size": 8, "num_layers": 4, "num_heads": 4}
    return models.VisionTransformer(**sizes, hidden_dim=128, mlp_dim=512, num_classes=10, **options)


def frozen_resnet(trained: tuple[str, ...]) -> nn.Module:
    models = pytest.importorskip("torchvision.models")
    network = models.resnet18(num_classes=10)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name.startswith(trained))
    return network


def circular() -> nn.Module:
    layers: list[nn.Module] = []
    for channels in (3, 16, 16, 16):
        convolution = nn.Conv2d(channels, 16, 3, padding=1, padding_mode="circular")
        layers += [convolution, nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1))


def generator() -> nn.Module:
    return nn.Sequential(
        *(nn.ConvTranspose2d(64, 64, 4), nn.BatchNorm2d(64), nn.ReLU(True)),
        *(nn.ConvTranspose2d(64, 32, 4, 2, 1), nn.BatchNorm2d(32), nn.ReLU(True)),
        *(nn.ConvTranspose2d(32, 3, 4, 2, 1), nn.Tanh()),
    )


def sound() -> nn.Module:
    layers = (nn.Conv1d(1, 16, 9, 2), nn.ReLU(), nn.Conv1d(16, 32, 9, 2), nn.ReLU())
    return nn.Sequential(*layers, nn.AdaptiveAvgPool1d(1))


def twice(*after: nn.Module, pad: nn.Module | None = None, **options: Any) -> nn.Sequential:
    """Two convolutions, each with these layers behind it, perhaps behind a layer that pads."""
    layers: list[nn.Module] = []
    for channels in (3, 16):
        layers += [copy(pad)] if pad else []
        layers += [nn.Conv2d(channels, 16, 3, padding=0 if pad else 1, **options), *after]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1))


class Double(nn.Module):
    """A network in float64."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1)).double()

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x.double())


class Attention(nn.Module):
    """Of one head, (N, tokens, features)."""

    def __init__(self, is_cut: bool) -> None:
        super().__init__()
        self.all = nn.Linear(64, 192) if is_cut else None
        self.each = nn.ModuleList(nn.Linear(64, 64) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        parts = self.all(x).chunk(3, -1) if self.all else [layer(x) for layer in self.each[:3]]
        return self.each[3](F.scaled_dot_product_attention(*parts)).mean(1)


class Gated(nn.Module):
    """Half of the channels times the other half."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList((nn.Conv2d(3, 32, 3), nn.Conv2d(16, 32, 3)))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            values, gates = layer(x).chunk(2, 1)
            x = values * gates.sigmoid()
        return x.mean((2, 3))


def frozen_rows(kind: type[nn.Module], **options: Any) -> Rows:
    rows = Rows(kind, **options)
    rows.recurrent.requires_grad_(False)
    return rows


MODULES = {
    "InstanceNorm, LeakyReLU in place": (
        lambda: twice(nn.InstanceNorm2d(16), nn.LeakyReLU(0.2, True)),
        (3, 64, 64),
        32,
    ),
    "BatchNorm, LeakyReLU in place": (
        lambda: twice(nn.BatchNorm2d(16), nn.LeakyReLU(0.2, True)),
        (3, 64, 64),
        32,
    ),
    "GroupNorm": (lambda: twice(nn.GroupNorm(4, 16), nn.ReLU()), (3, 64, 64), 32),
    "PReLU": (lambda: twice(nn.PReLU(16)), (3, 64, 64), 32),
    "Softsign": (lambda: twice(nn.Softsign()), (3, 64, 64), 32),
    "local response normalization": (
        lambda: twice(nn.ReLU(), nn.LocalResponseNorm(5)),
        (3, 64, 64),
        32,
    ),
    "reflection": (lambda: twice(nn.ReLU(), pad=nn.ReflectionPad2d(1)), (3, 64, 64), 32),
    "replication": (lambda: twice(nn.ReLU(), pad=nn.ReplicationPad2d(1)), (3, 64, 64), 32),
    "round the edge": (lambda: twice(nn.ReLU(), pad=nn.CircularPad2d(1)), (3, 64, 64), 32),
    "in float64": (
        lambda: Double(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3, groups=2), nn.ReLU()),
        (3, 64, 64),
        32,
    ),
    "in float64, dilated": (
        lambda: Double(nn.Conv2d(3, 16, 3, dilation=2), nn.ReLU(), nn.Conv2d(16, 16, 1)),
        (3, 64, 64),
        32,
    ),
    "a gate": (Gated, (3, 64, 64), 32),
    "attention of three dimensions": (lambda: Attention(False), (128, 64), 32),
    "attention of three dimensions, cut": (lambda: Attention(True), (256, 64), 16),
    "RMSNorm": (
        lambda: nn.Sequential(
            *(nn.Linear(256, 256), nn.RMSNorm(256)) * 2, nn.Flatten(1), nn.AdaptiveAvgPool1d(1)
        ),
        (64, 256),
        32,
    ),
    "a frozen LSTM": (lambda: frozen_rows(nn.LSTM), (1, 28, 28), 128),
    "a frozen LSTM, two layers": (
        lambda: frozen_rows(nn.LSTM, num_layers=2),
        (1, 28, 28),
        128,
    ),
    "a frozen LSTM, fewer images": (lambda: frozen_rows(nn.LSTM), (1, 28, 28), 64),
    "a frozen GRU": (lambda: frozen_rows(nn.GRU), (1, 28, 28), 128),
    "ViT": (vision_transformer, (3, 64, 64), 32),
    "ViT with dropout": (lambda: vision_transformer(dropout=0.1), (3, 64, 64), 32),
    "ViT, attention with dropout": (
        lambda: vision_transformer(attention_dropout=0.1),
        (3, 64, 64),
        32,
    ),
    "LSTM": (lambda: Rows(nn.LSTM), (1, 28, 28), 128),
    "LSTM, two layers": (lambda: Rows(nn.LSTM, num_layers=2), (1, 28, 28), 128),
    "GRU": (lambda: Rows(nn.GRU), (1, 28, 28), 128),
    "Elman": (lambda: Rows(nn.RNN), (1, 28, 28), 128),
    "U-Net": (UNet, (3, 64, 64), 16),
    "U-Net, not square": (UNet, (3, 64, 96), 16),
    "U-Net, nearest": (lambda: UNet("nearest"), (3, 64, 64), 16),
    "U-Net, bilinear": (lambda: UNet("bilinear"), (3, 64, 64), 16),
    "ResNet-18, frozen but its head": (lambda: frozen_resnet(("fc",)), (3, 64, 64), 32),
    "ResNet-18, frozen below": (lambda: frozen_resnet(("layer4", "fc")), (3, 64, 64), 32),
    "a linear layer six times": (Shared, (512,), 256),
    "circular padding": (circular, (3, 64, 64), 16),
    "a generator": (generator, (64, 1, 1), 128),
    "sound": (sound, (1, 4000), 32),
}


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("layout", ["as it is", "channels last"])
def test_a_step_of_anybody_s_network_takes_what_was_estimated_within_a_tenth(name, layout):
    make, shape, batch_size = MODULES[name]
    network, images = make(), torch.rand(batch_size, *shape)
    if layout == "channels last":
        if len(shape) != 3:
            pytest.skip("no images")
        network = network.to(memory_format=torch.channels_last)
        images = images.to(memory_format=torch.channels_last)
    memory = analyze_module(network, shape).training_memory(
        batch_size, threads=torch.get_num_threads()
    )
    assert memory.total == pytest.approx(module_training_peak(network, images), rel=0.10)

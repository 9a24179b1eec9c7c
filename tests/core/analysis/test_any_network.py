"""Networks of anybody: the right count, or one sentence; each kind with several cases.

Expected values are closed forms, worked out beside each case, or what PyTorch itself does with
real numbers.
"""

from __future__ import annotations

import dataclasses
import random
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import lru_cache, reduce
from math import ceil
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations, prune, spectral_norm, weight_norm
from torch.utils.checkpoint import checkpoint

from core.analysis import Analysis, analyze, analyze_module
from core.analysis.macs import PRODUCTS, is_uncounted
from core.specs import LabError, ModelSpec

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")


class Net(nn.Module):
    """A module with these parts, whose forward pass is a function of them and the input."""

    def __init__(self, forward: Callable[..., Any], **parts: Any) -> None:
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)
        self.run = forward

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.run(self, *args, **kwargs)


def weights(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.zeros(shape))


def conv(channels: int = 3, out: int = 8, **options: Any) -> nn.Conv2d:
    return nn.Conv2d(channels, out, 3, padding=1, **options)


def macs(module: nn.Module, shape: tuple[int, ...] = (3, 8, 8)) -> int:
    return analyze_module(module, shape).totals.macs


CONV = 3 * 8 * 9 * 64  # multiply-adds of `conv` on 8×8 pixels


# Products --------------------------------------------------------------------------------------

PRODUCT_CASES = {
    "matrix times vector": (Net(lambda s, x: x.flatten(1) @ s.w, w=weights(192)), 192),
    "addmv": (
        Net(lambda s, x: torch.addmv(s.b, x.flatten(1), s.w), w=weights(192), b=weights(1)),
        192,
    ),
    "of each pixel": (Net(lambda s, x: x.movedim(1, 3) @ s.w, w=weights(3)), 192),
    "einsum": (Net(lambda s, x: torch.einsum("nchw,dc->ndhw", x, s.w), w=weights(5, 3)), 5 * 192),
    "tensordot": (Net(lambda s, x: torch.tensordot(x, s.w, dims=([1], [0])), w=weights(3, 5)), 960),
    "bilinear": (
        Net(lambda s, x: s.f(x.flatten(1)[:, :10], x.flatten(1)[:, :20]), f=nn.Bilinear(10, 20, 5)),
        5 * 10 * 20,
    ),
    "distances": (
        Net(lambda s, x: torch.cdist(x.flatten(2), s.w[None], p=1.0), w=weights(7, 64)),
        3 * 7 * 64,
    ),
    "conv_tbc": (
        Net(
            lambda s, x: torch.conv_tbc(x.flatten(2).permute(2, 0, 1).contiguous(), s.w, s.b),
            w=weights(3, 3, 4),
            b=weights(4),
        ),
        62 * 4 * 3 * 3,
    ),
    "transposed convolution": (nn.ConvTranspose2d(3, 5, 2, 2), 64 * 3 * 5 * 4),
    "convolution over time": (
        Net(lambda s, x: s.c(x.flatten(2)), c=nn.Conv1d(3, 4, 5)),
        60 * 4 * 3 * 5,
    ),
    "convolution over a volume": (
        Net(lambda s, x: s.c(x[:, :, None]), c=nn.Conv3d(3, 4, (1, 3, 3))),
        36 * 4 * 27,
    ),
    "baddbmm": (
        Net(lambda s, x: torch.baddbmm(torch.zeros(1), x[:, 0], x[:, 1])),
        8 * 8 * 8,
    ),
    "attention": (
        Net(lambda s, x: F.scaled_dot_product_attention(x, x, x)),
        2 * 3 * 8 * 8 * 8,
    ),
    "LSTM": (Net(lambda s, x: s.r(x[:, 0])[0], r=nn.LSTM(8, 16, batch_first=True)), 8 * 64 * 24),
    "GRU, two layers, both directions": (
        Net(lambda s, x: s.r(x[:, 0])[0], r=nn.GRU(8, 16, 2, batch_first=True, bidirectional=True)),
        8 * 2 * (48 * 24 + 48 * 48),
    ),
    "an Elman cell at each step": (
        Net(
            lambda s, x: reduce(lambda h, step: s.r(step, h), x[:, 0].unbind(1), None),
            r=nn.RNNCell(8, 16),
        ),
        8 * 16 * 24,
    ),
}


@pytest.mark.parametrize("name", PRODUCT_CASES)
def test_every_product_is_counted(name):
    module, expected = PRODUCT_CASES[name]
    analysis = analyze_module(module, (3, 8, 8))
    assert analysis.totals.macs == expected and not analysis.warnings


def test_deformable_convolutions_are_counted():
    ops = pytest.importorskip("torchvision.ops")
    layer = ops.DeformConv2d(3, 4, 3, padding=1)
    net = Net(lambda s, x: s.d(x, s.o(x)), o=nn.Conv2d(3, 18, 3, padding=1), d=layer)
    assert macs(net) == 64 * (18 + 4) * 27


def test_what_multiplies_and_is_not_counted_is_named():
    net = Net(lambda s, x: torch.linalg.inv(x) @ torch.fft.fft2(x).real)
    [warning] = analyze_module(net, (3, 8, 8)).warnings
    assert "linalg_inv" in warning and "fft" in warning and "Not counted" in warning


WORDS = (
    *("mm", "mv", "conv", "linear", "matmul", "attention", "lstm", "gru", "rnn", "linalg", "fft"),
    *("einsum", "dot", "cholesky", "solve", "qr", "svd", "eig", "inverse", "matrix", "cdist"),
    *("pdist", "bilinear", "kron", "multi_head", "transformer", "inner", "outer", "addr", "lu_"),
    *("orgqr", "det", "lstsq", "householder", "corrcoef", "cov", "stft", "pinv"),
)
# What has such a word in its name and multiplies nothing, is taken apart before it runs, or only
# prepares weights.
NO_PRODUCTS = set(
    """
    _weight_norm _weight_norm_interface _add_relu _convert_indices_from_coo_to_csr
    _convert_indices_from_csr_to_coo _convert_weight_to_int4pack
    _convert_weight_to_int4pack_for_cpu _convolution_mode _cslt_sparse_mm_search
    _cudnn_rnn_flatten_weight _cufft_clear_plan_cache _cufft_get_plan_cache_max_size
    _cufft_get_plan_cache_size _cufft_set_plan_cache_max_size _cummax_helper _cummin_helper
    _dyn_quant_pack_4bit_weight _foreach_lgamma _foreach_rsqrt _foreach_sqrt _linalg_check_errors
    _nested_get_jagged_dummy _saturate_weight_to_fp16 _standard_gamma _standard_gamma_grad
    _upsample_bilinear2d_aa _use_cudnn_rnn_flatten_weight _wrapped_linear_prepack bilinear cdist
    chain_matmul conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d corrcoef
    cov cummax cummin detach detach_copy digamma einsum fbgemm_pack_gemm_matrix_fp16
    fbgemm_pack_quantized_matrix fft_fftfreq fft_fftshift fft_ifftshift fft_rfftfreq glu_jvp
    hamming_window igamma igammac inner kron leaky_relu lgamma linalg__powsum linalg_cross
    linalg_diagonal linalg_matrix_norm linalg_norm linalg_vander linalg_vecdot linalg_vector_norm
    lu_unpack matmul matrix_H matrix_power mvlgamma outer pdist polygamma quantized_rnn_relu_cell
    quantized_rnn_tanh_cell relu resolve_conj resolve_neg rnn_relu rnn_relu_cell rnn_tanh
    rnn_tanh_cell rrelu rrelu_with_noise rrelu_with_noise_functional rsqrt slice_inverse
    special_digamma special_gammainc special_gammaincc special_gammaln special_multigammaln
    special_polygamma sqrt tensordot upsample_bilinear2d upsample_linear1d upsample_trilinear3d
    celu elu gelu selu silu prelu _prelu_kernel
    """.split()  # noqa: SIM905
)


def test_every_operation_of_torch_that_multiplies_is_counted_or_named():
    """A new torch may bring more: they belong into PRODUCTS, or must be refused a silent zero."""
    names = {name.removesuffix("_") for name in dir(torch.ops.aten) if not name.startswith("__")}
    names |= {
        name[6:].split(".")[0].removesuffix("_")
        for name in torch._C._dispatch_get_all_op_names()
        if name.startswith("aten::")
    }
    suspicious = {
        name for name in names if "backward" not in name and any(word in name for word in WORDS)
    }
    told = {name for name in suspicious if name in PRODUCTS or is_uncounted(name)}
    assert suspicious - told - NO_PRODUCTS == set()


# The batch -------------------------------------------------------------------------------------


def _loop(s: Net, x: Tensor) -> Tensor:
    return torch.stack([s.c(image[None])[0] for image in x])


def _by_index(s: Net, x: Tensor) -> Tensor:
    return torch.cat([s.c(x[i : i + 1]) for i in range(len(x))])


def _even_only(s: Net, x: Tensor) -> Tensor:
    assert len(x) % 2 == 0
    return s.c(x)


def _in_groups(s: Net, x: Tensor) -> Tensor:
    """The batch in the groups of one convolution, as hypernetworks have it."""
    images, channels, height, width = x.shape
    folded = x.reshape(1, images * channels, height, width)
    weight = s.c.weight.repeat(images, 1, 1, 1)
    return F.conv2d(folded, weight, padding=1, groups=images).view(images, -1, height, width)


BATCHES = {
    "in halves": lambda s, x: torch.cat([s.c(half) for half in x.chunk(2)]),
    "in thirds": lambda s, x: torch.cat([s.c(third) for third in x.chunk(3)]),
    "in elevenths": lambda s, x: torch.cat([s.c(part) for part in x.chunk(11)]),
    "split by seven": lambda s, x: torch.cat([s.c(part) for part in x.split(7)]),
    "image by image": _loop,
    "by index": _by_index,
    "even only": _even_only,
    "in groups": _in_groups,
    "folded into pixels": lambda s, x: s.c(x.permute(1, 2, 0, 3).flatten(2)[None]),
    "twice the images, half thrown away": lambda s, x: s.c(torch.cat([x, x])[: len(x)]),
    "one by one, then together": lambda s, x: s.c(torch.stack(x.unbind())),
    "a Python number": lambda s, x: s.c(x.view(int(x.shape[0]), 3, 8, 8)),
}


@pytest.mark.parametrize("how", BATCHES)
def test_whatever_is_done_to_the_batch_the_count_is_that_of_an_image(how):
    analysis = analyze_module(Net(BATCHES[how], c=conv()), (3, 8, 8))
    assert analysis.totals.macs == CONV
    assert len(analysis.layers) < 50 and analysis.totals.params == 3 * 8 * 9 + 8


LISTS = {
    "a list": lambda s, x: s.c(x[random.sample(list(range(len(x))), len(x))]),
    "numpy": lambda s, x: s.c(x[np.random.permutation(len(x))]),
    "one parameter an image": lambda s, x: s.c(x) + torch.stack([s.p for _ in range(len(x))]),
}


@pytest.mark.parametrize("name", LISTS)
def test_what_python_makes_for_each_image_takes_no_memory_to_speak_of(name):
    assert macs(Net(LISTS[name], c=conv(), p=weights(8, 8, 8))) == CONV


def test_pairs_of_images_without_a_product_are_no_cost_of_one_either():
    def forward(s: Net, x: Tensor) -> Tensor:
        features = s.linear(x)
        return (features[None] - features[:, None]).abs().sum(2).neg().exp().sum(0)

    with pytest.raises(LabError, match="depends on the size of the batch"):
        analyze_module(Net(forward, linear=nn.Linear(16, 16)), (16,))


def test_one_image_at_a_time_is_counted_and_said():
    def single(s: Net, x: Tensor) -> Tensor:
        assert len(x) == 1
        return s.c(x)

    analysis = analyze_module(Net(single, c=conv()), (3, 8, 8))
    assert analysis.totals.macs == CONV and "one image at a time" in analysis.warnings[0]


def test_pairs_of_images_are_no_cost_of_one():
    with pytest.raises(LabError, match="depends on the size of the batch"):
        analyze_module(Net(lambda s, x: x.flatten(1) @ x.flatten(1).T), (3, 8, 8))


def test_work_for_the_whole_batch_is_told_beside_the_count():
    net = Net(
        lambda s, x: s.c(x) + s.out(s.make(s.grid)).mean(0).view(1, 1, 8, 8),
        make=nn.Linear(2, 16),
        out=nn.Linear(16, 64),
        c=conv(1, 4),
        grid=nn.Buffer(torch.rand(50, 2)),
    )
    analysis = analyze_module(net, (1, 8, 8))
    assert analysis.totals.macs == 4 * 9 * 64
    assert "52,800 MACs are spent once for a batch" in " ".join(analysis.warnings)
    assert not any("unused" in layer.operation for layer in analysis.layers)


def test_a_reduction_over_the_batch_changes_nothing_of_the_count():
    assert macs(Net(lambda s, x: s.c(x) - s.c(x).mean(0, keepdim=True), c=conv())) == 2 * CONV


# Memory ----------------------------------------------------------------------------------------


def kept_by_a_real_pass(module: nn.Module, *inputs: Tensor) -> int:
    """Bytes that autograd keeps of a real pass, each storage once, parameters left out."""
    kept: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        module.train()(*inputs)
    for parameter in module.parameters():
        kept.pop(parameter.untyped_storage().data_ptr(), None)
    return sum(kept.values())


def encoder(**options: Any) -> nn.Module:
    return nn.TransformerEncoderLayer(64, 4, 128, dropout=0.0, batch_first=True, **options)


FUSED = {
    "attention": (Net(lambda s, x: F.scaled_dot_product_attention(x, x, x), w=conv()), (4, 64, 16)),
    "causal attention": (
        Net(
            lambda s, x: F.scaled_dot_product_attention(s.c(x), x, x, is_causal=True), c=conv(3, 3)
        ),
        (3, 64, 64),
    ),
    "an encoder's layer": (Net(lambda s, x: s.e(x[:, 0]), e=encoder()), (1, 96, 64)),
    "norm first": (Net(lambda s, x: s.e(x[:, 0]), e=encoder(norm_first=True)), (1, 96, 64)),
    "attention with its weights": (
        Net(
            lambda s, x: s.a(x[:, 0], x[:, 0], x[:, 0])[0],
            a=nn.MultiheadAttention(64, 4, batch_first=True),
        ),
        (1, 96, 64),
    ),
    "LSTM": (Net(lambda s, x: s.r(x[:, 0])[0], r=nn.LSTM(28, 64, batch_first=True)), (1, 28, 28)),
    "LSTM of wide inputs": (
        Net(lambda s, x: s.r(x[:, 0])[0], r=nn.LSTM(256, 64, batch_first=True)),
        (1, 40, 256),
    ),
    "LSTM, two layers, both directions": (
        Net(
            lambda s, x: s.r(x[:, 0])[0],
            r=nn.LSTM(32, 64, 2, batch_first=True, bidirectional=True),
        ),
        (1, 30, 32),
    ),
    "GRU": (Net(lambda s, x: s.r(x[:, 0])[0], r=nn.GRU(28, 64, batch_first=True)), (1, 28, 28)),
    "Elman": (Net(lambda s, x: s.r(x[:, 0])[0], r=nn.RNN(28, 64, batch_first=True)), (1, 28, 28)),
}


@pytest.mark.parametrize("name", FUSED)
def test_what_a_device_fuses_keeps_what_the_device_keeps(name):
    module, shape = FUSED[name]
    images = 16
    real = kept_by_a_real_pass(module, torch.rand(images, *shape, requires_grad=False))
    totals = analyze_module(module, shape).layers
    kept = sum(images * layer.saved_bytes + layer.fixed_saved_bytes for layer in totals)
    assert kept == pytest.approx(real, rel=0.1)


def frozen() -> nn.Sequential:
    net = nn.Sequential(nn.Flatten(), nn.Linear(3072, 4096), nn.ReLU(), nn.Linear(4096, 10))
    net[1].requires_grad_(False)
    return net


def test_frozen_parameters_have_neither_gradient_nor_momentum():
    trained = 4 * (4096 * 10 + 10)
    memory = analyze_module(frozen(), (3, 32, 32)).training_memory(8)
    assert memory.optimiser == trained and memory.gradients <= trained
    assert memory.parameters == trained + 4 * (3072 * 4096 + 4096)


class Parts(nn.Module):
    """Twelve layers, perhaps in a part that is computed again."""

    def __init__(self, reentrant: bool | None) -> None:
        super().__init__()
        self.a = conv(3, 16)
        self.b = nn.Sequential(*(part for _ in range(6) for part in (conv(16, 16), nn.ReLU())))
        self.reentrant = reentrant

    def forward(self, x: Tensor) -> Tensor:
        x = self.a(x)
        if self.reentrant is None:
            return self.b(x)
        return checkpoint(self.b, x, use_reentrant=self.reentrant)


@pytest.mark.parametrize("reentrant", [True, False])
def test_a_checkpointed_part_is_computed_again_and_then_held_whole(reentrant):
    plain, part = (analyze_module(Parts(how), (3, 64, 64)) for how in (None, reentrant))
    inside = sum(layer.macs for layer in plain.layers if layer.path.startswith("b."))
    assert part.totals.backward_macs == plain.totals.backward_macs + inside
    assert part.totals.macs == plain.totals.macs and not part.warnings
    assert part.totals.saved_bytes < 0.2 * plain.totals.saved_bytes
    assert part.training_bytes(16) == pytest.approx(plain.training_bytes(16), rel=0.1)


def test_several_checkpointed_parts_are_held_one_at_a_time():
    def in_parts(s: Net, x: Tensor) -> Tensor:
        for layer in s.layers:
            x = checkpoint(layer, x, use_reentrant=False)
        return x

    parts = [nn.Sequential(conv(3, 3), nn.ReLU(), conv(3, 3), nn.ReLU()) for _ in range(8)]
    whole = analyze_module(nn.Sequential(*parts), (3, 64, 64)).training_memory(16)
    again = analyze_module(Net(in_parts, layers=nn.ModuleList(parts)), (3, 64, 64))
    assert again.training_memory(16).saved < 0.7 * whole.saved


def test_complex_numbers_take_twice_the_memory():
    net = Net(
        lambda s, x: torch.view_as_real(x.to(torch.complex64) * s.w),
        w=nn.Parameter(torch.zeros(8, dtype=torch.complex64)),
    )
    analysis = analyze_module(net, (3, 8, 8))
    assert analysis.training_memory(1).optimiser == 8 * 8


# Receptive field -------------------------------------------------------------------------------


def field(*layers: nn.Module, shape: tuple[int, ...] = (3, 64, 64)) -> Any:
    return analyze_module(nn.Sequential(*layers), shape).totals.receptive_field


FIELDS = {
    "both axes": ((nn.Conv2d(3, 4, (3, 7)), nn.Conv2d(4, 4, (3, 1), stride=(1, 2))), (5, 7)),
    "transposed": ((conv(3, 4), nn.ConvTranspose2d(4, 4, 2, 2), conv(4, 4)), 4),
    "down and up": (
        (conv(3, 4, stride=2), nn.ConvTranspose2d(4, 4, 2, 2), conv(4, 4), conv(4, 4)),
        7,
    ),
    "upsampled": (
        (conv(3, 4), nn.AvgPool2d(4), nn.Upsample(scale_factor=4), conv(4, 4), conv(4, 4)),
        10,
    ),
    "pixel shuffle": ((conv(3, 16, stride=4), nn.PixelShuffle(4), conv(1, 4), conv(4, 4)), 7),
    "pixel unshuffle": ((nn.PixelUnshuffle(2), conv(12, 4)), 6),
    "dilated pooling": ((nn.MaxPool2d(3, 1, dilation=2), conv(3, 4)), 7),
    "a mean over channels": (
        (Net(lambda s, x: x.mean(1, keepdim=True)), conv(1, 4)),
        3,
    ),
    "every second pixel": ((Net(lambda s, x: x[:, :, ::2, ::2]), conv(3, 4)), 5),
    "cells of four": ((conv(3, 4), nn.AdaptiveAvgPool2d(16), conv(4, 4)), 3 + 3 + 2 * 4),
    "padded": ((nn.ReflectionPad2d(2), conv(3, 4), nn.ZeroPad2d(1), conv(4, 4)), 5),
    "a cut that nobody reads": (
        (Net(lambda s, x: (x[:, :, ::2, ::2], x)[1]), conv(3, 4)),
        3,
    ),
    "focus, of every second pixel": (
        (
            Net(lambda s, x: torch.cat([x[..., i::2, j::2] for i in (0, 1) for j in (0, 1)], 1)),
            conv(12, 4),
        ),
        6,
    ),
    "dilated": ((conv(3, 4, dilation=4), conv(4, 4)), 11),
}


@pytest.mark.parametrize("name", FIELDS)
def test_the_receptive_field_follows(name):
    layers, expected = FIELDS[name]
    assert field(*layers) == expected


def test_sound_and_video_have_fields_of_one_and_three_axes():
    assert field(nn.Conv1d(1, 4, 9), nn.Conv1d(4, 4, 9, stride=4), shape=(1, 1600)) == 17
    assert field(nn.Conv3d(3, 4, (3, 5, 5)), shape=(3, 8, 16, 16)) == (3, 5, 5)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("vgg11", 150), ("torchvision/vgg11", 150), ("torchvision/alexnet", 195)],
)
def test_an_adaptive_pooling_cell_by_cell_sees_no_more(name, expected):
    spec = ModelSpec(name, image_size=224, in_channels=3, num_classes=1000)
    assert analyze(spec).totals.receptive_field == expected


def seen_in_gradients(module: nn.Module, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The widest box of pixels that have a gradient, over all units of the result."""
    image = torch.rand(1, *shape, dtype=torch.float64, requires_grad=True)
    boxes = []
    for unit in module.double().eval()(image).flatten():
        [gradient] = torch.autograd.grad(unit, image, retain_graph=True)
        pixels = gradient[0].abs().sum(0).nonzero()
        boxes.append(pixels.amax(0) - pixels.amin(0) + 1)
    module.float()
    return tuple(torch.stack(boxes).amax(0).tolist())


def tokens_mixed(s: Net, x: Tensor) -> Tensor:
    """An MLP-Mixer's: (N, tokens, C), a linear layer over the tokens."""
    tokens = s.patches(x).flatten(2).transpose(1, 2)
    return tokens + s.linear(tokens.transpose(1, 2)).transpose(1, 2)


def patches(s: Net, x: Tensor) -> Tensor:
    """(N, C, H, W) → (N, H/4·W/4, 4·4·C)."""
    n, c, h, w = x.shape
    cut = x.view(n, c, h // 4, 4, w // 4, 4).permute(0, 2, 4, 3, 5, 1)
    return s.linear(cut.reshape(n, -1, 16 * c))


def in_windows(x: Tensor, mix: nn.Module, is_dilated: bool = False) -> Tensor:
    """Mixed within windows of 4×4 pixels, next to each other or spread over the map."""
    n, c, h, w = x.shape
    if is_dilated:
        cut = x.view(n, c, 4, h // 4, 4, w // 4).permute(0, 3, 5, 1, 2, 4)
    else:
        cut = x.view(n, c, h // 4, 4, w // 4, 4).permute(0, 2, 4, 1, 3, 5)
    mixed = mix(cut.reshape(-1, c, 16)).view(n, h // 4, w // 4, c, 4, 4)
    back = (0, 3, 4, 1, 5, 2) if is_dilated else (0, 3, 1, 4, 2, 5)
    return mixed.permute(back).reshape(n, c, h, w)


def haar(s: Net, x: Tensor) -> Tensor:
    """Sums and differences of neighboring rows, then of columns."""
    rows = [x[:, :, 0::2] + x[:, :, 1::2], x[:, :, 0::2] - x[:, :, 1::2]]
    return s.c(torch.cat([part[..., 0::2] - part[..., 1::2] for part in rows], 1))


def shifted(s: Net, x: Tensor) -> Tensor:
    """Some channels from the left, some from the right."""
    moved = torch.zeros_like(x)
    moved[:, :1, :, 1:] = x[:, :1, :, :-1]
    moved[:, 1:2, :, :-1] = x[:, 1:2, :, 1:]
    moved[:, 2:] = x[:, 2:]
    return s.c(moved)


def padded_by_hand(s: Net, x: Tensor) -> Tensor:
    wider = x.new_zeros(len(x), 3, 14, 14)
    wider[:, :, 1:-1, 1:-1] = x
    return s.c(s.c(wider))


MIXED = {
    "tokens": (
        Net(tokens_mixed, patches=nn.Conv2d(3, 8, 4, 4), linear=nn.Linear(16, 16)),
        (3, 16, 16),
    ),
    "along the width": (Net(lambda s, x: s.l(x), l=nn.Linear(12, 12)), (3, 12, 12)),
    "along the height": (
        Net(lambda s, x: s.l(x.transpose(-1, -2)).transpose(-1, -2), l=nn.Linear(12, 5)),
        (3, 12, 12),
    ),
    "along the channels": (
        Net(lambda s, x: s.l(x.movedim(1, -1)).movedim(-1, 1), l=nn.Linear(3, 5)),
        (3, 12, 12),
    ),
    "along the time": (Net(lambda s, x: s.l(x), l=nn.Linear(12, 5)), (4, 12)),
    "by a matrix on the left": (Net(lambda s, x: s.w @ x, w=weights(7, 12)), (3, 12, 12)),
    "einsum": (
        Net(lambda s, x: torch.einsum("nchw,hk->nckw", x, s.w), w=weights(12, 5)),
        (3, 12, 12),
    ),
    "a convolution over tokens": (
        Net(
            lambda s, x: s.c(s.p(x).flatten(2).transpose(1, 2)),
            p=nn.Conv2d(3, 8, 4, 4),
            c=nn.Conv1d(16, 4, 1),
        ),
        (3, 16, 16),
    ),
    "patches": (Net(patches, linear=nn.Linear(48, 8)), (3, 16, 16)),
    "patches, by unfold": (
        Net(
            lambda s, x: s.l(
                x.unfold(2, 6, 3).unfold(3, 6, 3).permute(0, 2, 3, 1, 4, 5).flatten(3)
            ),
            l=nn.Linear(108, 4),
        ),
        (3, 18, 18),
    ),
    "patches, a map again": (
        Net(
            lambda s, x: s.c(patches(s, x).transpose(1, 2).unflatten(2, (4, 4))),
            linear=nn.Linear(48, 4),
            c=nn.Conv2d(4, 4, 3),
        ),
        (3, 16, 16),
    ),
    "patches, pixels again": (
        Net(
            lambda s, x: s.c(
                s.p(x).view(-1, 1, 4, 4, 5, 5).permute(0, 1, 4, 2, 5, 3).reshape(-1, 1, 20, 20)
            ),
            p=nn.Conv2d(3, 16, 4, 4),
            c=nn.Conv2d(1, 1, 3),
        ),
        (3, 20, 20),
    ),
    "F.unfold": (Net(lambda s, x: s.w @ F.unfold(x, 3, padding=1), w=weights(2, 27)), (3, 12, 12)),
    "F.unfold and F.fold": (
        Net(
            lambda s, x: F.fold(
                s.c(F.unfold(x, 4, stride=2, padding=1)), 12, 4, stride=2, padding=1
            ),
            c=nn.Conv1d(48, 16, 1),
        ),
        (3, 12, 12),
    ),
    "windows, then a convolution": (
        Net(lambda s, x: s.c(in_windows(x, s.l)), l=nn.Linear(16, 16), c=nn.Conv2d(1, 1, 3)),
        (1, 16, 16),
    ),
    "windows over the whole map": (
        Net(lambda s, x: in_windows(x, s.l, is_dilated=True), l=nn.Linear(16, 16)),
        (1, 16, 16),
    ),
    "neighbors": (Net(lambda s, x: x[:, :, 1:] - x[:, :, :-1]), (3, 12, 12)),
    "neighbors, repeated": (
        Net(lambda s, x: s.c(x.repeat_interleave(3, 2)), c=nn.Conv2d(3, 1, 3)),
        (3, 8, 8),
    ),
    "Haar": (Net(haar, c=nn.Conv2d(6, 2, 3)), (3, 16, 16)),
    "shifted channels": (Net(shifted, c=nn.Conv2d(3, 2, 3)), (3, 12, 12)),
    "padded by hand": (Net(padded_by_hand, c=nn.Conv2d(3, 3, 3)), (3, 12, 12)),
    "two shapes of kernels": (
        Net(
            lambda s, x: s.a(x) + s.b(x),
            a=nn.Conv2d(3, 2, (1, 7), padding=(0, 3)),
            b=nn.Conv2d(3, 2, (5, 1), padding=(2, 0)),
        ),
        (3, 12, 12),
    ),
    "softmax over pixels": (Net(lambda s, x: x.flatten(2).softmax(-1)), (3, 8, 8)),
    "a recurrent layer": (
        Net(lambda s, x: s.r(x[:, 0])[0], r=nn.GRU(8, 8, batch_first=True)),
        (1, 8, 8),
    ),
}


@pytest.mark.parametrize("name", MIXED)
def test_what_is_mixed_along_an_axis_or_in_patches_is_what_has_a_gradient(name):
    module, shape = MIXED[name]
    for parameter in module.parameters():
        nn.init.normal_(parameter)
    found = analyze_module(module, shape).layers[-1].receptive_field
    each = (found,) * (len(shape) - 1) if isinstance(found, int) else found
    assert each == seen_in_gradients(module, shape)


UNFOLLOWED = {
    "attention": lambda s, x: (x.flatten(2).transpose(1, 2) @ x.flatten(2)) @ s.c(x).flatten(2).mT,
    "a spectrum": lambda s, x: torch.fft.fft2(s.c(x)).real,
    "a grid": lambda s, x: F.grid_sample(s.c(x), torch.zeros(len(x), 8, 8, 2)),
    "pixels in a row": lambda s, x: s.d(s.c(x).flatten(2)),
    "halves that change places": lambda s, x: s.e(torch.cat(s.c(x).chunk(2, 3)[::-1], 3)),
}


@pytest.mark.parametrize("name", UNFOLLOWED)
def test_what_cannot_be_followed_is_unknown(name):
    net = Net(UNFOLLOWED[name], c=conv(3, 3), d=nn.Conv1d(3, 3, 3), e=conv(3, 3))
    rows = analyze_module(net, (3, 8, 8)).layers
    assert [row for row in rows if "unused" not in row.operation][-1].receptive_field is None


# Element-wise work -----------------------------------------------------------------------------


def cells(units: int, count: int) -> int:
    """Units that the cells of an adaptive pooling read, as torch's documentation has them."""
    return sum(ceil((k + 1) * units / count) - k * units // count for k in range(count))


@pytest.mark.parametrize(("units", "count"), [(8, 4), (7, 3), (6, 4), (14, 4), (4, 7), (1, 7)])
@pytest.mark.parametrize("layer", [nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d])
def test_adaptive_pooling_reads_the_cells_that_torch_cuts(layer, units, count):
    totals = analyze_module(layer(count), (4, units, units)).totals
    assert totals.elementwise_ops == 4 * cells(units, count) ** 2


def normalized(function: Callable[..., Tensor], *args: Any, **options: Any) -> Net:
    return Net(lambda s, x: s.c(function(x, *args, **options)), c=conv())


WORK = {
    "rms_norm": (normalized(F.rms_norm, (8,)), 2 * 192, "normalisation"),
    "torch.rms_norm": (normalized(torch.rms_norm, (8,), eps=1e-6), 2 * 192, "normalisation"),
    "layer_norm": (normalized(F.layer_norm, (8,)), 2 * 192, "normalisation"),
    "group_norm": (normalized(F.group_norm, 3), 2 * 192, "normalisation"),
    "instance_norm": (normalized(F.instance_norm), 2 * 192, "normalisation"),
    "batch_norm": (
        normalized(F.batch_norm, None, None, training=True),
        2 * 192,
        "normalisation",
    ),
    "normalize": (normalized(F.normalize, dim=1), 2 * 192, "normalisation"),
    "in a layer of its own": (Net(lambda s, x: F.rms_norm(x, (8,))), 2 * 192, "normalisation"),
    "sum over pixels": (Net(lambda s, x: x.sum((2, 3))), 192, "pooling"),
    "maximum over pixels": (Net(lambda s, x: x.amax((2, 3))), 192, "pooling"),
    "sum over channels": (Net(lambda s, x: x.sum(1)), 192, "other"),
    "variance": (Net(lambda s, x: x.var((1, 2, 3))), 192, "other"),
    "length": (Net(lambda s, x: x.flatten(1).norm(dim=1)), 192, "other"),
    "RMSNorm": (nn.RMSNorm(8), 2 * 192, "normalisation"),
    "LayerNorm": (nn.LayerNorm(8), 2 * 192, "normalisation"),
    "average of three axes": (
        Net(lambda s, x: s.p(x[:, None]), p=nn.AvgPool3d((3, 2, 2))),
        16 * 12,
        "pooling",
    ),
}


@pytest.mark.parametrize("name", WORK)
def test_element_wise_work_and_its_kind(name):
    module, expected, kind = WORK[name]
    analysis = analyze_module(module, (3, 8, 8))
    assert analysis.totals.elementwise_ops == expected
    assert max(analysis.layers, key=lambda layer: layer.elementwise_ops).kind == kind


def test_local_response_normalization_is_the_same_as_a_function():
    layer = analyze_module(nn.LocalResponseNorm(3), (3, 8, 8)).layers[0]
    function = analyze_module(normalized(F.local_response_norm, 3), (3, 8, 8)).layers[0]
    assert layer.kind == function.kind == "normalisation"
    assert layer.elementwise_ops == function.elementwise_ops
    assert function.operation == "local_response_norm"


def test_weights_that_are_normalized_are_no_layer():
    net = Net(lambda s, x: F.linear(F.normalize(x.flatten(1)), F.normalize(s.w)), w=weights(5, 192))
    layers = analyze_module(nn.Sequential(net, nn.ReLU()), (3, 8, 8)).layers
    assert sum(layer.params for layer in layers) == 5 * 192 and len(layers) <= 3


def test_a_frozen_batch_norm_is_a_normalization():
    ops = pytest.importorskip("torchvision.ops")
    [layer] = analyze_module(nn.Sequential(ops.FrozenBatchNorm2d(3)), (3, 8, 8)).layers
    assert (layer.kind, layer.elementwise_ops) == ("normalisation", 2 * 192)


# Layers as they are ----------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["zeros", "circular", "reflect", "replicate"])
def test_padding_and_groups_are_those_of_the_layer(mode):
    layer = nn.Conv2d(
        4, 8, 3, padding="same" if mode == "zeros" else 1, groups=2, padding_mode=mode
    )
    [row] = analyze_module(nn.Sequential(layer), (4, 8, 8)).layers[-1:]
    assert row.window.padding == (1, 1) and row.window.groups == 2
    assert row.output_shape == (1, 8, 8, 8) and row.macs == 8 * 2 * 9 * 64


def pruned() -> nn.Conv2d:
    layer = nn.Conv2d(3, 8, 3)
    prune.l1_unstructured(layer, "weight", 0.5)
    return layer


COMPUTED = {
    "spectral norm": lambda: parametrizations.spectral_norm(nn.Conv2d(3, 8, 3)),
    "weight norm": lambda: parametrizations.weight_norm(nn.Conv2d(3, 8, 3)),
    "orthogonal": lambda: parametrizations.orthogonal(nn.Conv2d(3, 8, 3)),
    "older spectral norm": lambda: spectral_norm(nn.Conv2d(3, 8, 3)),
    "older weight norm": lambda: weight_norm(nn.Conv2d(3, 8, 3)),
    "pruned": pruned,
}


@pytest.mark.parametrize("name", COMPUTED)
@pytest.mark.parametrize("is_used", [False, True])
def test_a_layer_whose_weight_is_computed_is_a_layer(name, is_used):
    net = nn.Sequential(COMPUTED[name](), nn.ReLU())
    if is_used:
        net(torch.zeros(1, 3, 8, 8))
    analysis = analyze_module(net, (3, 8, 8))
    row = analysis.layers[0]
    assert (row.path, row.operation, row.macs) == ("0", "Conv2d", 3 * 8 * 9 * 36)
    assert row.params == sum(parameter.numel() for parameter in net.parameters())
    assert analysis.totals.weight_layers == 1 and len(analysis.layers) == 2


# Gradients -------------------------------------------------------------------------------------

Out = dataclasses.make_dataclass("Out", [("logits", Tensor), ("others", dict)])


class Box:
    """A result as some libraries return it."""

    def __init__(self, value: Tensor) -> None:
        self.value = value


def reached() -> dict[str, nn.Module]:
    """Networks all of whose parameters get a gradient."""
    layer = nn.Conv2d(3, 8, 3)
    closed = Net(lambda s, x: layer(x), c=layer)
    return {
        "a dataclass": Net(lambda s, x: Out(s.c(x), {}), c=nn.Conv2d(3, 8, 3)),
        "nested": Net(lambda s, x: [{"a": (Out(None, {"b": s.c(x)}),)}], c=nn.Conv2d(3, 8, 3)),
        "an object": Net(lambda s, x: Box(s.c(x)), c=nn.Conv2d(3, 8, 3)),
        "a function that holds the layer": closed,
        "scripted": torch.jit.script(nn.Sequential(nn.Conv2d(3, 8, 3))),
        "traced": torch.jit.trace(nn.Sequential(nn.Conv2d(3, 8, 3)), torch.zeros(1, 3, 32, 32)),
        "scripted inside": Net(
            lambda s, x: s.c(x), c=torch.jit.script(nn.Sequential(nn.Conv2d(3, 8, 3)))
        ),
    }


@pytest.mark.parametrize(
    "name",
    [
        "a dataclass",
        "nested",
        "an object",
        "a function that holds the layer",
        "scripted",
        "traced",
        "scripted inside",
    ],
)
def test_no_parameter_is_called_dead_that_is_trained(name):
    analysis = analyze_module(reached()[name], (3, 32, 32))
    dead = [warning for warning in analysis.warnings if "gradient" in warning]
    assert not dead and analysis.totals.backward_macs == 3 * 8 * 9 * 30 * 30
    assert analysis.totals.weight_layers == 1


def test_under_inference_mode_the_network_is_taken_apart_as_elsewhere():
    with torch.inference_mode():
        analysis = analyze_module(conv(), (3, 8, 8))
    assert analysis.totals.backward_macs == CONV and not analysis.warnings


def test_a_forward_pass_without_gradients_is_called_so():
    net = Net(torch.no_grad()(lambda s, x: s.c(x)), c=conv())
    [warning] = analyze_module(net, (3, 8, 8)).warnings
    assert "turns gradients off" in warning


def test_gradients_and_maps_of_functions_in_forward():
    """By autograd they are counted; by torch.func one sentence says what would work."""

    def energy(s: Net, x: Tensor) -> Tensor:
        return s.b(s.a(x).relu()).sum()

    parts = {"a": nn.Linear(16, 16), "b": nn.Linear(16, 1)}
    by_autograd = Net(
        lambda s, x: torch.autograd.grad(energy(s, x.requires_grad_()), x, create_graph=True)[0],
        **parts,
    )
    assert macs(by_autograd, (16,)) == 2 * (256 + 16)
    assert macs(Net(lambda s, x: torch.vmap(s.a)(x), a=parts["a"]), (16,)) == 256
    by_function = Net(
        lambda s, x: torch.vmap(torch.func.grad(lambda one: energy(s, one)))(x), **parts
    )
    with pytest.raises(LabError, match=r"torch\.autograd\.grad with create_graph=True can"):
        analyze_module(by_function, (16,))


# Inputs ----------------------------------------------------------------------------------------


def test_images_need_not_be_square():
    net = nn.Sequential(conv(3, 4), nn.MaxPool2d(2), nn.Conv2d(4, 2, 3))
    analysis = analyze_module(net, (3, 64, 96))
    assert analysis.totals.macs == 3 * 4 * 9 * 64 * 96 + 4 * 2 * 9 * 30 * 46
    assert analysis.input_shape == (3, 64, 96)


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (nn.Conv1d(1, 4, 80, 16), (1, 16_000), 996 * 4 * 80),
        (nn.Conv3d(3, 4, 3, padding=1), (3, 16, 112, 112), 16 * 112 * 112 * 4 * 81),
        (nn.Linear(100, 10), (100,), 1000),
        (nn.Linear(150_528, 4), (150_528,), 4 * 150_528),
    ],
)
def test_sound_video_and_vectors(layer, shape, expected):
    assert analyze_module(layer, shape).totals.macs == expected


def test_a_flat_output_may_be_wider_than_any_count_of_classes():
    assert analyze_module(nn.Flatten(), (3, 224, 224)).layers[0].output_shape == (1, 150_528)


def test_several_inputs_and_token_numbers():
    net = Net(
        lambda s, image, tokens: s.c(image).mean((2, 3)) + s.e(tokens).mean(1),
        c=conv(),
        e=nn.Embedding(1000, 8),
    )
    by_place = analyze_module(net, inputs=(torch.rand(2, 3, 8, 8), torch.randint(1000, (2, 5))))
    by_name = analyze_module(
        net, inputs={"image": torch.rand(2, 3, 8, 8), "tokens": torch.randint(1000, (2, 5))}
    )
    assert by_place.totals.macs == by_name.totals.macs == CONV
    assert by_place.totals.params == 3 * 8 * 9 + 8 + 8000


@pytest.mark.parametrize(
    ("shape", "inputs"),
    [(None, None), ((3, 8, 8), torch.rand(1, 3, 8, 8)), (None, "images"), (None, ()), ("3", None)],
)
def test_what_is_no_input_is_one_sentence(shape, inputs):
    with pytest.raises(LabError):
        analyze_module(conv(), shape, inputs)


# Chance ----------------------------------------------------------------------------------------

RNG = random.Random(3)


class Dropped(nn.Module):
    """A block that a training pass leaves out half of the time."""

    def __init__(self, draw: Callable[[], float]) -> None:
        super().__init__()
        self.c, self.draw = conv(8, 8), draw
        self.numbers = np.random.default_rng(0)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.c(x) if not self.training or self.draw() < 0.5 else x


def own_file() -> float:
    return RNG.random()


DRAWS = {
    "random": random.random,
    "torch": lambda: float(torch.rand(1)),
    "torch, item": lambda: torch.empty(()).uniform_().item(),
    "numpy": np.random.rand,
    "a generator of this file": own_file,
}


@pytest.mark.parametrize("name", DRAWS)
def test_lots_are_counted_whole_each_time_and_told(name):
    net = nn.Sequential(*(Dropped(DRAWS[name]) for _ in range(6)))
    whole = 6 * 8 * 8 * 9 * 64
    for seed in range(3):
        random.seed(seed)
        torch.manual_seed(seed)
        np.random.seed(seed)
        analysis = analyze_module(net, (8, 8, 8))
        text = " ".join(analysis.warnings)
        assert analysis.totals.macs == whole
        assert "draws lots" in text and "a training pass varies" in text
        assert "gradient" not in text


HIDDEN_DRAWS = {
    "a generator in a dict": lambda s: s.settings["generator"].random(),
    "of the system": lambda s: random.SystemRandom().random(),
    "made for each draw": lambda s: random.Random().random(),
    "on the device of the input": lambda s: torch.rand(1, device=s.device).item(),
}


@pytest.mark.parametrize("name", HIDDEN_DRAWS)
def test_whatever_draws_the_lots_the_count_is_of_all(name):
    def forward(s: Net, x: Tensor) -> Tensor:
        s.device = x.device
        for layer in s.layers:
            if not s.training or HIDDEN_DRAWS[name](s) < 0.5:
                x = layer(x)
        return x

    layers = nn.ModuleList(nn.Linear(16, 16) for _ in range(6))
    net = Net(forward, layers=layers, settings={"generator": random.Random(2)})
    analysis = analyze_module(net, (16,))
    assert analysis.totals.macs == 6 * 256
    assert not any("never get a gradient" in warning for warning in analysis.warnings)


def test_of_two_ways_the_longer_is_counted_each_time():
    net = Net(
        lambda s, x: s.a(x) if random.random() < 0.5 else s.b(x),
        a=nn.Linear(16, 16),
        b=nn.Sequential(nn.Linear(16, 16), nn.Linear(16, 16)),
    )
    assert {macs(net, (16,)) for _ in range(4)} == {512}


def test_the_generators_stand_where_they_stood():
    net = nn.Sequential(Dropped(random.random), Dropped(DRAWS["torch"]))
    before = random.getstate(), torch.get_rng_state()
    analyze_module(net, (8, 8, 8))
    assert random.getstate() == before[0] and torch.equal(torch.get_rng_state(), before[1])


def test_dropout_is_no_lot_of_the_count():
    assert not analyze_module(nn.Sequential(conv(), nn.Dropout(0.5)), (3, 8, 8)).warnings


# Real numbers ----------------------------------------------------------------------------------

ON_NUMBERS = {
    "item": lambda s, x: s.c(x) if x.sum().item() > -1e9 else x,
    "a branch": lambda s, x: s.c(x) if x.mean() > -1e9 else x,
    "nonzero": lambda s, x: (s.c(x), x.nonzero()),
    "unique": lambda s, x: (s.c(x), x.unique()),
    "numpy": lambda s, x: s.c(torch.from_numpy(x.detach().numpy())),
}


@pytest.mark.parametrize("name", ON_NUMBERS)
def test_what_needs_real_numbers_is_run_on_some_and_says_so(name):
    analysis = analyze_module(Net(ON_NUMBERS[name], c=conv()), (3, 8, 8))
    assert analysis.totals.macs == CONV
    assert "depends on numbers" in analysis.warnings[-1]


def test_real_numbers_are_those_that_pytorch_computes():
    first, second = nn.Conv2d(3, 8, 1), nn.Conv2d(8, 8, 1)
    nn.init.ones_(first.weight)
    nn.init.ones_(first.bias)

    def forward(s: Net, x: Tensor) -> Tensor:
        y = s.first(x)
        return s.second(y) if y.min().item() >= 1 else y

    assert macs(Net(forward, first=first, second=second)) == 64 * (24 + 64)


def test_pooling_that_is_undone_by_its_indices():
    down, up = nn.MaxPool2d(2, return_indices=True), nn.MaxUnpool2d(2)
    net = Net(lambda s, x: s.c(s.up(*s.down(x))), c=conv(), down=down, up=up)
    assert macs(net) == CONV


@pytest.mark.parametrize("packs", [False, True])
def test_an_lstm_with_real_numbers_is_counted(packs):
    def forward(s: Net, x: Tensor) -> Tensor:
        if packs:
            lengths = torch.full((len(x),), 8)
            x = nn.utils.rnn.pack_padded_sequence(x[:, 0], lengths, batch_first=True)
            return s.r(x)[1][0]
        x.sum().item()
        return s.r(x[:, 0])[0]

    assert macs(Net(forward, r=nn.LSTM(8, 16, batch_first=True))) == 8 * 64 * 24


def test_experts_that_other_numbers_would_reach_are_not_dead():
    def forward(s: Net, x: Tensor) -> Tensor:
        weights, chosen = s.gate(x).softmax(-1).topk(2, -1)
        out = torch.zeros_like(x)
        for index, expert in enumerate(s.experts):
            image, place = torch.where(chosen == index)
            if len(image):
                out = out.index_add(0, image, weights[image, place, None] * expert(x[image]))
        return out

    experts = nn.ModuleList(nn.Linear(16, 16) for _ in range(8))
    analysis = analyze_module(Net(forward, gate=nn.Linear(16, 8), experts=experts), (16,))
    assert analysis.totals.macs == 128 + 2 * 256
    assert not any("gradient" in warning for warning in analysis.warnings)


def test_a_crash_in_a_network_is_one_sentence():
    import ctypes

    def crash(s: Net, x: Tensor) -> Tensor:
        x.sum().item()
        ctypes.string_at(0)
        return x

    with pytest.raises(LabError, match="has ended its process"):
        analyze_module(Net(crash), (3, 8, 8))


# What torch refuses, and what it runs ------------------------------------------------------------

REFUSED = {
    "max-pool padded too far": nn.MaxPool2d((4, 2), padding=(1, 2)),
    "avg-pool padded too far": nn.AvgPool2d((4, 2), padding=(1, 2)),
    "five biases": Net(lambda s, x: F.conv2d(x, s.w, s.b), w=weights(4, 3, 3, 3), b=weights(5)),
    "four outputs in three groups": Net(
        lambda s, x: F.conv2d(x, s.w, groups=3), w=weights(4, 1, 3, 3)
    ),
    "five biases of a linear layer": Net(
        lambda s, x: F.linear(x.flatten(1), s.w, s.b), w=weights(4, 192), b=weights(5)
    ),
    "negative padding": Net(lambda s, x: F.conv2d(x, s.w, padding=-1), w=weights(4, 3, 3, 3)),
    "too much output padding": Net(
        lambda s, x: F.conv_transpose2d(x, s.w, stride=2, output_padding=2), w=weights(3, 4, 3, 3)
    ),
    "another precision": Net(lambda s, x: s.c(x.half()), c=conv()),
    "a half layer": Net(lambda s, x: s.c(x), c=conv().half(), d=conv()),
    "no stride": Net(lambda s, x: F.conv2d(x, s.w, stride=0), w=weights(4, 3, 3, 3)),
    "other channels": conv(4, 4),
    "a map too small": nn.Conv2d(3, 4, 9),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_torch_refuses_is_refused(name):
    with pytest.raises((RuntimeError, ValueError)):
        REFUSED[name](torch.zeros(2, 3, 8, 8))
    with pytest.raises(LabError, match="cannot be taken apart"):
        analyze_module(REFUSED[name], (3, 8, 8))


RUN = {
    "states made in forward": Net(
        lambda s, x: s.r(x[:, 0], (torch.zeros(1, len(x), 16), torch.zeros(1, len(x), 16)))[0],
        r=nn.LSTM(8, 16, batch_first=True),
    ),
    "a plain tensor": Net(lambda s, x: s.c(x * s.mask), c=conv(), mask=torch.ones(8, 8)),
    "tensors in a list": Net(lambda s, x: s.c(x * s.masks[0]), c=conv(), masks=[torch.ones(8, 8)]),
    "a half layer that casts": Net(
        lambda s, x: s.c(x.bfloat16()).float(), c=conv().bfloat16(), d=conv()
    ),
    "whole numbers divided": Net(lambda s, x: s.c(x) + torch.arange(8) // 2, c=conv()),
    "whole numbers times a fraction": Net(
        lambda s, x: s.c(x) + (torch.arange(8, device=x.device) * 0.5).add_(0.25), c=conv()
    ),
    "a small table that is asked": Net(
        lambda s, x: s.c(x) if (torch.ones(4) * 2.0).sum().item() == 8 else x, c=conv()
    ),
    "a table of its own": Net(lambda s, x: s.c(x + torch.linspace(0, 1, 8)), c=conv()),
    "a copy to the CPU": Net(lambda s, x: s.c(x.cpu()), c=conv()),
    "a mask written to": Net(lambda s, x: s.c(x.masked_fill(torch.eye(8).bool(), 0.0)), c=conv()),
    "one mask for each image": Net(
        lambda s, x: s.c(x * torch.ones(8, 8).repeat(len(x), 1, 1, 1)), c=conv()
    ),
    "by keyword": Net(lambda s, x: s.c(input=x), c=conv()),
    "a module made in forward": Net(lambda s, x: nn.ReLU()(s.c(x)), c=conv()),
    "packed": Net(
        lambda s, x: s.c(torch.utils.checkpoint.checkpoint(torch.relu, x, use_reentrant=False)),
        c=conv(),
    ),
}


@pytest.mark.parametrize("name", RUN)
def test_what_torch_runs_is_taken_apart(name):
    module = RUN[name]
    module.train()(torch.rand(2, 3, 8, 8))
    analysis = analyze_module(module, (3, 8, 8))
    lstm = 8 * 64 * 24
    assert analysis.totals.macs == (lstm if name == "states made in forward" else CONV)
    assert not [w for w in analysis.warnings if "numbers" in w or "batch" in w]


def test_another_default_precision():
    torch.set_default_dtype(torch.float64)
    try:
        analysis = analyze_module(conv(), (3, 8, 8))
    finally:
        torch.set_default_dtype(torch.float32)
    assert analysis.totals.output_bytes == 8 * 8 * 64


# The module is left as it was --------------------------------------------------------------------


class Keeps(nn.Module):
    """Keeps what it has computed, in several places."""

    def __init__(self) -> None:
        super().__init__()
        self.c, self.calls = conv(), 0
        self.all: list[Tensor] = []
        self.by_name: dict[str, Tensor] = {}
        self.lock = threading.Lock()
        self.log = open("/dev/null", "w")  # noqa: SIM115 - what cannot be copied
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        with self.lock:
            self.last = self.c(x)
        self.calls += 1
        self.seen += 1
        self.all.append(self.last)
        self.by_name["last"] = self.last
        return self.last


def test_the_module_is_left_exactly_as_it_was():
    module, heard = Keeps(), []
    module.c.register_forward_hook(lambda *seen: heard.append(seen))
    module.c.register_forward_pre_hook(lambda *seen: heard.append(seen))
    module(torch.rand(1, 3, 8, 8))
    module.eval()
    before = dict(vars(module))
    values = {name: value.clone() for name, value in module.state_dict().items()}
    last, hearings = module.last, len(heard)
    assert analyze_module(module, (3, 8, 8)).totals.macs == CONV
    assert vars(module) == before and module.last is last and module.all == [last]
    assert module.by_name == {"last": last} and module.calls == 1 and len(heard) == hearings
    assert all(torch.equal(values[name], value) for name, value in module.state_dict().items())
    assert not module.training and not module.c.training
    module.log.close()


def test_hooks_of_a_module_that_stands_in_a_list_hear_nothing_either():
    heard: list[Any] = []
    teacher = conv()
    teacher.register_forward_hook(lambda *seen: heard.append(seen))
    net = Net(lambda s, x: s.c(x) + s.teachers[0](x), c=conv(), teachers=[teacher])
    assert macs(net) == 2 * CONV and not heard
    assert not teacher.weight.is_meta and len(teacher._forward_hooks) == 1


def test_two_analyses_at_once_leave_attention_as_it_was():
    usual = F.scaled_dot_product_attention
    together = threading.Barrier(2)

    def forward(s: Net, x: Tensor) -> Tensor:
        with suppress(threading.BrokenBarrierError):
            together.wait(1)
        return F.scaled_dot_product_attention(x, x, x)

    nets = [Net(forward, c=conv()) for _ in range(2)]
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda net: analyze_module(net, (2, 8, 4)), nets))
    assert F.scaled_dot_product_attention is usual


class Ordered(OrderedDict):
    """A container of somebody's own."""


def test_objects_and_containers_that_the_module_holds_are_as_they_were():
    def forward(s: Net, x: Tensor) -> Tensor:
        s.record.last = s.c(x)
        s.ordered["last"] = s.record.last
        return s.record.last

    record, ordered = SimpleNamespace(last=None), Ordered()
    assert macs(Net(forward, c=conv(), record=record, ordered=ordered)) == CONV
    assert record.last is None and not ordered


class Counted(nn.Module):
    """Keeps what it has computed in its class, and counts in an array."""

    last: Any = None
    by_size: dict[int, Tensor] = {}  # noqa: RUF012 - that is the point
    sizes = np.zeros(2)

    def __init__(self) -> None:
        super().__init__()
        self.c, self.calls, self.all_calls = conv(), np.zeros(3), [np.zeros(1)]

    def forward(self, x: Tensor) -> Tensor:
        Counted.last = self.by_size[len(x)] = self.c(x)
        Counted.once = True
        self.calls += 1
        self.all_calls[0] += 1
        self.sizes[:] = x.shape[-2:]
        return Counted.last


def test_class_attributes_and_arrays_are_as_they_were():
    module = Counted()
    assert macs(module) == CONV
    assert Counted.last is None and not Counted.by_size and not hasattr(Counted, "once")
    assert not (module.calls.any() or module.all_calls[0].any() or Counted.sizes.any())


def test_class_attributes_are_as_they_were_after_several_analyses_at_once():
    together = threading.Barrier(2)

    class Shares(nn.Module):
        kept: Any = None

        def __init__(self) -> None:
            super().__init__()
            self.c = conv()

        def forward(self, x: Tensor) -> Tensor:
            with suppress(threading.BrokenBarrierError):
                together.wait(1)
            Shares.kept = self.c(x)
            return Shares.kept

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(macs, [Shares(), Shares()])) == [CONV, CONV]
    assert Shares.kept is None


def test_what_a_cache_keeps_is_real():
    @lru_cache
    def mask(side: int) -> Tensor:
        return torch.ones(side, side).triu()

    net = Net(lambda s, x: s.linear(x) * mask(1200)[0, :16], linear=nn.Linear(16, 16))
    analyze_module(net, (16,))
    assert net(torch.rand(2, 16)).device.type == "cpu"


@pytest.mark.parametrize("is_used", [False, True])
def test_a_network_may_read_what_its_own_hooks_keep(is_used):
    body = nn.Sequential(conv(), conv(8, 8))
    net = Net(lambda s, x: s.h(s.b(x) + s.kept["x"]), b=body, h=conv(8, 4), kept={})
    net.b[0].register_forward_hook(lambda _m, _i, out: net.kept.update(x=out))
    if is_used:
        net(torch.rand(8, 3, 8, 8))
    assert macs(net) == 64 * 9 * (24 + 64 + 32)


def test_a_compiled_module_is_the_module():
    assert macs(torch.compile(nn.Sequential(conv(), nn.ReLU()))) == CONV


def test_also_where_its_forward_pass_fails_or_needs_numbers():
    module = Net(lambda s, x: s.c(x) if x.sum() > 0 else x, c=nn.BatchNorm2d(3)).eval()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    analyze_module(module, (3, 8, 8))
    with pytest.raises(LabError):
        analyze_module(module, (4, 8, 8))
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())
    assert not module.training and module.c.weight.device.type == "cpu"


class Nest(nn.Module):
    """A module in a module in a module."""

    def __init__(self, levels: int) -> None:
        super().__init__()
        self.c = nn.Conv2d(3, 3, 1)
        self.n: nn.Module = nn.Identity()
        for _ in range(levels):
            outer = Nest.__new__(Nest)
            nn.Module.__init__(outer)
            outer.c, outer.n = self.c, self.n
            self.n, self.c = outer, nn.Conv2d(3, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.n(self.c(x))


def test_a_thousand_levels_are_counted():
    analysis = analyze_module(Nest(1000), (3, 8, 8))
    assert analysis.totals.macs == 1001 * 9 * 64


@pytest.mark.parametrize(
    "layer", [nn.LazyConv2d(8, 3), nn.LazyBatchNorm2d(affine=False), nn.LazyLinear(3)]
)
def test_a_lazy_layer_is_one_sentence(layer):
    with pytest.raises(LabError, match="run it once on an image"):
        analyze_module(nn.Sequential(layer), (3, 8, 8))


def test_a_layer_called_by_keyword_reads_what_it_is_given():
    net = Net(lambda s, x: s.r(input=s.c(input=x)), c=conv(), r=nn.ReLU())
    analysis: Analysis = analyze_module(net, (3, 32, 32))
    assert [row.input_shape for row in analysis.layers] == [(1, 3, 32, 32), (1, 8, 32, 32)]
    assert [row.inputs for row in analysis.layers] == [("image",), ("c",)]
    assert analysis.training_bytes(8) > 0

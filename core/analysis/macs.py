"""The multiply-adds of convolutions and matrix products, forward and backward, without bias.

PRODUCTS has every operation of torch that is counted; UNCOUNTED those that multiply too, and are
named in a warning where a network runs them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

from torch import Tensor

_KNOWN = ("aten", "prim", "prims", "profiler", "_c10d_functional")  # whose names tell what they are
_Count = Callable[[tuple[Any, ...], Tensor], int]


class Product(NamedTuple):
    """An operation that multiplies."""

    kind: str  # convolution, linear
    macs: _Count  # from its arguments and its result, over the whole batch
    operands: tuple[int, ...]  # where they stand among its arguments


def _convolution(args: tuple[Any, ...], output: Tensor) -> int:
    source, weight, transposed = args[0], args[1], args[6]
    return (source if transposed else output).numel() * prod(weight.shape[1:])


def _sequence_convolution(args: tuple[Any, ...], output: Tensor) -> int:
    """conv_tbc: weight (width, channels in, channels out)."""
    return output.numel() * prod(args[1].shape[:2])


def _deformable(args: tuple[Any, ...], output: Tensor) -> int:
    return output.numel() * prod(args[1].shape[1:])


def _matrices(first: int) -> _Count:
    """(…, n, k) times (…, k, m), the operands at `first` and behind it."""

    def macs(args: tuple[Any, ...], output: Tensor) -> int:
        return args[first].numel() * args[first + 1].shape[-1]

    return macs


def _matrix_vector(first: int) -> _Count:
    """(n, k) times (k,)."""

    def macs(args: tuple[Any, ...], output: Tensor) -> int:
        return args[first].numel()

    return macs


def _by_weight(args: tuple[Any, ...], output: Tensor) -> int:
    """(…, k) times a weight (m, k)."""
    return args[0].numel() * args[1].shape[0]


def _recurrent_layer(args: tuple[Any, ...], output: Tensor) -> int:
    """oneDNN's LSTM: at each step, inputs and units times the weights of all gates."""
    return prod(args[0].shape[:2]) * (args[1].numel() + args[2].numel())


def _outer(args: tuple[Any, ...], output: Tensor) -> int:
    return output.numel()


def _trilinear(args: tuple[Any, ...], output: Tensor) -> int:
    """nn.Bilinear: every triple of numbers that meet, as the weight (out, in 1, in 2) has them."""
    sides: dict[int, int] = {}
    rank = args[0].dim() + len(args[3])
    for tensor, expanded in zip(args[:3], args[3:6], strict=True):
        own = iter(tensor.shape)
        for dim in range(rank):
            side = 1 if dim in expanded else next(own)
            sides[dim] = max(side, sides.get(dim, 1))
    return prod(sides.values())


def _distances(args: tuple[Any, ...], output: Tensor) -> int:
    """One of each pair of points and coordinate."""
    return output.numel() * args[0].shape[-1]


def _attention(args: tuple[Any, ...], output: Tensor) -> int:
    """Queries (…, L, D) times keys (…, S, D), then weights (…, L, S) times values (…, S, V)."""
    query, key, value = args[:3]
    scores = query.numel() // query.shape[-1] * key.shape[-2]
    return scores * (query.shape[-1] + value.shape[-1])


PRODUCTS: dict[str, Product] = {
    **dict.fromkeys(
        ("convolution", "_convolution", "convolution_overrideable"),
        Product("convolution", _convolution, (0, 1)),
    ),
    "conv_tbc": Product("convolution", _sequence_convolution, (0, 1)),
    "deform_conv2d": Product("convolution", _deformable, (0, 1)),
    **dict.fromkeys(("mm", "bmm", "_int_mm"), Product("linear", _matrices(0), (0, 1))),
    **dict.fromkeys(
        ("addmm", "baddbmm", "addbmm", "_addmm_activation"),
        Product("linear", _matrices(1), (1, 2)),
    ),
    "linear": Product("linear", _by_weight, (0, 1)),
    "mkldnn_rnn_layer": Product("linear", _recurrent_layer, (0, 1)),
    **dict.fromkeys(("mv", "dot", "vdot"), Product("linear", _matrix_vector(0), (0, 1))),
    "addmv": Product("linear", _matrix_vector(1), (1, 2)),
    "addr": Product("linear", _outer, (1, 2)),
    "_trilinear": Product("linear", _trilinear, (0, 1, 2)),
    **dict.fromkeys(("_cdist_forward", "_euclidean_dist"), Product("linear", _distances, (0, 1))),
    "_pdist_forward": Product("linear", _distances, (0,)),
    **dict.fromkeys(
        (
            "_scaled_dot_product_flash_attention_for_cpu",
            "_scaled_dot_product_flash_attention",
            "_scaled_dot_product_efficient_attention",
            "_scaled_dot_product_cudnn_attention",
            "_scaled_dot_product_fused_attention_overrideable",
        ),
        Product("linear", _attention, (0, 1)),
    ),
}

# Operations that multiply numbers and add them up too, and have no row above: factorizations,
# Fourier transforms, kernels for few bits. A test walks over all of torch's operations for more.
_UNCOUNTED = re.compile(
    r"_?(linalg_(?!cross|diagonal|vector_norm|vander|_powsum|matrix_norm|norm|check_errors|vecdot)\w+"
    r"|fft_(?!fftfreq|rfftfreq|fftshift|ifftshift)\w+"
    r"|grouped_mm|\w*scaled_(add)?mm\w*|\w*scaled_grouped_mm\w*|weight_int\dpack_mm\w*"
    r"|mixed_dtypes_linear|dyn_quant_matmul_4bit|cslt_sparse_mm|sparse_\w*mm\w*|sparse_\w*linear"
    r"|sparse_sparse_matmul|sparse_sampled_addmm|sspaddmm|hspmm|smm|spsolve|foreach_mm"
    r"|cholesky\w*|geqrf|orgqr|ormqr|lu_solve|lu_with_info|triangular_solve|compute_linear_combination"
    r"|inverse|matrix_exp|logdet|slogdet|det|svd|pinverse|stft|istft"
    r"|\w*rnn(_layer)?|\w*(lstm|gru)(_cell|_mps)?|\w*attention\w*|\w*multi_head\w*"
    r"|transformer_encoder_layer_fwd|triton_\w+|\w*quantized_linear\w*|fbgemm_linear\w*"
    r"|\w*(slow|cudnn|mkldnn|miopen|mps|nnpack|thnn)\w*conv\w*|\w*conv_depthwise\w*|mkldnn_linear)"
)


def is_uncounted(name: str, namespace: str = "aten") -> bool:
    """Whether it may multiply and is not counted: of torch by its name, of others any."""
    if name in PRODUCTS:
        return False
    return namespace not in _KNOWN or _UNCOUNTED.fullmatch(name) is not None


def product_of(name: str) -> Product | None:
    """How the operation is counted; None for one that is no product."""
    return PRODUCTS.get(name)


def backward_macs(product: Product, args: tuple[Any, ...], macs: int) -> int:
    """Multiply-adds of the gradients behind a product of `macs` multiply-adds.

    Each operand that needs a gradient (the weight; the input, unless it is the image) costs as
    many multiply-adds again: its gradient is the product of the output's with the other operand.
    """
    return macs * sum(args[index].requires_grad for index in product.operands)

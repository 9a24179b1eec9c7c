"""What an operation takes on a CPU and gives back, beside its results and the usual gradients.

As the allocator's own events have it (torch 2.15, oneDNN). That of a convolution's weight is in
core.analysis.records, because it depends on the number of threads.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from math import prod
from typing import Any

import torch
from torch import Tensor

from core.analysis.operations import Operation

# Of the backward pass, in multiples of the result or of what was reduced.
_OF_MAP = {
    **{"lstm": 5.5, "mkldnn_rnn_layer": 5.5, "gru": 2.5, "rnn_tanh": 0.75, "rnn_relu": 0.75},
    **{"native_batch_norm": 1, "_native_batch_norm_legit": 1, "_fused_rms_norm": 4},
    **{"_scaled_dot_product_flash_attention_for_cpu": 3, "im2col": 1, "_prelu_kernel": 1},
    **{"pow": 2, "sqrt": 1, "rsqrt": 2, "reciprocal": 3, "abs": 1, "sin": 1, "cos": 1, "erf": 4},
    **{"cumsum": 2, "var": 1, "norm": 1, "linalg_vector_norm": 1, "logsumexp": 2, "prod": 1.4},
    **{"amax": 1.25, "amin": 1.25, "clamp": 0.5},
}
# The same of two that both get a gradient.
_OF_TWO = {"mul": 1, "div": 3, "lerp": 1, "where": 1, "maximum": 2.5, "minimum": 2.5, "atan2": 6}


def work_bytes(run: Operation, copies_maps: bool) -> tuple[int, int]:
    """Bytes that the operation's backward pass takes, and its forward pass.

    `copies_maps`: whether the network's maps stand in another order than oneDNN works in.
    """
    if run.kind == "convolution":
        return _of_convolution(run, copies_maps)
    if run.output_key in run.source_keys and run.output._base is not None:
        return run.output._base.nbytes + run.output.nbytes, 0  # autograd copies what it is part of
    share, output = _OF_MAP.get(run.name, 0), run.output
    if share:
        return int(share * max(output.nbytes, run.sources[0].nbytes)), 0
    share = _OF_TWO.get(run.name, 0)
    both = share or run.name == "bmm"
    if not both or sum(tensor.requires_grad for tensor in run.tensors) < 2:
        return 0, 0
    return int(share * output.nbytes) if share else run.tensors[-1].nbytes, 0


def _of_convolution(run: Operation, copies_maps: bool) -> tuple[int, int]:
    """oneDNN copies maps into its own order; other precisions multiply columns of pixels."""
    if run.name not in ("convolution", "_convolution"):
        return 0, 0
    source, weight, _, stride, padding, dilation, transposed, *_ = run.args
    if _is_onednn(source.dtype):
        copies = copies_maps or weight.dim() != 4
        return (source.nbytes + run.output.nbytes if copies else 0), 0
    pixels = source if transposed else run.output  # that each column belongs to
    is_product = max(weight.shape[2:]) == max(stride) == 1 and not any(padding)
    columns = 0 if is_product else pixels.nbytes // pixels.shape[1] * prod(weight.shape[1:])
    copies = 0 if copies_maps else run.output.nbytes
    if transposed or max(dilation) > 1:  # image by image
        return copies, columns if transposed else 0
    return columns + copies, columns


@cache
def _is_onednn(dtype: torch.dtype) -> bool:
    """Whether oneDNN convolves numbers of this precision here."""
    supported: Any = {
        torch.bfloat16: torch.ops.mkldnn._is_mkldnn_bf16_supported,
        torch.float16: torch.ops.mkldnn._is_mkldnn_fp16_supported,
    }
    return dtype == torch.float32 or (dtype in supported and bool(supported[dtype]()))


def copies_maps(parameters: Iterable[Tensor]) -> bool:
    """Whether a network's maps stand channel by channel: none of its kernels does otherwise."""
    kernels = (one for one in parameters if one.dim() == 4)
    return all(kernel.is_contiguous() for kernel in kernels)

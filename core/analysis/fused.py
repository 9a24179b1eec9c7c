"""What a CPU or GPU runs as one kernel and meta would take apart: attention, recurrent layers.

Taken apart they would seem to keep far more for the backward pass than the device does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from core.zoo.patching_mode import PatchingMode

# Called with name, multiply-adds, products of the backward pass, bytes that the forward pass gives
# back (always, and where the batch is small), inputs, result
Report = Callable[[str, int, int, tuple[int, int], list[Tensor], Tensor], None]

# Called with a function of _NORMALIZATIONS and its arguments
Normalize = Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]

# Normalizations that torch takes apart before an operation is seen.
_NORMALIZATIONS = frozenset((F.rms_norm, torch.rms_norm, F.local_response_norm, F.normalize))
_RECURRENT = ("lstm", "gru", "rnn_tanh", "rnn_relu")
_KEPT_GATES = {"gru": 6}  # numbers of a unit kept at each step beside the result (as measured)
_FLOAT_BYTES = 4
# Of oneDNN's LSTM, at each step and one more: floats for each unit, and for each unit or input,
# whichever there are more of (fitted to what mkldnn_rnn_layer keeps; 3 % off at most).
_WORK_SPACE = (8, 7)


_USUAL_ATTENTION = F.scaled_dot_product_attention


@wraps(_USUAL_ATTENTION)
def _attention(*args: Any, **kwargs: Any) -> Any:
    """F.scaled_dot_product_attention as a CPU runs it: no weights of attention are kept.

    Source: use_flash_attention_cpu of torch's sdp_utils_cpp.cpp.
    """
    names = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal")
    given = dict(zip(names, args, strict=False)) | kwargs
    query, key, value = given["query"], given["key"], given["value"]
    mask = given.get("attn_mask")
    if query.is_meta and query.dim() == key.dim() == value.dim() == 3:  # as one of many heads
        return _of_one_image(given)
    heads = {tensor.dim() == 4 and tensor.shape[1] for tensor in (query, key, value)}
    is_flash = (
        query.is_meta
        and len(heads) == 1
        and False not in heads
        and query.dtype in (torch.float32, torch.float64, torch.bfloat16, torch.float16)
        and query.shape[-1] == key.shape[-1] == value.shape[-1]
        and not given.get("dropout_p")
        and not (mask is not None and (mask.requires_grad or given.get("is_causal")))
        and (mask is None or mask.dim() in (2, 4))
        and not given.get("enable_gqa")
    )
    if not is_flash:
        return _USUAL_ATTENTION(*args, **kwargs)
    if mask is not None and mask.dtype == torch.bool:
        mask = torch.empty_like(mask, dtype=query.dtype)
    out, _ = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
        query,
        key,
        value,
        0.0,
        bool(given.get("is_causal")),
        attn_mask=mask,
        scale=given.get("scale"),
    )
    return out


def _of_one_image(given: dict[str, Any]) -> Tensor:
    """Attention over (heads, tokens, features), which torch runs with a dimension in front."""
    names = ("query", "key", "value", "attn_mask")
    wider = {
        name: value[None] if name in names and value is not None and value.dim() == 3 else value
        for name, value in given.items()
    }
    result: Tensor = _attention(**wider)
    return result[0]


class Fused(PatchingMode):
    """While open, attention and recurrent layers run on meta as the device runs them.

    Normalizations that torch takes apart are told as the one thing they are.
    """

    patches = ((F, "scaled_dot_product_attention", _attention),)  # where F itself looks for it

    def __init__(self, report: Report, normalize: Normalize) -> None:
        super().__init__()
        self.report, self.normalize = report, normalize

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run it as a whole where the device would."""
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if name == "scaled_dot_product_attention":
            return _attention(*args, **kwargs)
        if name in _RECURRENT and args and isinstance(args[0], Tensor) and args[0].is_meta:
            return self.recurrent(func, name, args, kwargs)
        if func in _NORMALIZATIONS:
            return self.normalize(func, args, kwargs)
        return func(*args, **kwargs)

    def recurrent(self, func: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """torch.lstm and its like (input, states, weights, biases?, layers, dropout, …)."""
        is_other = name == "lstm" and args[0].dtype != torch.float32  # no kernel of its own
        if is_other or len(args) != 9 or kwargs or not isinstance(args[1], Tensor | list | tuple):
            return func(*args, **kwargs)  # a packed sequence: as torch takes it apart
        source, states, weights, has_biases, layers, _, _, bidirectional, batch_first = args
        first, *others = [states] if isinstance(states, Tensor) else states
        directions = 2 if bidirectional else 1
        each = len(weights) // (layers * directions)
        if each != (4 if has_biases else 2):
            return func(*args, **kwargs)  # with a projection
        steps, images = (source.shape[1], source.shape[0]) if batch_first else source.shape[:2]
        macs = steps * images * sum(w.numel() for w in weights if w.dim() == 2)
        trained = any(weight.requires_grad for weight in weights)
        shape = (*source.shape[:2], directions * first.shape[-1])
        units, is_lstm = first.shape[-1], name == "lstm"
        cells = (steps + is_lstm) * images  # oneDNN's has one step more
        kept = _kept(name, cells, weights, units, layers * directions)
        if not is_lstm:  # what one layer hands to the next, and which of it is dropped
            between = _FLOAT_BYTES * steps * images * directions * first.shape[-1]
            kept += (layers - 1) * between * (2 if args[5] and args[6] else 1)
        inputs = [source, *weights, first, *others]
        out, *ends = _Recurrent.apply(shape, kept, len(others) + 1, *inputs)
        gradients = int(trained) + int(source.requires_grad or (trained and layers > 1))
        work = _given_back(name, cells, weights, units, layers, directions)
        is_frozen = not any(tensor.requires_grad for tensor in inputs)
        self.report(name, macs, gradients, work if is_frozen else (0, 0), inputs, out)
        return (out, *ends)


def _kept(name: str, cells: int, weights: Sequence[Tensor], units: int, runs: int) -> int:
    """Bytes that the layers keep for the backward pass, besides what they were given.

    `cells`: steps times images; `runs`: layers times directions.
    """
    if name == "lstm":
        return _FLOAT_BYTES * cells * sum(_work_space(weights, units))
    return _FLOAT_BYTES * cells * units * _KEPT_GATES.get(name, 0) * runs


def _work_space(weights: Sequence[Tensor], units: int) -> list[int]:
    """Numbers that each run of oneDNN's LSTM works with, of one image at one step."""
    per_unit, per_widest = _WORK_SPACE
    inputs = [weight.shape[1] for weight in weights if weight.dim() == 2][::2]
    return [per_unit * units + per_widest * max(units, wide) for wide in inputs]


def _given_back(
    name: str, cells: int, weights: Sequence[Tensor], units: int, layers: int, directions: int
) -> tuple[int, int]:
    """Bytes that frozen layers take and give back; one run after another has the same memory."""
    each = _FLOAT_BYTES * cells
    if name == "lstm":
        between = (layers > 1) * directions * units
        work = max(_work_space(weights, units)) + units // 2 + between
        return each * work, each * 4 * units  # of all gates
    gates = 4 if name == "gru" else 2
    others = 3 * (directions - 1) + (layers > 1)  # results of another direction, of the last layer
    return each * units * (gates + others), 0


class _Recurrent(torch.autograd.Function):
    """Recurrent layers without numbers: the shapes of the results, and what is kept."""

    @staticmethod
    def forward(
        ctx: Any, shape: tuple[int, ...], kept: int, ends: int, *inputs: Tensor
    ) -> tuple[Tensor, ...]:
        """The output of the last layer and the states at the end."""
        source, *rest = inputs
        out = source.new_empty(shape)
        work_space = source.new_empty(kept, dtype=torch.uint8)
        ctx.save_for_backward(source, *rest, out, work_space)
        return (out, *(torch.empty_like(state) for state in rest[-ends:]))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        """Never run: an analysis has no backward pass."""
        raise NotImplementedError

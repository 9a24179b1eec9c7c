"""What the backward pass of a layer takes on a CPU and gives back, beside the usual gradients.

As measured, in multiples of what the layer is given and gives (oneDNN, torch 2.15): copies in an
order of its own, gates of recurrent layers, padded maps. That of a convolution over a map is in
core.analysis.records, because it depends on the number of threads.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from torch import nn

_OF_OUTPUT = {nn.LSTM: 5.5, nn.GRU: 2.5, nn.RNN: 0.75}
_PADDED_MAPS = {"circular": 2, "reflect": 1, "replicate": 1}  # maps with their padding


@cache
def _of_output(layer: Any) -> float:
    return next((share for kind, share in _OF_OUTPUT.items() if issubclass(layer, kind)), 0.0)


def work_bytes(layer: nn.Module, input_bytes: int, output_bytes: int) -> int:
    """Bytes for a layer that was given and has given so many."""
    if isinstance(layer, (nn.modules.conv._ConvTransposeNd, nn.Conv1d)):
        return input_bytes + output_bytes
    work = int(_of_output(type(layer)) * output_bytes)  # type: ignore[arg-type]
    if isinstance(layer, nn.modules.conv._ConvNd):
        work += _PADDED_MAPS.get(layer.padding_mode, 0) * input_bytes
    return work

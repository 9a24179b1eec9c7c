"""A CUDA stream and a generator of its own for each of several runs that share a device.

The kernels of one stream need not wait for another's, so that small networks fill a large device
together. Graphs read the seed of dropout from a tensor of the generator that was there when they
were captured: one generator for all would let each run overwrite the others' seeds.
"""

from __future__ import annotations

import torch

from core.training.devices import cuda_generator


class DeviceStream:
    """While open, what this thread computes on the device runs here; then again where it ran when
    this was made. On other devices nothing is different.
    """

    def __init__(self, device: torch.device) -> None:
        self.is_cuda = device.type == "cuda"
        if self.is_cuda:
            self._stream = torch.cuda.Stream(device)
            self._outer_stream = torch.cuda.current_stream(device)
            self._generator = cuda_generator(device)
            self._state = torch.Generator(device)
            self._outer_state = self._generator.graphsafe_get_state()

    def __enter__(self) -> None:
        if self.is_cuda:
            torch.cuda.set_stream(self._stream)
            self._generator.graphsafe_set_state(self._state)

    def __exit__(self, *_error: object) -> None:
        if self.is_cuda:
            torch.cuda.set_stream(self._outer_stream)
            self._generator.graphsafe_set_state(self._outer_state)

"""A CUDA stream and a generator of its own for each of several runs that share a device.

The kernels of one stream need not wait for another's, so that small networks fill a large device
together. Graphs read the seed of dropout from a tensor of the generator that was there when they
were captured: one generator for all would let each run overwrite the others' seeds.
"""

from __future__ import annotations

from types import TracebackType

import torch


class DeviceStream:
    """While open, what this thread computes on the device runs here; on other devices nothing is
    different."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._outer: list[tuple[torch.cuda.Stream, torch.Generator]] = []
        if device.type == "cuda":
            self._stream = torch.cuda.Stream(device)
            self._generator = torch.Generator(device)

    def __enter__(self) -> None:
        if self.device.type == "cuda":
            generator = self._default_generator()
            outer = torch.cuda.current_stream(self.device), generator.graphsafe_get_state()
            self._outer.append(outer)
            torch.cuda.set_stream(self._stream)
            generator.graphsafe_set_state(self._generator)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.device.type == "cuda":
            stream, state = self._outer.pop()
            torch.cuda.set_stream(stream)
            self._default_generator().graphsafe_set_state(state)

    def _default_generator(self) -> torch.Generator:
        """The one that dropout on this device draws from."""
        torch.cuda.init()
        index = torch.cuda.current_device() if self.device.index is None else self.device.index
        generator: torch.Generator = torch.cuda.default_generators[index]
        return generator

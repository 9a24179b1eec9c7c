"""Networks whose gradients change as told, for tests of what is shown of them."""

from __future__ import annotations

from core.measure.gradient_records import BlockFlow, LayerFlow, NetworkFlow, Spread
from core.specs import ModelSpec


def flow(share: float, gains: tuple[float, ...] = (), depth: int = 20, **options) -> NetworkFlow:
    """A network whose weight gradient changes evenly from `share` at layer 1 to 1."""
    last = depth - 2
    layers = []
    for index in range(depth):
        value = share ** (1 - min(index, last) / last) if share else float(index >= last)
        same = Spread(value, value, value)
        layers.append(LayerFlow(f"conv{index}", index + 1, 10, same, same, same))
    blocks = tuple(BlockFlow(f"block{n}", Spread(gain, gain, gain)) for n, gain in enumerate(gains))
    spec = ModelSpec(f"resnet{depth}", image_size=28, options=options)
    return NetworkFlow(spec.to_json(), "default", 1, tuple(layers), blocks)

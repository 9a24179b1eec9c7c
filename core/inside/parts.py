"""What a trained network still knows when a part of it is left out, without training anew.

Veit et al., Residual Networks Behave Like Ensembles of Relatively Shallow Networks,
arXiv 1605.06431, section 4.1: a residual net without one of its blocks is hardly worse, a plain
net without one of its layers guesses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.analysis import analyze
from core.analysis.tensors import tensors_in
from core.data.catalogue import find_dataset
from core.inside.find_parts import parts_of
from core.inside.one_image import network_of, scores_in
from core.inside.parts_records import (
    BLOCKS,
    BRANCHES,
    CHANNELS,
    SHORTCUTS,
    Missing,
    MissingParts,
    Part,
)
from core.inside.row_watcher import RowWatcher
from core.inside.tested import TestImages, images_within
from core.inside.weights import Weights
from core.language import N_
from core.specs import LabError
from core.training.compute_plan import memory_format

Run = Callable[[Tensor], Any]
_NONE = {
    BLOCKS: N_("This network has no blocks that could be left out."),
    BRANCHES: N_("This network has no branches that could be left out."),
    SHORTCUTS: N_("This network has no shortcuts that could be left out."),
    CHANNELS: N_("This network has no channels that could be left out."),
}


def measure_missing(
    weights: Weights, dataset: str, level: str, layer: str = ""
) -> Iterator[MissingParts]:
    """Accuracy and loss over the test set: of the whole network, then without each of its parts.

    Where the parts are many or the network is large, over the first images of the test set. Raises
    LabError where there is no such level or layer, the data set is not here, or a part is not in
    the pass where the analysis has it.
    """
    analysis = analyze(weights.spec)
    found = parts_of(analysis, level, layer)
    if not found.parts:
        raise LabError(_NONE[level])
    passes = 1 + len(found.parts)
    most = images_within(passes * analysis.totals.macs)
    images = TestImages.of(weights, dataset, most)
    network = deepcopy(network_of(weights))  # hooks are for this copy alone
    network.to(memory_format=memory_format(network))
    accuracy, loss = _tested(network, images)
    missing: list[Missing] = []
    for done in range(passes):
        if done:
            part = found.parts[done - 1]
            with without(network, part) as run:
                missing.append(Missing(part.name, part.becomes, *_tested(run, images)))
        yield MissingParts(
            (done + 1) / passes,
            level,
            layer,
            len(images.labels),
            images.available,
            len(find_dataset(dataset).class_names),
            accuracy,
            loss,
            tuple(missing),
            found.left_alone,
        )


def _tested(run: Run, images: TestImages) -> tuple[float, float]:
    """Accuracy, a fraction, and mean cross-entropy, nats."""
    right, loss = 0, 0.0
    with torch.no_grad():
        for batch, labels in images.batches():
            scores = scores_in(run(batch), fewest=1)
            if scores is None:
                raise LabError("This network gives no scores of classes, so it has no accuracy.")
            right += int((scores.argmax(1) == labels).sum())
            loss += float(F.cross_entropy(scores.double(), labels, reduction="sum"))
    return right / len(images.labels), loss / len(images.labels)


@contextmanager
def without(network: nn.Module, part: Part) -> Iterator[Run]:
    """While open, what is given runs the network without the part; then it is as it was.

    Running raises LabError where the part is not met as the analysis has it.
    """
    if part.operands:
        yield lambda images: RowWatcher(network, zeros=part.operands).run(images)
        return
    module = network.get_submodule(part.module)
    replaced = _Replaced(part)
    handles = [
        module.register_forward_pre_hook(replaced.before, with_kwargs=True),
        module.register_forward_hook(replaced.after),
    ]

    def run(images: Tensor) -> Any:
        replaced.uses = 0
        result = network(images)
        if not replaced.uses:
            raise LabError("{name} did not run, so leaving it out changes nothing.", name=part.name)
        return result

    try:
        yield run
    finally:
        for handle in handles:
            handle.remove()


class _Replaced:
    """The hooks of a module that gives its input, or one channel less."""

    def __init__(self, part: Part) -> None:
        self.part, self.uses = part, 0
        self.read: list[Tensor] = []

    def before(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Keep what it reads: it may write over that."""
        if self.part.channel is None:
            self.read = [tensor.clone() for tensor in tensors_in([*args, *kwargs.values()])]

    def after(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> Tensor:
        """What it gives instead."""
        self.uses += 1
        name, channel = self.part.name, self.part.channel
        if not isinstance(output, Tensor):
            raise LabError("{name} gives no single map, so it cannot be left out.", name=name)
        if channel is not None:
            silenced = output.clone()
            silenced[:, channel] = 0
            return silenced
        if [tensor.shape for tensor in self.read] != [output.shape]:
            raise LabError(
                "{name} makes {shape} of {read}, so its input cannot stand in its place.",
                name=name,
                shape=str(tuple(output.shape)),
                read=", ".join(str(tuple(tensor.shape)) for tensor in self.read),
            )
        return self.read.pop()

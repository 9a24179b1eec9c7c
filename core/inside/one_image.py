"""One image through one network: what every layer reads and gives, under the analysis's paths."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.analysis import analyze
from core.analysis.module_watcher import ModuleWatcher
from core.analysis.operations import name_and_kind
from core.analysis.records import Totals
from core.analysis.tensors import storage_key, tensors_in, tensors_inside
from core.data.batches import prepare
from core.data.load import with_channels
from core.inside.weights import Weights
from core.language import lazy
from core.specs import LabError, ModelSpec
from core.training.initialization import initialized_network
from core.training.parameters import check_hash, load_parameters
from core.zoo.own import file_of, is_own, version_of
from core.zoo.own_modules import explanation

MOST_BYTES = 2**30  # of the maps of one image, and of parameters that are kept loaded
_KEPT_NETWORKS, _KEPT_IMAGES = 4, 4


@dataclass(frozen=True, eq=False)
class Step:
    """A row of the analysis as it ran: a module, or an operation of torch."""

    module: nn.Module | None  # None: an operation that another module runs itself
    function: Any  # the operation where `module` is None
    inputs: tuple[Tensor, ...]  # as they were read
    arguments: tuple[Any, ...]  # of the operation, tensors among them
    output: Tensor

    @property
    def of_image(self) -> Tensor:
        """What it gives for the image, without the batch; a number of all images as it is."""
        return self.output[0] if self.output.dim() else self.output


@dataclass(frozen=True, eq=False)
class Seen:
    """What a network makes of one image."""

    network: nn.Module  # in evaluation
    image: Tensor  # (1, C, H, W) as the network reads it
    steps: Mapping[str, Step]  # by path, in the order of execution
    output: Tensor | None  # (1, classes); None where the network gives something else

    @property
    def probabilities(self) -> NDArray[np.float32] | None:
        """(classes,); None where the network gives no scores."""
        if self.output is None:
            return None
        found: NDArray[np.float32] = self.output[0].float().softmax(0).numpy()
        return found


class Recorder(ModuleWatcher):
    """Keeps what every leaf module and every operation outside of one reads and gives.

    What is about to be written over is copied first, so that each tensor stays as it was read.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__(network.named_modules())
        self.steps: dict[str, Step] = {}
        self.open: tuple[str, tuple[Tensor, ...]] = ("", ())
        self.kept: dict[int, list[Tensor]] = {}  # storage → tensors that a step holds
        self.of_image: dict[int, Tensor] = {}  # storage → what was computed from the image in it

    def keep(self, path: str, step: Step) -> None:
        """Hold the step, and know which memory it holds."""
        self.steps[path] = step
        for tensor in (*step.inputs, step.output):
            self.kept.setdefault(storage_key(tensor), []).append(tensor)

    def open_leaf(self, name: str, module: nn.Module, inputs: list[Tensor]) -> None:
        """Note what it reads."""
        held = tuple(tensor.detach() for tensor in inputs)
        self.open = (self.unique_path(name), held)
        for tensor in held:
            self.kept.setdefault(storage_key(tensor), []).append(tensor)

    def close_leaf(self, module: nn.Module, outputs: list[Tensor]) -> None:
        """Note what it gives."""
        path, inputs = self.open
        if outputs:
            self.keep(path, Step(module, None, inputs, (), outputs[0].detach()))
            self.of_image |= {storage_key(output): output for output in outputs}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run the operation; keep one that a module runs itself."""
        kwargs = kwargs or {}
        if self.in_leaf:
            if func._schema.is_mutable:
                self.save_what_is_written(func, args)
            return func(*args, **kwargs)
        inputs = tuple(tensor.detach() for tensor in tensors_in([*args, *kwargs.values()]))
        for tensor in inputs:  # it may write over them
            self.kept.setdefault(storage_key(tensor), []).append(tensor)
        is_of_image = self.is_of_image(inputs)  # asked before they are given memory of their own
        if func._schema.is_mutable:
            self.save_what_is_written(func, args)
        result = func(*args, **kwargs)
        name, _, is_work = name_and_kind(func)
        output = next(iter(tensors_in(result)), None)
        if output is not None and is_of_image:
            self.of_image[storage_key(output)] = output
            if is_work:
                step = Step(None, func, inputs, args, output.detach())
                self.keep(self.operation_path(name), step)
        return result

    def is_of_image(self, tensors: Iterable[Tensor]) -> bool:
        """Whether any of these was computed from the image."""
        return any(storage_key(tensor) in self.of_image for tensor in tensors)

    def save_what_is_written(self, func: Any, args: tuple[Any, ...]) -> None:
        """Give the tensors that hold this memory numbers of their own."""
        for argument, value in zip(func._schema.arguments, args, strict=False):
            is_written = argument.alias_info is not None and argument.alias_info.is_write
            if is_written and isinstance(value, Tensor):
                for tensor in self.kept.pop(storage_key(value), ()):
                    tensor.set_(tensor.clone())  # type: ignore[call-overload]


# Kept in this process -----------------------------------------------------------------------------

_lock = RLock()
_networks: OrderedDict[tuple[Weights, str], nn.Module] = OrderedDict()  # with the file's version
_seen: OrderedDict[tuple[Weights, str, bytes, tuple[int, ...]], Seen] = OrderedDict()


def network_of(weights: Weights) -> nn.Module:
    """The network with these parameters, in evaluation, on the CPU; the last ones stay loaded.

    Raises LabError for a file that is not here, or is another network's.
    """
    key = (weights, version_of(weights.spec.arch))
    with _lock:
        network = _networks.pop(key, None)
        if network is None:
            network = _loaded(weights)
        _networks[key] = network
        while len(_networks) > _KEPT_NETWORKS:
            _networks.popitem(last=False)
        return network


def _loaded(weights: Weights) -> nn.Module:
    network = initialized_network(weights.spec, weights.initialization, weights.seed)
    if weights.file:
        path = Path(weights.file)
        if weights.sha256:
            check_hash(path, weights.sha256)
        load_parameters(network, path)
    if is_own(weights.spec.arch):
        told = weights.spec.arch.rpartition(":")[2], file_of(weights.spec.arch)
        network.forward = partial(_in_own_words, *told, network.forward)
    return network.eval().requires_grad_(False)


def _in_own_words(
    name: str, file: Path, forward: Callable[..., Any], *given: Any, **more: Any
) -> Any:
    """What somebody's own forward gives. Raises LabError with its traceback for what it raises."""
    try:
        return forward(*given, **more)
    except LabError:
        raise
    except Exception as error:
        what = lazy("{name} fails on these images", name=name)
        raise LabError(explanation(error, file, what)) from error


def with_plain_forward(network: nn.Module) -> nn.Module:
    """The same network, whose forward is the class's own: what is written down is that."""
    plain = copy(network)
    vars(plain).pop("forward", None)
    return plain


def read(weights: Weights, pixels: NDArray[np.uint8]) -> Tensor:
    """uint8 (H, W) or (C, H, W) as the network reads it: float32 (1, in_channels, *sides)."""
    return read_batch(weights, pixels[None])


def read_batch(weights: Weights, images: NDArray[np.uint8]) -> Tensor:
    """The same of several: uint8 (N, H, W) or (N, C, H, W) to float32 (N, in_channels, *sides)."""
    spec = weights.spec
    batch = with_channels(torch.from_numpy(np.ascontiguousarray(images)))
    return prepare(batch, spec.sides, spec.in_channels, weights.mean, weights.std)


def scores_in(result: Any, fewest: int = 2) -> Tensor | None:
    """(N, classes), first in what a network gives; None for something else, or fewer classes."""
    output = next(iter(tensors_in(result) or tensors_inside(result)), None)
    is_scores = output is not None and output.dim() == 2 and output.shape[1] >= fewest
    return output if is_scores else None


def see(weights: Weights, pixels: NDArray[np.uint8]) -> Seen:
    """The image through the network, every layer kept; the last images stay in memory.

    `pixels`: uint8 (H, W) or (C, H, W). Raises LabError where the maps would take too much memory.
    """
    key = (weights, version_of(weights.spec.arch), pixels.tobytes(), pixels.shape)
    with _lock:
        seen = _seen.pop(key, None) or _pass(weights, pixels)
        _seen[key] = seen
        while len(_seen) > 1 and (len(_seen) > _KEPT_IMAGES or _held_bytes() > MOST_BYTES):
            _seen.popitem(last=False)
        return seen


def _held_bytes() -> int:
    return sum(step.output.nbytes for seen in _seen.values() for step in seen.steps.values())


def _pass(weights: Weights, pixels: NDArray[np.uint8]) -> Seen:
    check_size(weights)
    network, image = network_of(weights), read(weights, pixels)
    recorder, given = Recorder(network), image.clone()
    recorder.of_image[storage_key(given)] = given
    with torch.no_grad(), recorder.watching():
        result = network(given)
    return Seen(network, image, recorder.steps, scores_in(result))


def check_size(weights: Weights) -> None:
    """Raise LabError where one image's maps, or the parameters, are more than is kept."""
    totals = _totals(weights.spec, version_of(weights.spec.arch))
    most = MOST_BYTES / 2**30
    if totals.output_bytes > MOST_BYTES:
        raise LabError(
            "The maps of one image take {size:.1f} GiB here; this page keeps up to {most:.0f} GiB:"
            " choose a smaller Resize or a higher Ratio.",
            size=totals.output_bytes / 2**30,
            most=most,
        )
    if 4 * totals.params > MOST_BYTES:
        raise LabError(
            "The parameters take {size:.1f} GiB here; this page keeps up to {most:.0f} GiB: choose"
            " a smaller Resize or a higher Ratio.",
            size=4 * totals.params / 2**30,
            most=most,
        )


@lru_cache(maxsize=16)  # a trace takes as long as a small network's pass
def _totals(spec: ModelSpec, version: str) -> Totals:
    return analyze(spec).totals

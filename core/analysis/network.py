"""Build on meta, trace, look for what a reader should be warned about."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from threading import RLock
from typing import Any

import torch
from torch import Tensor, nn

from core.analysis.borrowed import deep_enough, refuse_lazy, set_training, without_memory
from core.analysis.broken_off import ForwardError
from core.analysis.chance import Lots, seed_everything, unmoved
from core.analysis.inputs import Given, Inputs, given
from core.analysis.isolated import in_a_process
from core.analysis.one_pass import BrokenOffError, Pass, watched_pass
from core.analysis.passes import BatchUnclearError, Trace, from_one, trace, trace_small
from core.analysis.records import Analysis, LayerCost, Shape
from core.analysis.tensors import BATCH
from core.analysis.trace import BatchLostError, TooLongError
from core.analysis.vgg_configuration import vgg_configuration
from core.language import Message, lazy, together
from core.specs import (
    MAX_IMAGE_SIZE,
    MAX_IN_CHANNELS,
    MAX_NUM_CLASSES,
    TOLD,
    ImageSize,
    LabError,
    ModelSpec,
    first_line,
)
from core.zoo.building import build, build_on_meta
from core.zoo.catalogue import CATALOGUE, complete
from core.zoo.families.vgg import FORUM_ONE_BY_ONE_FROM, FORUM_ONE_BY_ONES
from core.zoo.own import file_of, is_own

_COSTS = ("macs", "backward_macs", "elementwise_ops", "output_bytes", "saved_bytes", "work_bytes")
_alone = RLock()  # a module is borrowed by one thread at a time
_DRAWN_IMAGES = 24  # of a pass that is one of several
_DRAWS = 8  # training passes of a network that draws lots
_REAL_IMAGES = 11  # of a pass with real numbers: few sizes of networks can be divided by it
_NAMED = 4  # modules that a warning names; it counts the others


def analyze(spec: ModelSpec) -> Analysis:
    """See core.analysis.analyze."""
    spec = complete(spec)
    shape = (spec.in_channels, *spec.sides)
    if is_own(spec.arch):
        return _analyze_own(spec, shape)
    network, is_ours = build_on_meta(spec), spec.arch in CATALOGUE

    def run(images: int | None) -> Pass:
        batch = images or BATCH
        image = torch.empty((batch, *shape), device="meta")
        return watched_pass(network, (image,), None, batch, is_ours, is_trained_here=True)

    try:
        traced = trace(run)
    except Exception as error:  # a library's network may raise anything
        raise _refusal(spec.arch, shape, error) from error
    return _analysis(spec, traced, shape)


def _analyze_own(spec: ModelSpec, shape: Shape) -> Analysis:
    """A network of the user's own, with the user's own traceback for what fails."""
    from core.zoo.own_modules import explanation, inputs_of

    file, name = file_of(spec.arch), spec.arch.rpartition(":")[2]
    with deep_enough(), unmoved(), torch.inference_mode(False), torch.enable_grad():
        try:
            module = build_on_meta(spec).to(memory_format=torch.channels_last)  # as it is trained
        except Exception:  # it asks for numbers while it is built
            module = build(spec)
        example = Given(inputs_of(module, shape), {}, 1)

        def said(error: BaseException) -> Message:
            what = lazy("{name} fails at {shape}", name=name, shape=_sides(shape))
            return explanation(error, file, what)

        traced = _traced(module, example, spec, lambda: build(spec), said)
    return _analysis(spec, traced, shape)


def _sides(shape: Shape) -> str:
    return "×".join(map(str, shape))


def analyze_module(
    module: nn.Module, input_shape: Shape | None = None, inputs: Inputs | None = None
) -> Analysis:
    """See core.analysis.analyze_module."""
    name = f"module/{type(module).__name__}"
    with _alone, deep_enough(), unmoved(), torch.inference_mode(False), torch.enable_grad():
        module = getattr(module, "_orig_mod", module)  # of torch.compile
        example = given(module, input_shape, inputs)
        traced = _traced(module, example, ModelSpec(name))
    shape = example.image_shape
    results = [layer.output_shape for layer in traced.layers if len(layer.output_shape) > 1]
    spec = ModelSpec(
        name,
        image_size=_image_size(shape),
        in_channels=_within(shape[0] if shape else 1, MAX_IN_CHANNELS),
        num_classes=_within(results[-1][1] if results else 1, MAX_NUM_CLASSES),
    )
    return _analysis(spec, traced, shape)


def _image_size(shape: Shape) -> ImageSize:
    """Height and width of an image (C, H, W); what else there is has one side."""
    sides = [_within(side, MAX_IMAGE_SIZE) for side in shape[1:]]
    return (sides[0], sides[1]) if len(sides) == 2 else sides[-1] if sides else 1


def _within(number: int, most: int) -> int:
    """The number, as far as a spec can say it; the analysis itself has every shape in full."""
    return number if 0 < number <= most else 1


def _traced(
    module: nn.Module,
    example: Given,
    spec: ModelSpec,
    with_memory: Callable[[], nn.Module] | None = None,
    said: Callable[[BaseException], Message] | None = None,
) -> Trace:
    """Without numbers; with real ones in a process of its own where the module needs them.

    `with_memory` makes the same module with numbers, `said` a text of what it raises. Raises
    ForwardError where it fails with real numbers too.
    """
    name, shape = spec.arch, example.image_shape
    if not any(isinstance(one, torch.jit.ScriptModule) for one in module.modules()):
        try:
            return _with_or_without_hooks(module, example)
        except LabError:
            raise
        except (BatchUnclearError, TooLongError) as error:
            raise _refusal(name, shape, error) from error
        except Exception:  # a module of somebody's own may raise anything
            pass
    else:
        refuse_lazy(list(module.modules()))

    def work(network: Callable[[], nn.Module]) -> Trace:
        try:
            return _with_numbers(network(), example)
        except BrokenOffError as broken:
            error = broken.__cause__
            assert isinstance(error, Exception)
            message = said(error) if said else _refusal(name, shape, error).message
            ran = from_one(broken.seen)
            if broken.failure and ran.layers:  # of what failed nothing is known but what it reads
                ran = replace(ran, layers=(*ran.layers[:-1], _failed(ran.layers[-1])))
            partial = _analysis(spec, ran, shape)
            raise ForwardError(message, partial, broken.failure) from error

    try:
        return in_a_process(
            lambda: work(with_memory or (lambda: module)),
            name,
            here=lambda: work(with_memory or (lambda: _copied(module, name))),
        )
    except LabError:
        raise
    except Exception as error:
        raise _refusal(name, shape, error) from error


def _copied(module: nn.Module, name: str) -> nn.Module:
    """For a pass with numbers, which would move running means. Raises LabError."""
    try:
        return deepcopy(module)
    except Exception as error:  # copying runs what somebody's own class says of it
        raise LabError(
            "{name} cannot be copied ({error}), and its forward pass would change it; analyze it"
            " in a new process, before anything is trained or exported there.",
            name=name,
            error=first_line(error)[:TOLD],
        ) from error


def _failed(layer: LayerCost) -> LayerCost:
    nothing: dict[str, Any] = dict.fromkeys(_COSTS, 0)
    return replace(layer, output_shape=(), receptive_field=None, **nothing)


def _with_or_without_hooks(module: nn.Module, example: Given) -> Trace:
    """Without hooks where it runs so; some networks read what hooks of their own have kept."""
    has_hooks = any(one._forward_hooks for one in module.modules())
    try:
        with without_memory(module):
            return _with_lots(module, example, may_be_alone=not has_hooks)
    except (LabError, BatchUnclearError, TooLongError):
        raise
    except Exception:
        if not has_hooks:
            raise
        with without_memory(module):
            return _with_lots(module, example, with_hooks=True)


def _with_lots(
    module: nn.Module, example: Given, with_hooks: bool = False, may_be_alone: bool = True
) -> Trace:
    """A trace of everything that may run, also where the forward pass draws lots."""

    def run(images: int | None, seed: int = 0) -> Pass:
        batch = images or BATCH
        args, kwargs = example.of(batch, "meta")
        seed_everything(seed)
        lots.note()
        return watched_pass(module, args, kwargs, batch, is_ours=False, with_hooks=with_hooks)

    lots, first = Lots(module), None
    with suppress(BatchUnclearError):
        first = trace_small(run, may_be_alone)
    is_moved = lots.were_drawn()
    set_training(module, False)
    whole = first
    with suppress(Exception):  # it need not know evaluation, or so many images
        whole = from_one(run(_DRAWN_IMAGES))
    set_training(module, True)
    if first is not None and not is_moved and whole is not None and _macs(whole) == _macs(first):
        return first
    drawn = [from_one(run(_DRAWN_IMAGES, draw)) for draw in range(_DRAWS)]
    if len({(_macs(one), len(one.layers)) for one in drawn}) > 1:
        return _everything(drawn, whole or drawn[0])
    if first is None:
        raise BatchUnclearError
    return first


def _everything(drawn: Sequence[Trace], whole: Trace) -> Trace:
    """The trace with the most in it, and a sentence on how much passes vary."""
    costs = [_macs(one) for one in drawn]
    most = max([*drawn, whole], key=_macs)
    dead = {
        name: count
        for name, count in most.dead.items()
        if all(name in one.dead for one in [*drawn, whole])
    }
    note = lazy(
        "Its forward pass draws lots: the count is of the most that was seen to run, as in"
        " evaluation or more; a training pass varies, of {tried} tried from {least:,} to {most:,}"
        " MACs an image.",
        tried=len(drawn),
        least=min(costs),
        most=max(costs),
    )
    return replace(most, dead=dead, notes=(*most.notes, note))


def _macs(traced: Trace) -> int:
    return sum(layer.macs for layer in traced.layers)


def _with_numbers(module: nn.Module, example: Given) -> Trace:
    """From a pass with real numbers, which what is run depends on. In a process of its own."""
    seed_everything(0)
    device = next((str(p.device) for p in module.parameters()), "cpu")
    set_training(module, True)
    args, kwargs = example.of(_REAL_IMAGES, device)
    traced = from_one(watched_pass(module, args, kwargs, _REAL_IMAGES, is_ours=False))
    if isinstance(module, torch.jit.ScriptModule):
        return traced
    return replace(traced, dead={}, notes=(_note_on_images(example),))  # others may reach others


def _note_on_images(example: Given) -> Message:
    if _is_empty(example):
        return lazy(
            "What it runs depends on numbers: it was run on {number} random images, and the count"
            " is of those.",
            number=_REAL_IMAGES,
        )
    return lazy(
        "What it runs depends on numbers: it was run on {number} example images, and the count is"
        " of those.",
        number=_REAL_IMAGES,
    )


def _is_empty(example: Given) -> bool:
    """Whether only a shape was given."""
    return any(isinstance(value, Tensor) and value.is_meta for value in example.args)


def _refusal(name: str, shape: Shape, error: Exception) -> LabError:
    """One sentence for what a forward pass has raised."""
    if isinstance(error, TooLongError):
        why = lazy("its forward pass runs more operations than a table could list.")
    elif isinstance(error, BatchUnclearError | BatchLostError):
        why = lazy(
            "what its forward pass runs depends on the size of the batch in a way that cannot be"
            " shared out among its images."
        )
    elif "saved tensor hooks" in str(error):
        why = lazy(
            "its forward pass takes gradients with torch.func, which cannot be watched;"
            " torch.autograd.grad with create_graph=True can."
        )
    else:
        why = lazy("its forward pass says {error}.", error=repr(first_line(error)[:TOLD]))
    return LabError(
        "{name} cannot be taken apart at {shape}: {why}", name=name, shape=_sides(shape), why=why
    )


def _analysis(spec: ModelSpec, traced: Trace, shape: Shape) -> Analysis:
    analysis = Analysis(spec, traced.layers, traced.buffer_bytes, input_shape=shape)
    return replace(analysis, noted=tuple(_noted(analysis, traced)))


def _noted(analysis: Analysis, traced: Trace) -> Iterator[Message]:
    """One sentence for each thing that a reader might not expect of this network."""
    spec, layers = analysis.spec, analysis.layers
    if traced.dead:
        yield _dead_warning(layers, traced.dead)
    if traced.is_untrainable:
        yield lazy("Its forward pass turns gradients off, so nothing of it can be trained.")
    if traced.uncounted:
        yield lazy(
            "Not counted, though they multiply: {operations}.",
            operations=", ".join(traced.uncounted),
        )
    if traced.once_macs:
        yield lazy(
            "Beside the count for an image, {macs:,} MACs are spent once for a batch, however many"
            " images it has.",
            macs=traced.once_macs,
        )
    yield from traced.notes
    if spec.arch == "vgg16-forum":
        yield from _condition_warnings(analysis)
    convolutions = [layer for layer in layers if layer.kind == "convolution"]
    if spec.ratio > 1 and any(layer.output_shape[1] == 1 for layer in convolutions):
        yield lazy(
            "Ratio {ratio} leaves some convolutions with a single channel, the fewest there can"
            " be.",
            ratio=spec.ratio,
        )


def _dead_warning(layers: Sequence[LayerCost], dead: Mapping[str, int]) -> Message:
    """Which parameters never get a gradient, why, and the work that is spent on them."""
    names = sorted({name.rpartition(".")[0] or name for name in dead})
    macs = sum(layer.macs for layer in layers if layer.path in names)
    layers_named = together(names[:_NAMED])
    if further := len(names[_NAMED:]):
        layers_named = lazy("{names} and {number} more", names=layers_named, number=further)
    count = sum(dead.values())
    if not macs:
        return lazy(
            "{count:,} parameters can never get a gradient, because what {layers} could compute is"
            " never used.",
            count=count,
            layers=layers_named,
        )
    return lazy(
        "{count:,} parameters can never get a gradient, because what {layers} compute is thrown"
        " away; their {macs:,} MACs an image are spent for nothing.",
        count=count,
        layers=layers_named,
        macs=macs,
    )


def _condition_warnings(analysis: Analysis) -> Iterator[Message]:
    """The forum's block adds a 1×1 where its scaled channels reach 256: which ratio defeats that.

    At ratio 1 three blocks have one.
    """
    added = [layer for layer in analysis.layers if layer.window and layer.window.kernel == (1, 1)]
    if len(added) == FORUM_ONE_BY_ONES:
        return
    ratio = analysis.spec.ratio
    values = {"ratio": ratio, "channels": FORUM_ONE_BY_ONE_FROM}
    if added:
        text = lazy(
            "At ratio {ratio} only blocks {blocks} reach {channels} channels, so one of the"
            " forum's 1×1 convolutions was left out.",
            blocks=together([layer.block.removeprefix("block") for layer in added]),
            **values,
        )
    else:
        text = lazy(
            "At ratio {ratio} no block reaches {channels} channels, so none of the forum's 1×1"
            " convolutions was added.",
            **values,
        )
    configuration = vgg_configuration(analysis)
    if configuration:
        text = lazy("{sentences} {next}", sentences=text, next=configuration.said())
    yield text


def torchinfo_summary(spec: ModelSpec) -> str:
    """See core.analysis.torchinfo_summary."""
    import torchinfo

    spec = complete(spec)
    statistics = torchinfo.summary(
        build_on_meta(spec),
        input_size=(1, spec.in_channels, *spec.sides),
        device="meta",
        col_names=("input_size", "output_size", "num_params", "kernel_size", "mult_adds"),
        depth=4,
        verbose=0,
    )
    return str(statistics)

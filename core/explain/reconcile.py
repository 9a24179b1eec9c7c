"""Why counters disagree: our counts beside others', every difference taken apart in words.

The parts are worked out from the analysis alone. torchinfo 1.8 multiplies each weight and bias of
a convolution with the pixels of its output, and of any other layer with 1, whatever it does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from math import prod

from core.analysis.records import Analysis, LayerCost
from core.explain.published_counts import PublishedCount
from core.language import N_, Message, lazy
from core.specs import ModelSpec

_GIGA = 10**9
COUNTED_BATCH = 2  # images: BatchNorm cannot train on one whose map is a single pixel
_ROUNDING = _GIGA // 2000  # half of the last of three decimals


@dataclass(frozen=True)
class OtherCounts:
    """What other counters say of the same network, for one image."""

    torchinfo_params: int
    torchinfo_macs: int  # "mult-adds"
    flops: int  # FlopCounterMode's, each image
    fixed_flops: int  # FlopCounterMode's, once a batch


@dataclass(frozen=True)
class Part:
    """One reason of a difference, and how much of it."""

    why: Message
    amount: int  # to be added to our count

    @property
    def reason(self) -> str:
        """Why, in words."""
        return str(self.why)


@dataclass(frozen=True)
class Account:
    """Another count beside ours: ours + parts + unexplained = theirs."""

    counter: str  # its name; a template, as the next is one
    quantity: str  # parameters, MACs, FLOPs
    ours: int
    theirs: int
    parts: tuple[Part, ...] = ()

    @property
    def difference(self) -> int:
        """Theirs less ours."""
        return self.theirs - self.ours

    @property
    def unexplained(self) -> int:
        """What no part accounts for."""
        return self.difference - sum(part.amount for part in self.parts)


def reconcile(
    analysis: Analysis,
    others: OtherCounts,
    published: PublishedCount | None = None,
    analyze: Callable[[ModelSpec], Analysis] | None = None,
) -> tuple[Account, ...]:
    """One account for each counter and quantity.

    With `published`, `analyze` (it may be a cached one) tells what each setting between the
    published network and this one changes.
    """
    totals = analysis.totals
    accounts = [
        account("torchinfo", "parameters", totals.params, others.torchinfo_params, ()),
        account(
            "torchinfo", "MACs", totals.macs, others.torchinfo_macs, _torchinfo_parts(analysis)
        ),
        account(
            "FlopCounterMode",
            "FLOPs",
            totals.macs,
            others.flops + others.fixed_flops,
            [
                Part(lazy("a multiply-add is two operations"), totals.macs),
                Part(lazy("done once a batch, not for each image"), others.fixed_flops),
            ],
        ),
    ]
    if published and analyze:
        accounts += _published_accounts(analysis, others, published, analyze)
    return tuple(accounts)


def account(counter: str, quantity: str, ours: int, theirs: int, parts: Iterable[Part]) -> Account:
    """An account without its empty parts."""
    return Account(counter, quantity, ours, theirs, tuple(part for part in parts if part.amount))


# torchinfo -------------------------------------------------------------------------------------


def _torchinfo_parts(analysis: Analysis) -> Iterator[Part]:
    """Why torchinfo's mult-adds are not our MACs."""
    layers = analysis.layers
    modules = [layer for layer in layers if layer.is_module]
    yield Part(
        lazy("biases of convolutions, once for each pixel of the output"),
        sum(_biases(layer) * pixels(layer) for layer in modules if layer.kind == "convolution"),
    )
    linear = [layer for layer in modules if layer.kind == "linear"]
    yield Part(lazy("biases of linear layers"), sum(_biases(layer) for layer in linear))
    yield Part(
        lazy("scales and shifts of normalization layers"),
        sum(layer.params for layer in modules if layer.kind == "normalisation"),
    )
    yield Part(
        lazy("linear layers over many positions: it counts one position only"),
        sum(_weights(layer) - layer.macs for layer in linear if layer.macs != _weights(layer)),
    )
    fixed = [x for x in modules if x.params and not x.macs and x.operation == "Linear"]
    yield Part(
        lazy(
            "layers that work once a batch, shared out among its {images} images",
            images=COUNTED_BATCH,
        ),
        sum(layer.params for layer in fixed) // COUNTED_BATCH,
    )
    functions = [layer for layer in layers if layer.macs and not layer.is_module]
    if functions:
        macs = sum(layer.macs for layer in functions)
        yield Part(
            lazy(
                "{number} products that are called as functions, not as modules: it does not see"
                " them",
                number=len(functions),
            ),
            -macs,
        )


def _biases(layer: LayerCost) -> int:
    """The layer's biases, also where it shares its weights with an earlier layer."""
    return layer.weight_shape[0] if layer.has_bias else 0


def _weights(layer: LayerCost) -> int:
    """The numbers in the layer's weight."""
    return prod(layer.weight_shape)


def pixels(layer: LayerCost) -> int:
    """Positions of the output map."""
    height, width = layer.output_shape[-2:]
    return height * width


# Published figures -----------------------------------------------------------------------------


def _published_accounts(
    analysis: Analysis,
    others: OtherCounts,
    published: PublishedCount,
    analyze: Callable[[ModelSpec], Analysis],
) -> Iterator[Account]:
    """The published parameters and MACs, through what each setting changes on the way to ours."""
    steps = list(_settings_between(analysis.spec, published.model))
    analyses = [analysis, *(analyze(spec) for _, spec in steps)]
    for quantity, field, theirs in (
        ("parameters", "params", published.params),
        ("MACs", "macs", round(published.giga_macs * _GIGA)),
    ):
        counts = [getattr(step.totals, field) for step in analyses]
        parts = [
            Part(reason, after - before)
            for (reason, _), before, after in zip(steps, counts, counts[1:], strict=False)
        ]
        if quantity == "MACs":
            parts += _published_parts(analyses[-1], others, theirs)
        yield account(published.source, quantity, counts[0], theirs, parts)


def _settings_between(mine: ModelSpec, theirs: ModelSpec) -> Iterator[tuple[Message, ModelSpec]]:
    """One setting after the other, from this network to the published one."""
    spec = mine
    for field, told, reason in (
        ("ratio", "ratio", N_("ratio {theirs} instead of {ours}")),
        ("num_classes", "num_classes", N_("{theirs} classes instead of {ours}")),
        ("in_channels", "in_channels", N_("{theirs} input channels instead of {ours}")),
        ("image_size", "size_label", N_("images of {theirs} pixels instead of {ours}")),
    ):
        if getattr(spec, field) != getattr(theirs, field):
            own = getattr(spec, told)
            spec = replace(spec, **{field: getattr(theirs, field)})
            yield lazy(reason, theirs=getattr(theirs, told), ours=own), spec


def _published_parts(analysis: Analysis, others: OtherCounts, theirs: int) -> Iterator[Part]:
    """Why the published MACs are not ours although every setting is the same."""
    side = Part(lazy("heads that run only in training"), -_side_macs(analysis))
    fixed = Part(lazy("done once a batch, not for each image"), others.fixed_flops // 2)
    yield side
    yield fixed
    rest = theirs - analysis.totals.macs - side.amount - fixed.amount
    if abs(rest) <= _ROUNDING:
        yield Part(lazy("rounded to three decimals of a thousand million"), rest)


def _side_macs(analysis: Analysis) -> int:
    """MACs of the layers from which no way leads to the last one."""
    needed = {next(layer.path for layer in reversed(analysis.layers) if layer.inputs)}
    for layer in reversed(analysis.layers):
        if layer.path in needed:
            needed.update(layer.inputs)
    return sum(layer.macs for layer in analysis.layers if layer.path not in needed)

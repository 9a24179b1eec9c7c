"""Which term of a hand count is about which layer, at the least penalty. Imports no torch.

A term whose name means one layer alone goes there; the others are laid beside the layers in
order, so that one missing layer does not shift all that follow. The order-preserving alignment is
that of Needleman & Wunsch 1970. What fits no layer there, but one elsewhere, is not in order: it
goes where it fits, the best first. (A term takes one number or two, product and bias, so that this
is no assignment of rows to columns as scipy.optimize.linear_sum_assignment solves it.)
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from math import inf, log10, prod
from typing import Literal, get_args

from core.analysis.records import WEIGHT_KINDS, Analysis, LayerCost
from core.explain import formulas as explain
from core.explain.hand_count.terms import Product, Summand

Quantity = Literal["parameters", "MACs"]
QUANTITIES: tuple[Quantity, ...] = get_args(Quantity)


# The layers as a hand count should have them


@dataclass(frozen=True)
class Form:
    """One way to write a layer's count: factors with their roles, and a bias."""

    roles: tuple[str, ...]
    factors: Product
    bias: int
    weights: int
    ordered: Product  # this and the next as of a Summand
    sizes: Product

    @property
    def value(self) -> int:
        """With the bias."""
        return self.weights + self.bias


@dataclass(frozen=True)
class Target:
    """A layer as a hand count should have it."""

    path: str
    kind: str
    filled: str
    value: int
    forms: tuple[Form, ...]


def form(factors: Iterable[tuple[str, int]], bias: int) -> Form:
    """A form from (role, size) pairs."""
    roles, sizes = zip(*factors, strict=True)
    ordered = tuple(sorted(sizes))
    without_ones = tuple(size for size in ordered if size != 1)
    return Form(roles, sizes, bias, prod(sizes), ordered, without_ones)


def expected(layer: LayerCost, quantity: Quantity, analysis: Analysis) -> Target | None:
    """What a hand count should say of `layer`; None where it has nothing of the quantity."""
    value = layer.params if quantity == "parameters" else layer.macs
    if not value:
        return None
    bias = layer.biases if quantity == "parameters" else 0
    forms = [form(factors, bias) for factors in _weight_forms(layer, quantity, analysis)]
    if layer.kind == "normalisation" and layer.weight_shape:
        channels = ("channels", prod(layer.weight_shape))
        forms = [form([("parameters a channel", 2), channels], 0), form([channels], bias)]
    forms = [way for way in forms if way.value == value] or [form([("count", value)], 0)]
    filled = explain.parameters(layer) if quantity == "parameters" else explain.macs(layer)
    return Target(layer.path, layer.kind, filled.filled, value, tuple(forms))


def _weight_forms(
    layer: LayerCost, quantity: Quantity, analysis: Analysis
) -> Iterator[list[tuple[str, int]]]:
    """The ways to write the product of a convolution's or a linear layer's weight."""
    weight = layer.weight_shape
    if explain.is_convolution(layer):
        kernels = _spellings("kernel", weight[2], weight[3])
        groups = layer.window.groups if layer.window else 1
        inputs = ("input channels a group" if groups > 1 else "input channels", weight[1])
        outputs = (
            [[]] if quantity == "parameters" else _spellings("output", *layer.output_shape[2:])
        )
        for output in outputs:
            for kernel in kernels:
                yield [*kernel, inputs, ("output channels", weight[0]), *output]
    if explain.is_linear(layer):
        tokens = prod(layer.input_shape[:-1]) if quantity == "MACs" else 1
        rows = [("tokens", tokens)] if tokens > 1 else []
        yield [*rows, ("inputs", weight[1]), ("outputs", weight[0])]
        if flattened := _map_before(layer, analysis):
            for area in _spellings("map", *flattened[1:]):
                yield [("channels of the map", flattened[0]), *area, ("outputs", weight[0])]


def _spellings(of: str, height: int, width: int) -> list[list[tuple[str, int]]]:
    """A height and a width, or their product."""
    return [[(f"{of} height", height), (f"{of} width", width)], [(f"{of} area", height * width)]]


def _map_before(layer: LayerCost, analysis: Analysis) -> tuple[int, ...]:
    """(C, H, W) of the map that was flattened for a linear layer; empty where it was one pixel."""
    rows = {row.path: row for row in analysis.layers}
    source = rows.get(layer.inputs[0]) if len(layer.inputs) == 1 else None
    if source is None:
        return ()
    for shape in (source.output_shape, source.input_shape):
        if len(shape) == 4 and shape[2:] != (1, 1) and prod(shape) == layer.weight_shape[1]:
            return shape[1:]
    return ()


# Names


@dataclass(frozen=True)
class Named:
    """The layers that a reader's name may mean."""

    targets: frozenset[int]
    exact: bool = False  # the name is the path of one layer


_KIND_OF_WORD = {
    **dict.fromkeys(("conv", "convolution", "conv2d", "卷积", "卷积层"), "convolution"),
    **dict.fromkeys(("fc", "linear", "dense", "full", "全连接", "全连接层", "线性层"), "linear"),
    **dict.fromkeys(("bn", "batchnorm", "norm", "批量规范化", "批量规范化层"), "normalisation"),
}


_OF_A_LAYER = ("bias", "biases", "weight", "weights", "偏置", "权重")  # says not which


def _name_parts(name: str) -> tuple[str, ...]:
    """`block1.conv1` and `Block1 / conv1 weights` as (block1, conv1)."""
    parts = re.findall("[a-z0-9]+|[\u4e00-\u9fff]+", name.lower())
    return tuple(part for part in parts if part not in _OF_A_LAYER)


def _resolve(name: str, targets: Sequence[Target], paths: Sequence[tuple[str, ...]]) -> Named:
    """Paths, their first or last parts, `conv3` as the third convolution, `conv2_1`, `fc6`."""
    parts = _name_parts(name)
    if not parts:
        return Named(frozenset())
    if parts in paths:
        return Named(frozenset([paths.index(parts)]), exact=True)
    size = len(parts)
    block = (f"block{parts[0].removeprefix('conv')}", f"conv{parts[-1]}")  # of conv2_1
    targets_of_name = {
        index
        for index, path in enumerate(paths)
        if parts in (path[:size], path[-size:]) or (size == 2 and path == block)
    }
    return Named(frozenset(targets_of_name | _by_number("".join(parts), targets)))


def _by_number(word: str, targets: Sequence[Target]) -> set[int]:
    """The third convolution for `conv3`, all of them for `conv`; fc6 may be the sixth layer."""
    numbered = re.fullmatch("([a-z]+(?:2d)?|[\u4e00-\u9fff]+)([0-9]{0,3})", word)
    kind = _KIND_OF_WORD.get(numbered[1]) if numbered else None
    if numbered is None or kind is None:
        return set()
    of_kind = [index for index, target in enumerate(targets) if target.kind == kind]
    if not numbered[2]:
        return set(of_kind)
    number = int(numbered[2])
    if kind == "linear" and number > len(of_kind):
        of_kind = [i for i, target in enumerate(targets) if target.kind in WEIGHT_KINDS]
    return {of_kind[number - 1]} if 1 <= number <= len(of_kind) else set()


# Matching: which summands count which layer, at the least penalty

_SKIPPED = 1.0  # a weight layer that no term counts
_SKIPPED_OTHER = 0.4  # a normalization, which hand counts often leave out
_EXTRA = 1.0  # a term without a layer
_EXTRA_NUMBER = 0.7  # its bias
_OTHER_FACTORS = 0.05  # the right value from other factors
NO_BIAS, WRONG_BIAS, NEEDLESS_BIAS = 0.3, 0.5, 0.6
SPLIT, SPLIT_OF_LINE = 0.5, 0.8  # a number is taken from the product before it, the line's only one
_ANOTHER_LINE = 0.1  # a bias on a line of its own
_ANOTHER_NAME = 1.2


@dataclass(frozen=True)
class Match:
    """Summands of one term, and the layer that they count."""

    first: int  # index among the summands
    bias: int | None  # index of the number that follows
    target: int | None  # index among the targets


class Penalties:
    """How badly a term fits a layer: 0 for a perfect fit, SKIPPED + EXTRA for unrelated things."""

    def __init__(self, summands: Sequence[Summand], targets: Sequence[Target]) -> None:
        self.summands, self.targets = summands, targets
        paths = [_name_parts(target.path) for target in targets]
        names = {summand.name for summand in summands}
        self.names = {name: _resolve(name, targets, paths) for name in names}
        distinct = {target.forms: index for index, target in enumerate(targets)}
        self.alike = [distinct[target.forms] for target in targets]
        self.known: dict[tuple[Product, int | None, int], float] = {}
        self.sizes = Counter(summand.statement for summand in summands)

    def fit(self, index: int, bias: int | None, target: int) -> float:
        """The summand at `index`, with `bias` biases if any, for `target`."""
        summand = self.summands[index]
        key = (summand.factors, bias, self.alike[target])
        if key not in self.known:
            forms = self.targets[target].forms
            self.known[key] = min(form_penalty(summand, bias, form) for form in forms)
        return self.known[key]

    def single(self, index: int, target: int) -> float:
        """One summand for the layer."""
        summand = self.summands[index]
        split = SPLIT_OF_LINE if summand.is_tied else SPLIT if summand.after_product else 0.0
        return self.fit(index, None, target) + split + self.misnamed(index, target)

    def pair(self, index: int, target: int) -> float:
        """The summand and the number after it, as its bias, for the layer."""
        product, bias = self.summands[index], self.summands[index + 1]
        apart = 0.0
        if product.statement != bias.statement:
            wanted = {form.bias for form in self.targets[target].forms}
            alone = self.sizes[bias.statement] == 1
            named_alike = not bias.name or self.names[bias.name] == self.names[product.name]
            if not (alone and named_alike and bias.value in wanted):
                return inf
            apart = _ANOTHER_LINE
        return self.fit(index, bias.value, target) + apart + self.misnamed(index, target)

    def misnamed(self, index: int, target: int) -> float:
        """The penalty where the reader's name means another layer."""
        named = self.names[self.summands[index].name]
        if not named.targets or target in named.targets:
            return 0.0
        return inf if named.exact else _ANOTHER_NAME

    def of(self, option: Match) -> float:
        """The penalty of a match."""
        if option.target is None:
            return self.extra(option.first)
        return (self.single if option.bias is None else self.pair)(option.first, option.target)

    def fits(self, option: Match) -> bool:
        """Whether a match is right, or lacks no more than its bias."""
        return option.target is not None and self.of(option) <= NO_BIAS

    def skip(self, target: int) -> float:
        """The layer is missing."""
        return _SKIPPED if self.targets[target].kind in WEIGHT_KINDS else _SKIPPED_OTHER

    def extra(self, index: int) -> float:
        """The summand belongs to no layer."""
        summand = self.summands[index]
        return _EXTRA_NUMBER if summand.after_product or summand.is_tied else _EXTRA


def form_penalty(written: Summand, bias: int | None, form: Form) -> float:
    """How badly a summand, with `bias` biases if any, fits one way to write a layer."""
    same_factors = written.is_number or written.sizes == form.sizes
    if bias is None and written.value == form.value:
        return 0.0 if same_factors else _OTHER_FACTORS
    if written.value == form.weights:
        penalty = 0.0 if same_factors else _OTHER_FACTORS
    elif written.is_number:
        return _number_penalty(written.value, form.value if bias is None else form.weights)
    else:
        penalty = 0.4 + 1.8 * _unlike(written, form)
    if bias is None:
        return penalty + (NO_BIAS if form.bias else 0.0)
    if bias == form.bias:
        return penalty
    return penalty + (WRONG_BIAS if form.bias else NEEDLESS_BIAS)


def _number_penalty(written: int, exact: int) -> float:
    """Two numbers without factors: little to go by but their size."""
    ratio = abs(log10(max(written, 1) / max(exact, 1)))
    return 1.5 + min(0.4, 0.2 * ratio)


def _unlike(written: Summand, form: Form) -> float:
    """The share of factors that differ; ones may have been left out."""
    if len(written.factors) == len(form.factors):
        left, right = written.ordered, form.ordered
    else:
        left, right = written.sizes, form.sizes
    return 1 - _in_common(left, right) / max(len(left), len(right), 1)


def _in_common(left: Product, right: Product) -> int:
    """How many numbers two sorted rows share."""
    i = j = count = 0
    while i < len(left) and j < len(right):
        if left[i] == right[j]:
            count += 1
        i, j = i + (left[i] <= right[j]), j + (right[j] <= left[i])
    return count


def match(summands: Sequence[Summand], targets: Sequence[Target]) -> list[Match]:
    """Every summand in one match: by name, then in order, then wherever what is left fits."""
    penalties = Penalties(summands, targets)
    fixed = list(_match_names(penalties))
    in_order = _align(penalties, *_left_over(penalties, fixed))
    fixed += [option for option in in_order if penalties.fits(option)]
    elsewhere = _match_fitting(penalties, *_left_over(penalties, fixed))
    if elsewhere:
        fixed += elsewhere
        rest = _align(penalties, *_left_over(penalties, fixed))
    else:
        rest = [option for option in in_order if not penalties.fits(option)]
    return sorted(fixed + rest, key=lambda match: match.first)


def _left_over(penalties: Penalties, matches: Sequence[Match]) -> tuple[list[int], list[int]]:
    """The indices of the summands, and of the targets, that are in none of the matches."""
    used = {index for match in matches for index in (match.first, match.bias)}
    taken = {match.target for match in matches}
    rest = [index for index in range(len(penalties.summands)) if index not in used]
    return rest, [index for index in range(len(penalties.targets)) if index not in taken]


def _match_fitting(penalties: Penalties, rest: Sequence[int], free: Sequence[int]) -> list[Match]:
    """The matches of `rest` with `free`, in any order, that are right or only lack their bias."""
    targets = defaultdict(set)  # by the values that fit them
    for target in free:
        for way in penalties.targets[target].forms:
            targets[way.value].add(target)
            targets[way.weights].add(target)
    options = [
        Match(index, bias, target)
        for index, after in zip_longest(rest, rest[1:])
        for bias in _biases_of(penalties, index, after)
        for target in sorted(targets[penalties.summands[index].value])
    ]
    matches: list[Match] = []
    used: set[int | None] = set()
    taken: set[int | None] = set()
    for option in sorted(filter(penalties.fits, options), key=penalties.of):  # the best first
        indices = {option.first, option.bias} - {None}
        if option.target not in taken and used.isdisjoint(indices):
            matches.append(option)
            taken.add(option.target)
            used |= indices
    return matches


def _biases_of(penalties: Penalties, index: int, after: int | None) -> tuple[int | None, ...]:
    """With which bias a summand may stand, None for alone; one that it is tied to stays with it."""
    if after != index + 1 or not penalties.summands[after].is_number:
        return (None,)
    return (after,) if penalties.summands[after].after_product else (after, None)


def _match_names(penalties: Penalties) -> Iterator[Match]:
    """For each layer that a name means alone, the best of the terms that bear the name."""
    bearers = defaultdict(list)
    for index, summand in enumerate(penalties.summands):
        named = penalties.names[summand.name].targets
        if len(named) == 1:
            bearers[min(named)].append(index)
    for target, indices in bearers.items():
        options: list[tuple[float, int, int | None]] = []  # penalty beside leaving them all out
        for index, after in zip_longest(indices, indices[1:]):
            gain = penalties.extra(index)
            options.append((penalties.single(index, target) - gain, index, None))
            if after == index + 1 and penalties.summands[after].is_number:
                gain += penalties.extra(after)
                options.append((penalties.pair(index, target) - gain, index, after))
        _, first, bias = min(options, key=lambda option: option[0])
        yield Match(first, bias, target)


def _align(penalties: Penalties, rest: Sequence[int], free: Sequence[int]) -> list[Match]:
    """The cheapest order-preserving match of the summands `rest` with the targets `free`.

    best[i][j] is the least penalty of the summands from i on with the targets from j on.
    """
    best = [[0.0] * (len(free) + 1) for _ in range(len(rest) + 1)]
    steps = [[(0, 0)] * (len(free) + 1) for _ in range(len(rest) + 1)]
    for i in range(len(rest), -1, -1):
        for j in range(len(free), -1, -1):
            least = inf
            for penalty, di, dj in _moves(penalties, rest, free, i, j):
                total = penalty + best[i + di][j + dj]
                if total < least:
                    least = best[i][j] = total
                    steps[i][j] = (di, dj)
    return list(_follow(steps, rest, free))


def _moves(
    penalties: Penalties, rest: Sequence[int], free: Sequence[int], i: int, j: int
) -> Iterator[tuple[float, int, int]]:
    """Cost of each next step, and by how many summands and targets it goes on."""
    if i < len(rest) and j < len(free):
        yield penalties.single(rest[i], free[j]), 1, 1
        follows = i + 1 < len(rest) and rest[i + 1] == rest[i] + 1
        if follows and penalties.summands[rest[i + 1]].is_number:
            yield penalties.pair(rest[i], free[j]), 2, 1
    if i < len(rest):
        yield penalties.extra(rest[i]), 1, 0
    if j < len(free):
        yield penalties.skip(free[j]), 0, 1


def _follow(
    steps: Sequence[Sequence[tuple[int, int]]], rest: Sequence[int], free: Sequence[int]
) -> Iterator[Match]:
    """The matches along the cheapest way."""
    i = j = 0
    while (step := steps[i][j]) != (0, 0):
        if step[0]:
            bias = rest[i + 1] if step[0] == 2 else None
            yield Match(rest[i], bias, free[j] if step[1] else None)
        i, j = i + step[0], j + step[1]

"""A reader's hand count, term by term, against the exact layers. Imports no torch.

    text → terms.read → matching.match with the layers → diagnose → add up → HandCount

What is right or wrong is found by the numbers alone; no text and no network is special.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import permutations, zip_longest
from typing import Literal

from core.analysis.records import Analysis
from core.explain.hand_count.matching import (
    QUANTITIES,
    Form,
    Match,
    Quantity,
    Target,
    expected,
    form_penalty,
    match,
)
from core.explain.hand_count.terms import (
    Line,
    Product,
    Summand,
    UnreadableLine,
    read,
    summands_of,
    value_of,
)
from core.specs import LabError

_Verdict = Literal["right", "without bias", "wrong", "extra"]


# What a check finds


@dataclass(frozen=True)
class Slip:
    """One factor, bias or value that differs."""

    role: str  # input channels, kernel height, bias, value, ...
    written: int | None  # None: left out
    exact: int | None  # None: the layer has no such factor


@dataclass(frozen=True)
class TermCheck:
    """One term of the hand count and the layer that it counts."""

    line: int  # from 1
    name: str  # as the reader wrote it, or nothing
    text: str  # 3×3×64×128 + 128
    pieces: tuple[int, ...]  # the product, and the bias if one was written
    layer: str | None  # path, None: it belongs to no layer
    exact: int  # what the layer has, 0 without a layer
    slips: tuple[Slip, ...] = ()
    missing_bias: int = 0  # biases that the layer has and the term leaves out
    repeats: int | None = None  # line of the term for a layer that a term without one repeats

    @property
    def written(self) -> int:
        """What the term as written comes to."""
        return sum(self.pieces)

    @property
    def verdict(self) -> _Verdict:
        """Right when the value is, however it was written."""
        if self.layer is None:
            return "extra"
        if self.written == self.exact:
            return "right"
        return "without bias" if self.written + self.missing_bias == self.exact else "wrong"


@dataclass(frozen=True)
class MissingLayer:
    """A layer that no term counts."""

    path: str
    kind: str
    filled: str  # 3 · 3 · 64 · 128 + 128
    value: int


@dataclass(frozen=True)
class LineSlip:
    """A line whose result, as claimed by the reader, is not what the line comes to."""

    line: int
    text: str
    written: int  # what it comes to
    claimed: int


@dataclass(frozen=True)
class Piece:
    """A term or its bias that explains why a sum is off."""

    line: int
    text: str
    value: int


@dataclass(frozen=True)
class Addition:
    """The claimed sum beside what the terms add up to."""

    terms: int  # with the results that lines claim
    claimed: int
    pieces: tuple[Piece, ...] = ()  # one or two that together are the difference

    @property
    def difference(self) -> int:
        """Positive where something was left out, negative where too much was added."""
        return self.terms - self.claimed


@dataclass(frozen=True)
class Parts:
    """Exact total minus claimed total, taken apart; the parts add up to it exactly."""

    missing_layers: int
    missing_biases: int
    wrong_terms: int
    extra_terms: int  # 0 or negative
    products: int  # lines whose claimed result is off
    addition: int

    @property
    def total(self) -> int:
        """The sum of the parts."""
        return (
            self.missing_layers + self.missing_biases + self.wrong_terms
            + self.extra_terms + self.products + self.addition
        )  # fmt: skip


@dataclass(frozen=True)
class HandCount:
    """A hand count, checked."""

    quantity: Quantity
    terms: tuple[TermCheck, ...]  # in the order in which they were written
    missing: tuple[MissingLayer, ...]  # in the order of execution
    unreadable: tuple[UnreadableLine, ...]
    line_slips: tuple[LineSlip, ...]
    addition: Addition | None  # None: no sum was claimed
    claimed: int  # the claimed sum, or else the sum of the terms
    exact: int
    parts: Parts

    @property
    def right(self) -> bool:
        """Whether every line could be read and nothing is off, missing or too much."""
        return (
            all(term.verdict == "right" for term in self.terms)
            and not (self.missing or self.unreadable or self.line_slips)
            and (self.addition is None or not self.addition.difference)
        )


def check(text: str, analysis: Analysis, quantity: Quantity = "parameters") -> HandCount:
    """The hand count in `text` against the layers of `analysis`.

    One term a line or all in one sum; a line is `name: 3x3x64x128 + 128 = 73856`, where the name
    and the result may be left out, and one line may claim the sum: `total = 9,220,480`. Raises
    LabError for another quantity, for text that is empty or too long; a line that cannot be read
    is named in the result instead.
    """
    if quantity not in QUANTITIES:
        raise LabError(
            "A hand count is of parameters or MACs, not of {quantity}.", quantity=repr(quantity)
        )
    lines, unreadable = read(text)
    summands = summands_of(lines)
    targets = tuple(
        filter(None, (expected(layer, quantity, analysis) for layer in analysis.layers))
    )
    matches = match(summands, targets)
    with_biases = _joined_extras(matches, summands)
    terms = _name_repeats([_diagnose(pair, summands, targets) for pair in with_biases])
    counted = {pair.target for pair in matches}
    missing = tuple(
        MissingLayer(target.path, target.kind, target.filled, target.value)
        for index, target in enumerate(targets)
        if index not in counted
    )
    slips, total = _claims(lines)
    addition, products = _add_up(terms, slips, total)
    claimed = total if total is not None else sum(term.written for term in terms) - products
    exact = sum(target.value for target in targets)
    parts = _parts_of(terms, missing, products, addition)
    return HandCount(quantity, terms, missing, unreadable, slips, addition, claimed, exact, parts)


def _parts_of(
    terms: Sequence[TermCheck],
    missing: Sequence[MissingLayer],
    products: int,
    addition: Addition | None,
) -> Parts:
    """Where the difference between both totals comes from."""
    counted = [term for term in terms if term.layer is not None]
    return Parts(
        missing_layers=sum(layer.value for layer in missing),
        missing_biases=sum(term.missing_bias for term in counted),
        wrong_terms=sum(term.exact - term.written - term.missing_bias for term in counted),
        extra_terms=-sum(term.written for term in terms if term.layer is None),
        products=products,
        addition=addition.difference if addition else 0,
    )


# From matches to terms


def _diagnose(pair: Match, summands: Sequence[Summand], targets: Sequence[Target]) -> TermCheck:
    """The term of a match: what it says, what its layer has and where they differ."""
    summand = summands[pair.first]
    bias = None if pair.bias is None else summands[pair.bias].value
    pieces = (summand.value,) if bias is None else (summand.value, bias)
    text = summand.text if bias is None else f"{summand.text} + {bias}"
    if pair.target is None:
        return TermCheck(summand.line, summand.name, text, pieces, None, 0)
    target = targets[pair.target]
    form = min(target.forms, key=lambda form: form_penalty(summand, bias, form))
    slips = [] if sum(pieces) == target.value else list(_find_slips(summand, bias, form))
    missing = form.bias if any(slip.written is None and slip.role == BIAS for slip in slips) else 0
    return TermCheck(
        summand.line,
        summand.name,
        text,
        pieces,
        target.path,
        target.value,
        tuple(slips),
        missing,
    )


BIAS = "bias"


def _find_slips(written: Summand, bias: int | None, form: Form) -> Iterator[Slip]:
    """What differs between a term and the way to write its layer that it comes nearest to."""
    if written.value != form.weights and written.is_number:
        yield Slip("value", written.value, form.value if bias is None else form.weights)
    elif written.value != form.weights:
        yield from _factor_slips(written.factors, form)
    left_out = bias is None and not (written.is_number and written.value != form.weights)
    if (left_out and form.bias) or (bias is not None and bias != form.bias):
        yield Slip(BIAS, bias, form.bias)


def _factor_slips(written: Product, form: Form) -> Iterator[Slip]:
    """The factors that differ, each with the role that it has where it stands."""
    order = max(_orders(len(form.factors)), key=lambda order: _agreement(written, form, order))
    positions = [
        position for i, position in enumerate(order) if not _agrees(written, form, i, position)
    ]
    others = [n for i, n in enumerate(written) if not _agrees(written, form, i, *order[i : i + 1])]
    for number in list(others):  # what is right, but stands elsewhere
        position = next(
            (position for position in positions if form.factors[position] == number), None
        )
        if position is not None:
            positions.remove(position)
            others.remove(number)
    while (
        len(positions) > len(others)
        and (left_out := _first_one(positions, form.factors)) is not None
    ):
        positions.remove(left_out)
    while len(others) > len(positions) and 1 in others:
        others.remove(1)
    for position, number in zip_longest(positions, others):
        role = "factor" if position is None else form.roles[position]
        yield Slip(role, number, None if position is None else form.factors[position])


def _agrees(written: Product, form: Form, i: int, position: int | None = None) -> bool:
    """Whether the i-th factor written is the one that stands at `position` of the form."""
    return position is not None and i < len(written) and written[i] == form.factors[position]


def _agreement(written: Product, form: Form, order: Sequence[int]) -> int:
    """How many factors agree when the reader took the form's factors in this order."""
    return sum(_agrees(written, form, i, position) for i, position in enumerate(order))


def _orders(length: int) -> Iterable[tuple[int, ...]]:
    """The orders in which factors may be written, the usual one first; long ones only turned."""
    usual = tuple(range(length))
    if length <= 4:
        return permutations(usual)
    return (usual[turn:] + usual[:turn] for turn in usual)


def _first_one(positions: Sequence[int], factors: Product) -> int | None:
    """The first of `positions` whose factor is 1, which a reader may leave out."""
    return next((position for position in positions if factors[position] == 1), None)


def _joined_extras(matches: Sequence[Match], summands: Sequence[Summand]) -> Iterator[Match]:
    """The matches, where a product without a layer takes its bias along."""
    waiting: Match | None = None
    for pair in matches:
        follows = waiting is not None and pair.first == waiting.first + 1
        if waiting and follows and pair.target is None and summands[pair.first].after_product:
            yield Match(waiting.first, pair.first, None)
            waiting = None
            continue
        if waiting:
            yield waiting
        waiting = pair if pair.target is None and pair.bias is None else None
        if not waiting:
            yield pair
    if waiting:
        yield waiting


def _name_repeats(terms: Sequence[TermCheck]) -> tuple[TermCheck, ...]:
    """The terms; one without a layer says which line it repeats."""
    lines: dict[tuple[int, ...], int] = {}
    for term in terms:
        if term.layer is not None:
            lines.setdefault(term.pieces, term.line)
    return tuple(
        term if term.layer else replace(term, repeats=lines.get(term.pieces)) for term in terms
    )


# Sums


def _claims(lines: Sequence[Line]) -> tuple[tuple[LineSlip, ...], int | None]:
    """The lines whose claimed result is off, and the claimed sum of all terms if there is one.

    Where all terms stand in one sum, its result is the claimed sum.
    """
    statements: dict[int, list[Line]] = {}
    for line in lines:
        if not line.is_sum:
            statements.setdefault(line.statement, []).append(line)
    total = next((line.claimed for line in lines if line.is_sum), None)
    if total is None and len(statements) == 1:
        return (), _claimed_by(*statements.values())
    slips = []
    for members in statements.values():
        claimed = _claimed_by(members)
        written = sum(value_of(line.products) for line in members)
        if claimed is not None and claimed != written:
            texts = ["×".join(map(str, product)) for line in members for product in line.products]
            slips.append(LineSlip(members[0].number, " + ".join(texts), written, claimed))
    return tuple(slips), total


def _claimed_by(lines: Sequence[Line]) -> int | None:
    """The last result that the lines of one sum claim."""
    return next((line.claimed for line in reversed(lines) if line.claimed is not None), None)


def _add_up(
    terms: Sequence[TermCheck], slips: Sequence[LineSlip], claimed: int | None
) -> tuple[Addition | None, int]:
    """The claimed sum beside the terms', and how much of the difference lines' results make.

    A reader may have added up the results that the lines claim, or the right ones.
    """
    written = sum(term.written for term in terms)
    shift = sum(slip.written - slip.claimed for slip in slips)
    if claimed is None:
        return None, shift
    if claimed in (written, written - shift):
        shift = written - claimed
        return Addition(claimed, claimed), shift
    by_results = _explanation(written - shift - claimed, terms)
    by_terms = _explanation(written - claimed, terms)
    if by_terms and not by_results:
        return Addition(written, claimed, by_terms), 0
    return Addition(written - shift, claimed, by_results), shift


def _explanation(difference: int, terms: Sequence[TermCheck]) -> tuple[Piece, ...]:
    """One term, one bias or product of a term, or two terms that come to the difference."""
    size = abs(difference)
    all_terms = [Piece(term.line, term.text, term.written) for term in terms]
    parts = [
        Piece(term.line, text, value)
        for term in terms
        if len(term.pieces) == 2
        for text, value in zip(term.text.split(" + "), term.pieces, strict=True)
    ]
    for piece in all_terms + parts:
        if piece.value == size:
            return (piece,)
    seen: dict[int, Piece] = {}
    for piece in all_terms:
        if size - piece.value in seen:
            return (seen[size - piece.value], piece)
        seen.setdefault(piece.value, piece)
    return ()

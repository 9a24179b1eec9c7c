"""What a reader pasted as a hand count, read as terms. Imports no torch.

The text is data: a small reader of whole numbers, products and sums takes it apart, within fixed
bounds, and nothing of it is ever run. A line that cannot be read is named, the others go on.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod

from core.specs import LabError

MAX_CHARACTERS = 20_000  # DenseNet-121 with the names of its 242 layers takes 12,000
_MAX_LINES = 500
_MAX_SUMMANDS = 500
_MAX_NUMBER = 10**12
_MAX_FACTORS = 16  # of one product
_MAX_EXPONENT = 9
_MAX_DEPTH = 8  # of parentheses
_MAX_EXPANDED = 64  # products that parentheses may multiply out to
SHOWN = 60  # characters of a reader's line that a sentence repeats

Product = tuple[int, ...]  # factors


@dataclass(frozen=True)
class UnreadableLine:
    """A line that could not be read; the check goes on without it."""

    line: int
    text: str  # cut after SHOWN characters
    reason: str  # one sentence


@dataclass(frozen=True)
class Line:
    """A line that could be read."""

    number: int  # from 1
    name: str
    products: tuple[Product, ...]
    claimed: int | None  # the result after "="
    is_sum: bool  # it claims the sum of all terms
    statement: int  # lines that a plus sign ties together share one


# Every pattern here is linear: no text makes it look at a character more than a few times.


def _token_pattern(*separators: str) -> re.Pattern[str]:
    """The signs of an expression; `separators`: what may stand between groups of three digits."""
    grouped = "|".join(f"[0-9]{{1,3}}(?:{sign}[0-9]{{3}})+(?![0-9])" for sign in separators)
    return re.compile(
        rf"(?P<number>{grouped}|[0-9]+)"
        r"|(?P<power>\^|\*\*)"
        r"|(?P<superscript>[²³⁴⁵⁶⁷⁸⁹])"
        r"|(?P<times>[xX×✕✖⨯*∗·⋅∙])"
        r"|(?P<plus>\+)|(?P<open>\()|(?P<close>\))"
        r"|(?P<other>\S)"
    )


# An ordinary blank is a thousands separator among plain numbers only: in a product, as in
# 3x3x64 128, a sign was forgotten. Thin blanks are typed for nothing else.
_TOKEN = _token_pattern(",", "[_\u2009\u202f]")
_PLAIN_NUMBERS = re.compile(r"[0-9,_+\s]*")
_TOKEN_OF_PLAIN_NUMBERS = _token_pattern(",", "[_ \u00a0\u2009\u202f]")
_SUPERSCRIPTS = {sign: str(power) for power, sign in enumerate("²³⁴⁵⁶⁷⁸⁹", start=2)}
_WIDE_SIGNS = str.maketrans("：＝＋（），", ":=+(),")  # as a Chinese keyboard has them
_BULLET = re.compile(r"(?:[-•–*]|[0-9]{1,3}[.)])\s+")
_SUM = re.compile(
    r"(?:(?:(?:sum|total)\b|总|合计|共计|一共)[^0-9:=]*[:=]?|[Σ∑]\s*[:=]?|=)\s*", re.IGNORECASE
)
_WORDS = re.compile(r"[^\W\d][^\s=]*(?:\s+[^\W\d][^\s=]*)*\s*")
_NUMBER_OF_NAME = re.compile(r"([0-9]{1,2})\s+(?=[1-9(])")  # the 1 of "conv 1 3x3x64"


class Reader:
    """Reads one expression; every fault is a LabError that says where it stopped."""

    def __init__(self, text: str) -> None:
        pattern = _TOKEN_OF_PLAIN_NUMBERS if _PLAIN_NUMBERS.fullmatch(text) else _TOKEN
        self.tokens = [(str(token.lastgroup), token[0]) for token in pattern.finditer(text)]
        self.at = 0
        self.depth = 0

    def read(self) -> list[Product]:
        """The whole text as a sum of products."""
        products = self.sum()
        if not self.is_over:
            raise self.unexpected()
        return products

    @property
    def is_over(self) -> bool:
        """Whether there is no token left."""
        return self.at == len(self.tokens)

    def unexpected(self) -> LabError:
        """What is wrong with the next token."""
        return LabError("{sign} stands where x or + was expected.", sign=repr(self.sign))

    @property
    def sign(self) -> str:
        """The next token."""
        return self.tokens[self.at][1]

    def sum(self) -> list[Product]:
        """product (+ product)*."""
        products = self.product()
        while self.takes("plus"):
            products.extend(self.product())
        return products

    def product(self) -> list[Product]:
        """factor (x factor)*, multiplied out where a factor is a sum in parentheses."""
        products = self.factor()
        while self.takes("times"):
            others = self.factor()
            count = len(products) * len(others)
            if count > _MAX_EXPANDED:
                raise LabError(
                    "Its parentheses multiply out to over {most} terms.", most=_MAX_EXPANDED
                )
            products = [left + right for left in products for right in others]
            if count > 1:  # 128 x (1 + 9 x 64) as 128 x 9 x 64 + 128
                products = [tuple(f for f in product if f != 1) or (1,) for product in products]
                products.sort(key=len, reverse=True)
            if len(products[0]) > _MAX_FACTORS:
                raise LabError("A product has at most {most} factors.", most=_MAX_FACTORS)
        return products

    def factor(self) -> list[Product]:
        """A number, a power of one, or a sum in parentheses."""
        if self.takes("open"):
            self.depth += 1
            if self.depth > _MAX_DEPTH:
                raise LabError("Parentheses go at most {most} deep.", most=_MAX_DEPTH)
            products = self.sum()
            if self.is_over:
                raise LabError("A closing parenthesis is missing.")
            if not self.takes("close"):
                raise self.unexpected()
            self.depth -= 1
            return products
        number = self.takes("number")
        if not number and self.is_over:
            raise LabError("A whole number was expected at its end.")
        if not number:
            raise LabError("A whole number was expected, not {sign}.", sign=repr(self.sign))
        return [(whole(number),) * self.exponent()]

    def exponent(self) -> int:
        """2 of `3^2` or `3²`; 1 where there is none."""
        if sign := self.takes("superscript"):
            return int(_SUPERSCRIPTS[sign])
        if not self.takes("power"):
            return 1
        exponent = whole(self.takes("number") or "0")
        if not 1 <= exponent <= _MAX_EXPONENT:
            raise LabError("A power has an exponent from 1 to {most}.", most=_MAX_EXPONENT)
        return exponent

    def takes(self, kind: str) -> str:
        """The next token if it is of that kind, or nothing."""
        if self.is_over or self.tokens[self.at][0] != kind:
            return ""
        self.at += 1
        return self.tokens[self.at - 1][1]


def whole(digits: str) -> int:
    """`1,000` as 1000. Raises LabError above MAX_NUMBER, before a long text becomes a number."""
    digits = re.sub("[^0-9]", "", digits).lstrip("0") or "0"
    if len(digits) > len(str(_MAX_NUMBER)) or int(digits) > _MAX_NUMBER:
        raise LabError("Numbers go up to {most:,}.", most=_MAX_NUMBER)
    return int(digits)


def read(text: str) -> tuple[list[Line], tuple[UnreadableLine, ...]]:
    """The lines that hold anything. Raises LabError for text that is empty or too long."""
    if len(text) > MAX_CHARACTERS:
        raise LabError(
            "A hand count has up to {most:,} characters, not {number:,}.",
            most=MAX_CHARACTERS,
            number=len(text),
        )
    if not text.strip():
        raise LabError(
            "There is nothing to check yet; write one term a line, such as 3x3x64x128+128."
        )
    rows = text.translate(_WIDE_SIGNS).splitlines()
    if len(rows) > _MAX_LINES:
        raise LabError(
            "A hand count has up to {most} lines, not {number:,}.",
            most=_MAX_LINES,
            number=len(rows),
        )
    lines: list[Line] = []
    unreadable = []
    statement, open_sum = 0, False
    for number, row in enumerate(map(str.strip, rows), start=1):
        if not row:
            continue
        if not (open_sum or row.startswith("+")):
            statement += 1
        open_sum = row.endswith("+")
        try:
            line = _read_line(number, row.strip("+ "), statement)
            if line.is_sum and any(other.is_sum for other in lines):
                raise LabError("The sum was claimed on a line before.")
            lines.append(line)
        except LabError as error:
            unreadable.append(UnreadableLine(number, row[:SHOWN], str(error)))
    return lines, tuple(unreadable)


def _read_line(number: int, row: str, statement: int) -> Line:
    """One line, its name and claimed result split off. Raises LabError where it cannot be read."""
    row = _BULLET.sub("", row, count=1) if _BULLET.match(row) else row
    if start_of_sum := _SUM.match(row):
        claim = row[start_of_sum.end() :].rpartition("=")[2]
        return Line(number, "", (), value_of(Reader(claim).read()), True, statement)
    name, rest = _split_name(row)
    if not rest:
        raise LabError("It has a name but no term.")
    expression, equals, claim = rest.partition("=")
    if "=" in claim:
        raise LabError("A line has one = at most, before its result.")
    products = tuple(Reader(expression).read())
    claimed = value_of(Reader(claim).read()) if equals else None
    return Line(number, name, products, claimed, False, statement)


def _split_name(row: str) -> tuple[str, str]:
    """`conv1: 3x3`, `conv1 = 3x3`, `conv1 3x3` and `conv 1 3x3` as name and rest."""
    name, colon, rest = row.partition(":")
    if colon:
        return name.strip(), rest.strip()
    words = _WORDS.match(row)
    if not words:
        return "", row
    name, rest = words[0].strip(), row[words.end() :]
    if number := _NUMBER_OF_NAME.match(rest):
        name, rest = f"{name} {number[1]}", rest[number.end() :]
    return name, rest.removeprefix("=").strip()


def value_of(products: Iterable[Product]) -> int:
    """What a sum of products comes to."""
    return sum(map(prod, products))


@dataclass(frozen=True)
class Summand:
    """One product, or one number that is a bias or a count of its own."""

    line: int
    statement: int
    name: str
    factors: Product
    value: int
    ordered: Product  # the factors in order of size
    sizes: Product  # the same without ones
    after_product: bool  # it is a number and most likely the bias of the product before it
    is_tied: bool  # the same, and there is no other product on its line

    @property
    def is_number(self) -> bool:
        """Whether it shows no factors."""
        return len(self.factors) == 1

    @property
    def text(self) -> str:
        """3×3×64×128."""
        return "×".join(map(str, self.factors))


def summands_of(lines: Sequence[Line]) -> list[Summand]:
    """The summands of all lines in order. Raises LabError for too many."""
    products = Counter(
        line.statement for line in lines for factors in line.products if len(factors) > 1
    )
    summands = []
    for line in lines:
        for index, factors in enumerate(line.products):
            ordered = tuple(sorted(factors))
            is_second = len(factors) == 1 and index > 0
            after_product = is_second and len(line.products[index - 1]) > 1
            few = products[line.statement] == 1 or len(line.products) == 2
            summands.append(
                Summand(
                    line=line.number,
                    statement=line.statement,
                    name=line.name,
                    factors=factors,
                    value=prod(factors),
                    ordered=ordered,
                    sizes=tuple(factor for factor in ordered if factor != 1),
                    after_product=after_product,
                    is_tied=is_second and few,
                )
            )
    if len(summands) > _MAX_SUMMANDS:
        raise LabError(
            "A hand count has up to {most} terms, not {number:,}.",
            most=_MAX_SUMMANDS,
            number=len(summands),
        )
    return summands

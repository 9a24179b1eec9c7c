"""How one number of a map came about, in one sentence whose shown numbers add up."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, floor, isfinite, log10

import numpy as np

from core.analysis.records import IMAGE
from core.inside.number_records import (
    Applied,
    Copied,
    Explanation,
    Gated,
    Joined,
    Normalized,
    Pooled,
    Products,
    Shared,
    Unit,
)
from core.inside.windows import Placed
from core.language import N_, _, ngettext
from core.report import formats

_DIGITS, _MOST_DECIMALS = 4, 12  # that are shown behind the point of numbers about 1
_WRITTEN_OUT = 14  # e to this power is a million


def decimals_for(numbers: Sequence[float]) -> int:
    """Decimals with which the largest of these shows four digits or five."""
    largest = max((abs(number) for number in numbers if isfinite(number)), default=0.0)
    power = floor(log10(largest)) if largest else 0
    places = _DIGITS - power if power >= 0 else _DIGITS - 1 - power
    return min(max(places, 0), _MOST_DECIMALS)


def rounded_to_sum(terms: Sequence[float], total: float, decimals: int) -> list[float]:
    """The terms with so many decimals, so that what is shown adds up to the shown total.

    Each is its nearest or its second nearest (the largest remainder method).
    """
    unit = 10.0**-decimals
    exact = np.array(terms, dtype=np.float64) / unit
    whole = np.rint(exact)
    missing = int(np.rint(total / unit) - whole.sum())
    order = np.argsort((whole - exact) if missing > 0 else (exact - whole), kind="stable")
    for index in order[: abs(missing)]:
        whole[index] += np.sign(missing)
    return [float(number) for number in whole * unit]


def fixed(number: float, decimals: int) -> str:
    """−0.4812; what rounds to nothing is 0 without a sign."""
    text = f"{number:.{decimals}f}"
    return text.replace("-", "−") if float(text) else text.replace("-", "")


def place_text(unit: Unit) -> str:
    """`stem1.pool, channel 3, row 2, column 5`; places are counted from 0."""
    return _(
        "{path}, channel {channel}, row {row}, column {column}",
        path=_("the image") if unit.path == IMAGE else unit.path,
        channel=unit.channel,
        row=unit.row,
        column=unit.column,
    )


def window_sentence(window: Placed, sides: tuple[int, int]) -> str:
    """`sees 7×6 pixels, 5 % of the image; its window of 7×7 ends at the border`.

    `sides`: the image's height and width.
    """
    whole, inside = window.whole.sides, window.inside.sides
    pixels = "×".join(map(str, whole))
    if any(there > meant for there, meant in zip(inside, whole, strict=True)):
        return _(
            "sees {pixels} pixels, some beyond the border, which stand for those of the image's"
            " other side: the outline goes from side to side",
            pixels=pixels,
        )
    template = (
        N_("sees {inside} pixels, {share} of the image")
        if whole == inside
        else N_(
            "sees {inside} pixels, {share} of the image; its window of {pixels} ends at the border"
        )
    )
    return _(
        template,
        inside="×".join(map(str, inside)),
        share=formats.whole_percent(inside[0] * inside[1] / (sides[0] * sides[1])),
        pixels=pixels,
    )


def number_sentence(explanation: Explanation) -> str:
    """−0.4812 = 25 products (−0.3911) + bias (−0.0901)."""
    value, how = explanation.value, explanation.how
    match how:
        case Products():
            return _products(value, how)
        case Pooled() if how.divisor is None:
            return _largest(value, how)
        case Pooled():
            total = float(how.reads.values.sum())
            decimals = decimals_for([value, total])
            return _(
                "{value} = the sum of {count} numbers ({total}) ÷ {divisor}, their mean.",
                value=fixed(value, decimals),
                count=how.reads.values.size,
                total=fixed(total, decimals),
                divisor=f"{how.divisor:g}",
            )
        case Applied():
            decimals = decimals_for([value, how.before.value])
            template = (
                N_("{value} = {function}({before}): what is below zero becomes 0.")
                if _is_cut(how)
                else N_("{value} = {function}({before}).")
            )
            return _(
                template,
                value=fixed(value, decimals),
                function=how.name,
                before=fixed(how.before.value, decimals),
            )
        case Normalized():
            return _normalized(value, how)
        case Joined():
            values = [term.value for term in how.terms]
            decimals = decimals_for([value, *values])
            if how.sign == "+":
                values = rounded_to_sum(values, value, decimals)
            texts = [_in_brackets(fixed(one, decimals), i > 0) for i, one in enumerate(values)]
            terms = f" {how.sign} ".join(texts)
            return _("{value} = {terms}.", value=fixed(value, decimals), terms=terms)
        case Shared():
            return _shared(value, how)
        case Gated():
            numbers = (value, how.before.value, how.gate.value)
            shown, before, gate = (fixed(one, decimals_for(numbers)) for one in numbers)
            return _("{value} = {before} × sigmoid({gate}).", value=shown, before=before, gate=gate)
        case Copied(before=before):
            text = fixed(value, decimals_for([value]))
            if before.unit is None:
                return _("{value} was put there by padding.", value=text)
            return _("{value} is copied from {place}.", value=text, place=place_text(before.unit))
    return _(
        "{value}: how {operation} computes a number is not explained here.",
        value=fixed(value, decimals_for([value])),
        operation=explanation.operation,
    )


def _products(value: float, how: Products) -> str:
    decimals = decimals_for([value, *how.by_channel, how.bias or 0.0])
    shown = fixed(value, decimals)
    if how.bias is None:
        return ngettext(
            "{value} = the sum of {number:,} product.",
            "{value} = the sum of {number:,} products.",
            how.kernel.size,
            value=shown,
        )
    products, bias = rounded_to_sum([value - how.bias, how.bias], value, decimals)
    return ngettext(
        "{value} = {number:,} product ({products}) + bias ({bias}).",
        "{value} = {number:,} products ({products}) + bias ({bias}).",
        how.kernel.size,
        value=shown,
        products=fixed(products, decimals),
        bias=fixed(bias, decimals),
    )


def _largest(value: float, how: Pooled) -> str:
    unit = how.reads.unit(0, *how.winner)
    template = (
        N_("{value} is the largest of {count} numbers: {place}.")
        if unit
        else N_("{value} is the largest of {count} numbers.")
    )
    return _(
        template,
        value=fixed(value, decimals_for([value])),
        count=int(np.isfinite(how.reads.values).sum()),
        place=place_text(unit) if unit else "",
    )


def _normalized(value: float, how: Normalized) -> str:
    numbers = (value, how.before.value, how.mean, how.spread, how.scale, how.shift)
    decimals = decimals_for(numbers)
    shown, before, mean, spread, scale, shift = (fixed(one, decimals) for one in numbers)
    return _(
        "{value} = ({before} − mean {mean}) ÷ spread {spread} × scale {scale} + shift {shift}.",
        value=shown,
        before=before,
        mean=_in_brackets(mean),
        spread=spread,
        scale=_in_brackets(scale),
        shift=_in_brackets(shift),
    )


def _shared(value: float, how: Shared) -> str:
    if how.is_log:
        parts = rounded_to_sum(
            [how.before.value, -how.log_sum],
            value,
            decimals := decimals_for((value, how.before.value, how.log_sum)),
        )
        return ngettext(
            "{value} = {before} − {log_sum}, the logarithm of the sum of e^x over {number:,}"
            " number.",
            "{value} = {before} − {log_sum}, the logarithm of the sum of e^x over {number:,}"
            " numbers.",
            how.numbers,
            value=fixed(value, decimals),
            before=fixed(parts[0], decimals),
            log_sum=_in_brackets(fixed(-parts[1], decimals)),
        )
    decimals = decimals_for((how.before.value, how.log_sum))
    if abs(how.log_sum) < _WRITTEN_OUT:
        whole = exp(how.log_sum)
        total = fixed(whole, decimals_for([whole]))
    else:
        total = f"e^{_in_brackets(fixed(how.log_sum, decimals))}"
    return ngettext(
        "{value} = e^{before} ÷ {total}, the sum of e^x over {number:,} number.",
        "{value} = e^{before} ÷ {total}, the sum of e^x over {number:,} numbers.",
        how.numbers,
        value=fixed(value, decimals_for([value])),
        before=_in_brackets(fixed(how.before.value, decimals)),
        total=total,
    )


def _is_cut(how: Applied) -> bool:
    return how.name.lower() == "relu" and how.before.value < 0


def _in_brackets(text: str, wanted: bool = True) -> str:
    """A negative number behind a sign stands in brackets."""
    return f"({text})" if wanted and text.startswith("−") else text

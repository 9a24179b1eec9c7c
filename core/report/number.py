"""One number explained, as the browser draws it: small grids of numbers that add up.

Texts are what is shown; `full` is the whole number, for who points at it. Imports no torch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from core.inside.number_records import (
    Applied,
    Explanation,
    Gated,
    Joined,
    Numbers,
    Pooled,
    Products,
    Reads,
    Term,
    Unit,
)
from core.language import _
from core.report.sentences.number import (
    decimals_for,
    fixed,
    number_sentence,
    place_text,
    rounded_to_sum,
)

MOST_CHANNELS = 8  # that are shown one by one; the others are one sum


def shown_number(explanation: Explanation) -> dict[str, Any]:
    """Sentence, grids and terms; plain values, ready for JSON."""
    how = explanation.how
    shown: dict[str, Any] = {"sentence": number_sentence(explanation), "grids": [], "terms": []}
    if isinstance(how, Products):
        return shown | _products(explanation.value, how)
    if isinstance(how, Pooled):
        return shown | {"grids": [_pooled(how)]}
    if isinstance(how, Joined):
        return shown | {"terms": _joined(explanation.value, how)}
    if isinstance(how, Gated):
        terms = [_term("", how.before), _term(_("× sigmoid of"), how.gate)]
        return shown | {"terms": terms}
    if how is not None:
        sign = _("before") if isinstance(how, Applied) else ""
        return shown | {"terms": [_term(sign, how.before)]}
    return shown


def strongest_channel(how: Products) -> int:
    """Place among the channels that are read of the one with the largest sum."""
    return int(np.abs(how.by_channel).argmax())


def _products(value: float, how: Products) -> dict[str, Any]:
    sums, bias = how.by_channel, how.bias
    order = np.argsort(-np.abs(sums), kind="stable")
    single = order if len(order) <= MOST_CHANNELS else order[:MOST_CHANNELS]
    others = order[len(single) :]
    parts = [float(sums[place]) for place in single]
    parts += [float(sums[others].sum())] if len(others) else []
    parts += [] if bias is None else [bias]
    decimals = decimals_for([value, *parts])
    texts = rounded_to_sum(parts, value, decimals)
    end = len(single) + bool(len(others))
    return {
        "grids": [
            _grid(how, int(place), text, decimals)
            for place, text in zip(single, texts[: len(single)], strict=True)
        ],
        "rest": {"count": len(others), "sum": fixed(texts[len(single)], decimals)}
        if len(others)
        else None,
        "bias": None if bias is None else {"text": fixed(texts[end], decimals), "full": bias},
        "total": fixed(value, decimals),
    }


def _grid(how: Products, place: int, total: float, decimals: int) -> dict[str, Any]:
    """The numbers of one channel; the products as shown add up to their sum as shown."""
    products = how.products[place]
    rounded = rounded_to_sum(products.ravel().tolist(), total, decimals)
    return {
        "channel": int(how.reads.channels[place]),
        "columns": products.shape[1],
        "input": _cells(how.reads.values[place]),
        "kernel": _cells(how.kernel[place]),
        "product": [
            {"text": fixed(text, decimals), "full": float(full)}
            for text, full in zip(rounded, products.ravel(), strict=True)
        ],
        "sum": fixed(total, decimals),
        "units": _units(how.reads, place),
    }


def _pooled(how: Pooled) -> dict[str, Any]:
    values = how.reads.values[0]
    row, column = how.winner
    return {
        "channel": int(how.reads.channels[0]),
        "columns": values.shape[1],
        "input": _cells(np.where(np.isfinite(values), values, 0.0)),
        "winner": row * values.shape[1] + column if how.divisor is None else None,
        "units": _units(how.reads, 0),
    }


def _cells(values: Numbers) -> list[dict[str, Any]]:
    decimals = decimals_for(values.ravel().tolist())
    return [{"text": fixed(float(one), decimals), "full": float(one)} for one in values.ravel()]


def _units(reads: Reads, place: int) -> list[str | None]:
    """Who has made each number; None for padding."""
    __, height, width = reads.values.shape
    return [address(reads.unit(place, *divmod(i, width))) for i in range(height * width)]


def _joined(value: float, how: Joined) -> list[dict[str, Any]]:
    values = [term.value for term in how.terms]
    decimals = decimals_for([value, *values])
    if how.sign == "+":
        values = rounded_to_sum(values, value, decimals)
    return [
        _term(how.sign if index else "", term) | {"text": fixed(text, decimals)}
        for index, (term, text) in enumerate(zip(how.terms, values, strict=True))
    ]


def _term(sign: str, term: Term) -> dict[str, Any]:
    return {
        "sign": sign,
        "text": fixed(term.value, decimals_for([term.value])),
        "full": term.value,
        "from": place_text(term.unit) if term.unit else _("a constant"),
        "unit": address(term.unit),
    }


def address(unit: Unit | None) -> str | None:
    """`stem1.pool|3.2.5`."""
    if unit is None:
        return None
    return f"{unit.path}|{unit.channel}.{unit.row}.{unit.column}"


def number_text(explanation: Explanation) -> str:
    """Where the number stands, how it came about, and its parts, a line each."""
    shown = shown_number(explanation)
    place = _("{place}:", place=place_text(explanation.unit))
    lines = [f"{place}\n{shown['sentence']}"]
    how = explanation.how
    if isinstance(how, Products):
        source = how.reads.source.path or _("a constant")
        lines += [
            _(
                "{number} from channel {channel} of {layer}",
                number=one["sum"],
                channel=one["channel"],
                layer=source,
            )
            for one in shown["grids"]
        ]
        if rest := shown["rest"]:
            lines.append(
                _(
                    "{number} from its other {count:,} channels together",
                    number=rest["sum"],
                    count=rest["count"],
                )
            )
        if bias := shown["bias"]:
            lines.append(_("{number} bias", number=bias["text"]))
    elif len(shown["terms"]) > 1:
        lines += [
            _("{number} from {source}", number=one["text"], source=one["from"])
            for one in shown["terms"]
        ]
    return "\n  ".join(lines) + "\n"

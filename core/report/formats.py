"""Numbers as people read them: three or four digits, a thin space, a unit. The last step."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, log10
from typing import Any

from core.analysis.records import Sides, each_side
from core.language import N_, _, comma, ngettext
from core.training.records import DETERMINISTIC

_THIN_SPACE = "\u2009"
_UNBROKEN_SPACE = "\u202f"  # as thin, and no line ends there
_PARTING = re.compile(  # where a line could end between a number and its unit, or within that
    rf"[ {_THIN_SPACE}](?:(?<=\d.)"
    r"(?=(?:%|px|ms|s|min|h|[kKMGT]i?B?|MACs|FLOPs|images/s|[GT]FLOP/s|TB/s)(?![A-Za-z0-9]))"
    rf"|(?<=\d[ {_THIN_SPACE}][kMGT] )(?=(?:MACs|FLOPs)\b))"
)
NOTHING = "–"
_THREADS = re.compile(r"(\d+) threads?")
_DRIVER = re.compile(r"driver (.+)")
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def yes_or_no(value: bool) -> str:
    """In a table of settings."""
    return _("yes") if value else _("no")


def short(number: float, unit: str = "") -> str:
    """128806154 as "128.8 M"; with a unit "7.55 G MACs"."""
    for factor, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= factor * 0.9995:
            return joined(digits(number / factor), f"{prefix} {unit}" if unit else prefix)
    return joined(f"{number:g}", unit) if unit else f"{number:g}"


def digits(number: float) -> str:
    """Four digits above 100, three below: 128.8, 7.55, 41.5."""
    if abs(number) >= 100:
        return f"{number:.1f}"
    return f"{number:.2f}" if abs(number) < 10 else f"{number:.1f}"


def joined(number: str, unit: str) -> str:
    """A number and its unit with a thin space between."""
    return f"{number}{_THIN_SPACE}{unit}" if unit else number


def kept_together(text: str) -> str:
    """Running text in which no line ends between a number and its unit."""
    return _PARTING.sub(_UNBROKEN_SPACE, text)


def sides(pixels: Sides | None) -> str:
    """150 or (159, 255) as "150" or "159×255"; nothing where attention looks anywhere."""
    if pixels is None:
        return NOTHING
    return "×".join(map(str, each_side(pixels)))


def sides_column(values: Sequence[Sides | None]) -> list[Any]:
    """A column of a table: numbers, or texts where one has a height and a width apart."""
    if all(value is None or isinstance(value, int) for value in values):
        return list(values)
    return [None if value is None else sides(value) for value in values]


def mebibytes(count: float) -> str:
    """Bytes as "491 MiB", from 1,024 MiB on as "7.31 GiB"."""
    if count >= 2**30:
        return joined(digits(count / 2**30), "GiB")
    value = count / 2**20
    return joined(f"{value:,.0f}" if value >= 100 else digits(value), "MiB")


def percent(fraction: float | None) -> str:
    """0.9898 as "98.98 %"."""
    return NOTHING if fraction is None else joined(f"{100 * fraction:.2f}", "%")


def percent_within(fraction: float, half: float | None) -> str:
    """0.9898 and 0.0012 as "98.98 ± 0.12 %"; without a half width "98.98 %"."""
    return (
        percent(fraction) if half is None else joined(f"{points(fraction)} ± {points(half)}", "%")
    )


def whole_percent(fraction: float) -> str:
    """0.45 as "45 %": sentences need no more digits."""
    return joined(f"{100 * fraction:.0f}", "%")


def points(fraction: float) -> str:
    """0.0031 as "0.31", −0.0031 as "−0.31": hundredths, of which an accuracy of 1 has a hundred."""
    return f"{100 * fraction:.2f}".replace("-", "−")


def signed_points(fraction: float) -> str:
    """0.0031 as "+0.31", −0.0031 as "−0.31"; what rounds to nothing has no sign."""
    text = f"{100 * fraction:+.2f}".replace("-", "−")
    return text[1:] if float(text[1:]) == 0 else text


def signed(number: int) -> str:
    """+1,728 or −1,728; 0 has no sign."""
    return f"{'−' if number < 0 else '+'}{abs(number):,}" if number else "0"


def signed_number(value: float) -> str:
    """Three digits with a real minus sign: −1.21, 0.004, 3.1 × 10⁻⁷."""
    return scientific(value, 3).replace("-", "−")


def scientific(value: float | None, digits: int = 2) -> str:
    """0.71, 24, 3.1 × 10⁻¹⁷; 0 only where it is exactly that."""
    if value is None:
        return NOTHING
    if value == 0 or not isfinite(value):
        return f"{value:g}"
    if 1e-3 <= abs(value) < 1e4:
        return f"{value:.{digits}g}" if abs(value) < 100 else f"{value:,.0f}"
    exponent = int(log10(abs(value)) // 1)
    mantissa = f"{value / 10**exponent:.{digits - 1}f}"
    return f"{mantissa} × 10{superscript(exponent)}"


def superscript(number: int) -> str:
    """−5 as "⁻⁵"."""
    return str(number).translate(_SUPERSCRIPTS)


def factor(value: float | None) -> str:
    """Exact enough to be multiplied up over many layers: 0.714, 1.0205."""
    if value is not None and 0.9 <= value <= 1.1:
        return f"{value:.4f}"
    return scientific(value, 3)


def duration(seconds: float | None) -> str:
    """0.0123 as "12.3 ms", 40 as "40 s", 100 as "1 min 40 s", 7300 as "2 h 2 min"."""
    if seconds is None:
        return NOTHING
    if seconds < 1:
        return joined(digits(1000 * seconds), "ms") if seconds else joined("0", "s")
    if seconds < 10:
        return joined(f"{seconds:.1f}", "s")
    rounded = round(seconds)
    if rounded < 60:
        return joined(str(rounded), "s")
    if rounded < 3600:
        rest = f" {joined(str(rounded % 60), 's')}" if rounded % 60 else ""
        return joined(str(rounded // 60), "min") + rest
    minutes = round(seconds / 60)
    rest = f" {joined(str(minutes % 60), 'min')}" if minutes % 60 else ""
    return joined(str(minutes // 60), "h") + rest


def machine(described: str) -> str:
    """What something was computed on, `AMD EPYC CPU, 2 threads`; it is kept in English."""
    return comma().join(_part_of_machine(part) for part in described.split(", "))


def _part_of_machine(part: str) -> str:
    if threads := _THREADS.fullmatch(part):
        return ngettext("{number} thread", "{number} threads", int(threads[1]))
    if driver := _DRIVER.fullmatch(part):
        return _("driver {version}", version=driver[1])
    return _("deterministic kernels") if part == DETERMINISTIC else part


def shape(sizes: Sequence[int], layout: str = "NCHW", batch_size: int = 1) -> str:
    """(1, 64, 112, 112) as "1×64×112×112", or with layout NHWC as "1×112×112×64"."""
    ordered = [batch_size * sizes[0], *sizes[1:]] if sizes else []
    if layout == "NHWC" and len(ordered) == 4:
        ordered = [ordered[0], *ordered[2:], ordered[1]]
    return "×".join(map(str, ordered))


# Ratios ----------------------------------------------------------------------------------------

_EQUAL, _NEAR = 1.005, 1.25  # up to these factors a part is the whole, or told in percent
_TWICE = 2.0  # from which factor on "times more" cannot be misread
_WHOLE = 0.005  # how far from a whole number a factor may be that is told as one


@dataclass(frozen=True)
class Comparison:
    """How one number is told against another; templates for `times`."""

    times_more: str
    times_less: str
    percent_more: str
    percent_less: str
    equal: str


MANY = Comparison(
    N_("{factor} times more"),
    N_("{factor} times fewer"),
    N_("{percent} more"),
    N_("{percent} fewer"),
    N_("as many"),
)
MUCH = Comparison(
    N_("{factor} times more"),
    N_("{factor} times less"),
    N_("{percent} more"),
    N_("{percent} less"),
    N_("as much"),
)
SIZE = Comparison(
    N_("{factor} times larger than"),
    N_("{factor} times smaller than"),
    N_("{percent} larger than"),
    N_("{percent} smaller than"),
    N_("as large as"),
)
SPEED = Comparison(
    N_("{factor} times faster than"),
    N_("{factor} times slower than"),
    N_("{percent} faster than"),
    N_("{percent} slower than"),
    N_("as fast as"),
)


def times(value: float, reference: float, told: Comparison = MANY) -> str:
    """`value` against `reference` as a person says it: "12.1 times fewer", "4 % more", "as many".

    In a Chinese sentence it follows what is compared, as its predicate: 参数多 4 %.
    """
    larger, smaller = max(value, reference), min(value, reference)
    is_more = value > reference
    if larger <= smaller * _EQUAL:
        return _(told.equal)
    if smaller <= 0:
        return _("{number} more", number=short(value)) if is_more else _("none")
    if larger < smaller * _TWICE:
        percent = whole_percent(abs(value / reference - 1))
        return _(told.percent_more if is_more else told.percent_less, percent=percent)
    factor = _factor(larger / smaller)
    return _(told.times_more if is_more else told.times_less, factor=factor)


def part_of(value: float, whole: float, name: str) -> str:
    """`value` as a part or multiple of `whole`: "1/70 of the default", "3.5 × the default"."""
    if value * _EQUAL >= whole and value <= whole * _EQUAL:
        return name
    if whole and value > whole * _NEAR:
        return _("{factor} × {name}", factor=_factor(value / whole), name=name)
    parts = whole / value if value > 0 else 0.0
    if parts >= 10 or (parts > _NEAR and abs(parts - round(parts)) < _WHOLE * parts):
        return _("1/{parts:,} of {name}", parts=round(parts), name=name)
    if not whole:
        return _("more than {name}", name=name)
    return _("{percent} of {name}", percent=whole_percent(value / whole), name=name)


def _factor(ratio: float) -> str:
    """Three digits, all of a large one: 12.1, 1,234; beyond that a power of ten."""
    if ratio >= 1e6:
        return scientific(ratio)
    return f"{ratio:,.0f}" if ratio >= 1000 else f"{ratio:.3g}"

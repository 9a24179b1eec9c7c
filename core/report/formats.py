"""Numbers as people read them: three or four digits, a thin space, a unit. The last step."""

from __future__ import annotations

from collections.abc import Sequence

THIN_SPACE = "\u2009"
NOTHING = "–"


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
    return f"{number}{THIN_SPACE}{unit}" if unit else number


def mebibytes(count: float) -> str:
    """Bytes as "491 MiB", from 10 GiB on as "12.3 GiB"."""
    if count >= 10 * 2**30:
        return joined(f"{count / 2**30:.1f}", "GiB")
    value = count / 2**20
    return joined(f"{value:,.0f}" if value >= 100 else digits(value), "MiB")


def percent(fraction: float | None) -> str:
    """0.9898 as "98.98 %"."""
    return NOTHING if fraction is None else joined(f"{100 * fraction:.2f}", "%")


def duration(seconds: float | None) -> str:
    """0.0123 as "12.3 ms", 40 as "40 s", 100 as "1 min 40 s", 7300 as "2 h 2 min"."""
    if seconds is None:
        return NOTHING
    if seconds < 1:
        return joined(digits(1000 * seconds), "ms") if seconds else joined("0", "s")
    if seconds < 10:
        return joined(f"{seconds:.1f}", "s")
    whole = round(seconds)
    if whole < 60:
        return joined(str(whole), "s")
    if whole < 3600:
        rest = f" {joined(str(whole % 60), 's')}" if whole % 60 else ""
        return joined(str(whole // 60), "min") + rest
    minutes = round(seconds / 60)
    rest = f" {joined(str(minutes % 60), 'min')}" if minutes % 60 else ""
    return joined(str(minutes // 60), "h") + rest


def shape(sizes: Sequence[int], layout: str = "NCHW", batch_size: int = 1) -> str:
    """(1, 64, 112, 112) as "1×64×112×112", or with layout NHWC as "1×112×112×64"."""
    ordered = [batch_size * sizes[0], *sizes[1:]] if sizes else []
    if layout == "NHWC" and len(ordered) == 4:
        ordered = [ordered[0], *ordered[2:], ordered[1]]
    return "×".join(map(str, ordered))


def change(now: float, before: float) -> str | None:
    """`now` as a multiple of `before`: "×0.25"; None where they are equal to three digits."""
    if not before or f"{now / before:.3g}" == "1":
        return None
    return f"×{now / before:.3g}"

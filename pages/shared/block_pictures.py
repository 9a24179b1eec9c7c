"""Small pictures of the residual blocks, as SVG; grey lines show on light and on dark pages."""

from __future__ import annotations

INK = "#7A838F"  # contrast of about 4 with both white and black
TOP, CONV1, CONV2, JOIN, BOTTOM = 14, 40, 84, 128, 158  # y of the parts, in pixels
MAIN, SIDE = 62, 140  # x of the residual branch and of the shortcut


def block_picture(shortcut: str, as_published: bool, colour: str) -> str:
    """One block from top to bottom, its shortcut at the right; a dead convolution is dashed."""
    parts = [
        _line(MAIN, TOP, MAIN, CONV1),
        _box(MAIN, CONV1, "conv1 3×3", colour, dead=as_published),
        _line(MAIN, CONV1 + 24, MAIN, CONV2, dead=as_published),
        _box(MAIN, CONV2, "conv2 3×3", colour),
        _line(MAIN, CONV2 + 24, MAIN, JOIN - (0 if shortcut == "none" else 9)),
        _line(MAIN, JOIN + (0 if shortcut == "none" else 9), MAIN, BOTTOM, arrow=True),
        _text(MAIN, 10, "x"),
        _text(MAIN + 32, BOTTOM - 4, "ReLU"),
    ]
    if as_published:  # conv2 reads x past conv1
        parts.append(_path(f"M{MAIN} 24 H8 V76 H{MAIN} V{CONV2}", INK))
    if shortcut != "none":
        through = f"V62 M{SIDE} 86 " if shortcut == "conv" else ""  # the 1×1 stands in the way
        parts.append(_path(f"M{MAIN} 20 H{SIDE} {through}V{JOIN} H{MAIN + 10}", colour))
        parts.append(_join("+"))
    if shortcut == "conv":
        parts.append(_box(SIDE, 62, "1×1", colour, width=36))
    if shortcut == "constant-scaling":
        parts.append(_text(MAIN - 32, JOIN + 18, "× 0.5"))
    body = "".join(parts)
    return (
        f'<svg viewBox="0 0 176 168" width="176" height="168" role="img"'
        f' aria-label="block with {shortcut} shortcut" fill="none" stroke="{INK}"'
        f' font-family="sans-serif" font-size="12" xmlns="http://www.w3.org/2000/svg">{body}</svg>'
    )


def _line(x1: int, y1: int, x2: int, y2: int, arrow: bool = False, dead: bool = False) -> str:
    dash = ' stroke-dasharray="3 3"' if dead else ""
    line = f'<path d="M{x1} {y1} L{x2} {y2}" stroke-width="1.5"{dash}/>'
    head = f'<path d="M{x2 - 4} {y2 - 6} L{x2} {y2} L{x2 + 4} {y2 - 6}" stroke-width="1.5"/>'
    return line + (head if arrow else "")


def _path(data: str, colour: str) -> str:
    return f'<path d="{data}" stroke="{colour}" stroke-width="2"/>'


def _box(x: int, y: int, label: str, colour: str, width: int = 84, dead: bool = False) -> str:
    dash = ' stroke-dasharray="4 3"' if dead else f' fill="{colour}" fill-opacity="0.18"'
    return (
        f'<rect x="{x - width // 2}" y="{y}" width="{width}" height="24" rx="4"'
        f' stroke="{colour}" stroke-width="1.5"{dash}/>' + _text(x, y + 16, label)
    )


def _join(sign: str) -> str:
    return f'<circle cx="{MAIN}" cy="{JOIN}" r="9" stroke-width="1.5"/>' + _text(
        MAIN, JOIN + 4, sign
    )


def _text(x: int, y: int, text: str) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="middle" fill="{INK}" stroke="none">{text}</text>'

"""Small pictures of the residual units, as SVG; gray lines show on light and on dark pages.

Nothing is drawn by name: the table in core.zoo.variants says what stands on the branch, on the
shortcut and after the addition.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from core.language import _
from core.report.figures.palette import INK
from core.report.figures.variants import style_of
from core.zoo.variants import ORDERS, SHORTCUTS, Variant
from pages.views.app.svg_image import svg_image

WIDTH = 184
_WIDEST = 360  # pixels of a cell of the row
MAIN, SIDE, GATE = 43, 151, 106  # x of the residual branch, of the shortcut, of the gate's line
MAIN_WIDTH, SIDE_WIDTH, GATE_WIDTH = 66, 64, 54  # of their boxes
_BYPASS = 4  # x of the line past a dead convolution
TOP, GAP, RADIUS = 18, 9, 9  # y where x comes in, between two parts, of the addition's circle
_TAP = TOP + 6  # y where the shortcut leaves


_STYLE = """<style>
.blocks {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(240px, 1fr)); gap: 1px;
  margin: 1px; border-radius: 0.5rem;
}
.blocks figure {
  display: grid; grid-row: span 3; grid-template-rows: subgrid; gap: 0; margin: 0;
  padding: 0.75rem; justify-items: start; border-radius: 0.25rem;
  box-shadow: 0 0 0 1px light-dark(#D5D9E0, #3A424E);
}
.blocks img { width: 109px; margin-top: 0.5rem; }
.blocks figcaption { font-size: 15px; font-weight: 600; overflow-wrap: anywhere; }
.blocks p { margin: 0; text-wrap: balance; font-size: 13px; color: light-dark(#525A66, #A9B1BC); }
@media (max-width: 640px) {  /* beside each other still: what they are for stands below */
  .blocks { grid-template-columns: none; grid-auto-flow: column; grid-auto-columns: 240px;
            grid-template-rows: repeat(3, auto); overflow-x: auto; }
}
</style>"""


def variant_cards(variants: Sequence[Variant]) -> str:
    """Each unit with its title, formula and picture: one piece of HTML for all.

    As many beside each other as there is room for; on a phone the row is pushed sideways.
    """
    cards = (
        f"<figure><figcaption>{escape(variant.title)}</figcaption>"
        f"<p>{_formula_lines(variant)}</p>"
        f"{svg_image(variant_picture(variant, style_of(variant).color))}</figure>"
        for variant in variants
    )
    label = escape(_("Blocks"))
    return (
        f'{_STYLE}<div class="blocks" role="group" aria-label="{label}"'
        ' tabindex="0"'
        f' style="max-width: {_WIDEST * len(variants)}px">'
        f"{''.join(cards)}</div>"
    )


def _formula_lines(variant: Variant) -> str:
    """The formula, and below it what its letters are; it may break after a bracket, too."""
    formula, *letters = variant.formula.split(", ", 1)
    formula, *dead = re.split("[;；] *", formula)
    lines = [formula.replace("(", "(\0"), *letters, *dead]
    return "<br>".join(escape(line).replace("\0", "<wbr>") for line in lines)


def variant_picture(variant: Variant, color: str) -> str:
    """One unit from top to bottom, its shortcut at the right; what is dead is dashed."""
    row, order = SHORTCUTS[variant.shortcut], ORDERS[variant.order]
    branch = [part for part in order.branch if variant.batch_norm or part != "BN"]
    after = [part for part in order.after if variant.batch_norm or part != "BN"]
    dead = branch.index("conv2") if variant.as_published else 0  # so many parts come to nothing
    drawn = [_text(MAIN, 12, "x")]
    y, at = TOP, 0.0
    if row.name != "none":
        y = _TAP - GAP + 8  # the shortcut leaves before the first part
    for index, part in enumerate([*branch, *row.on_branch]):
        is_dead = index < dead
        into = y + GAP + (8 if index == dead and dead else 0)
        drawn.append(_line(MAIN, y if index else TOP, into, dashed=0 < index <= dead))
        if dead and index == dead:  # conv2 reads x past what is dead
            drawn.append(_path(f"M{MAIN} {TOP + 5} H{_BYPASS} V{into - 6} H{MAIN} V{into}", INK))
        drawn.append(_part(MAIN, into, part, color, MAIN_WIDTH, is_dead))
        at, y = into, into + height(part)
    join = y + GAP + RADIUS
    if row.name != "none":
        drawn.append(_line(MAIN, y, join - RADIUS))
        level = at if row.on_branch else join - RADIUS - GAP - 20
        drawn += _shortcut_parts(variant, color, level, join)
        y = join + RADIUS
    for part in after:
        drawn += [_line(MAIN, y, y + GAP), _part(MAIN, y + GAP, part, color, MAIN_WIDTH)]
        y += GAP + height(part)
    drawn.append(_arrow(MAIN, y, y + 14))
    return _svg("".join(drawn), y + 18)


def _shortcut_parts(variant: Variant, color: str, level: float, join: float) -> list[str]:
    """The way of x to the addition at `join`, its parts at `level`, and the gate."""
    row = SHORTCUTS[variant.shortcut]
    start = TOP + 5 if not variant.as_published else TOP + 2
    if not row.on_branch and not row.has_gate:
        level = (start + join) / 2 - 12  # in the middle of its line
    line = f"M{MAIN} {start} H{SIDE} V{join} H{MAIN + RADIUS}"
    for part in row.on_shortcut:
        bottom = level + height(part)
        line = f"M{MAIN} {start} H{SIDE} V{level} M{SIDE} {bottom} V{join} H{MAIN + RADIUS}"
    drawn = [_path(line, color), _plus(join)]
    drawn += [_part(SIDE, level, part, color, SIDE_WIDTH) for part in row.on_shortcut]
    if row.has_gate:
        middle = level + height("× g") / 2
        top = start + 10
        drawn.append(
            _path(
                f"M{GATE} {start} V{top} M{GATE} {top + 24} V{middle} H{SIDE - SIDE_WIDTH / 2:g}",
                INK,
            )
        )
        drawn.append(_part(GATE, top, "σ(1×1)", color, GATE_WIDTH))
        if row.on_branch:
            drawn.append(_path(f"M{GATE} {middle} H{MAIN + MAIN_WIDTH / 2:g}", INK))
    return drawn


def height(part: str) -> int:
    """Pixels; what has weights stands out."""
    return 24 if "1×1" in part or part.startswith("conv") else 20


def _part(x: float, y: float, label: str, color: str, width: int, is_dead: bool = False) -> str:
    """A box: filled where it has weights, dashed where it is dead."""
    has_weights = height(label) > 20
    style = f'stroke="{color if has_weights else INK}"'
    if is_dead:
        style += ' stroke-dasharray="4 3"'
    elif has_weights:
        style += f' fill="{color}" fill-opacity="0.14"'
    text = {"conv1": "3×3", "conv2": "3×3", "conv 1×1": "1×1"}.get(label, label)
    return (
        f'<rect x="{x - width / 2:g}" y="{y:g}" width="{width}" height="{height(label)}"'
        f' rx="{4 if has_weights else 10}" stroke-width="1.5" {style}/>'
        + _text(x, y + height(label) / 2 + 5, text)
    )


def _line(x: float, top: float, bottom: float, dashed: bool = False) -> str:
    dash = ' stroke-dasharray="3 3"' if dashed else ""
    return f'<path d="M{x:g} {top:g} V{bottom:g}" stroke-width="1.5"{dash}/>'


def _arrow(x: float, top: float, bottom: float) -> str:
    head = f"M{x - 4:g} {bottom - 6:g} L{x:g} {bottom:g} L{x + 4:g} {bottom - 6:g}"
    return _line(x, top, bottom) + f'<path d="{head}" stroke-width="1.5"/>'


def _path(data: str, color: str) -> str:
    return f'<path d="{data}" stroke="{color}" stroke-width="2"/>'


def _plus(y: float) -> str:
    circle = f'<circle cx="{MAIN}" cy="{y:g}" r="{RADIUS}" stroke-width="1.5"/>'
    return circle + f'<path d="M{MAIN - 5} {y:g} H{MAIN + 5} M{MAIN} {y - 5:g} V{y + 5:g}"/>'


def _text(x: float, y: float, text: str) -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" text-anchor="middle" fill="{INK}" stroke="none">'
        f"{escape(text)}</text>"
    )


def _svg(body: str, bottom: float) -> str:
    size = f'viewBox="0 0 {WIDTH} {bottom:g}" width="{WIDTH}" height="{bottom:g}"'
    return (
        f'<svg {size} fill="none" stroke="{INK}"'
        f' font-family="sans-serif" font-size="15" xmlns="http://www.w3.org/2000/svg">{body}</svg>'
    )

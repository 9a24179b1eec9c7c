"""What stands in the boxes of a picture, and how much room it takes. Imports no torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from math import ceil

from core.analysis.records import LayerCost, Shape
from core.language import N_, _, comma, ngettext
from core.report import formats
from core.report.picture.fold import INPUT, OUTPUT, Node
from core.report.picture.layout import Size
from core.report.picture.repeats import TO
from core.report.text_width import is_wide

FONT_SIZE, LINE = 12, 15  # pixels
_WIDEST = 212  # pixels of text in a box; what is longer is broken or cut
MARGIN, WIDTH_STEP, RADIUS = 8, 24, 13
JOIN_GAP = 6  # pixels between a circle and its words
UNREAD = N_("read by no layer")
_NAMES = {"relu": "ReLU"}  # functional operations that have a well-known spelling

Text = list[tuple[str, bool]]  # pieces of a line: text, bold


def operation(layer: LayerCost) -> str:
    """`Conv2d 7×7 /2`: the window and, as in the papers, the stride where it is not the usual."""
    name = _NAMES.get(layer.operation, layer.operation)
    window = layer.window
    if window is None:
        return name
    usual = window.kernel if layer.kind == "pooling" else (1, 1)
    stride = "" if window.stride == usual else f" /{window.stride[-1]}"
    text = f"{name} {formats.shape(window.kernel)}{stride}"
    if window.groups == 1:
        return text
    channels = layer.input_shape[1] if len(layer.input_shape) > 1 else 0
    if window.groups == channels:
        return _("{operation} depthwise", operation=text)
    return _("{operation} {groups} groups", operation=text, groups=window.groups)


def shape_text(shape: Shape) -> str:
    """C×H×W of one image; other shapes whole."""
    return formats.shape(shape[1:] if len(shape) > 1 and shape[0] == 1 else shape)


def _contents(node: Node) -> str:
    """What a folded block holds: its weight layers by kind, or how many layers in all."""
    kinds = Counter(layer.kind for layer in node.layers if layer.is_weight_layer)
    convolutions, linear = kinds["convolution"], kinds["linear"]
    parts = []
    if convolutions:
        parts.append(ngettext("{number} convolution", "{number} convolutions", convolutions))
    if linear:
        parts.append(ngettext("{number} linear layer", "{number} linear layers", linear))
    return comma().join(parts) or _("{number} layers", number=len(node.layers))


def costs(node: Node) -> str:
    """Parameters and MACs in short form, those that are not zero."""
    numbers = ((node.params, _("params")), (node.macs, "MACs"))
    return " · ".join(formats.short(number, unit) for number, unit in numbers if number)


def _operations(layers: Sequence[LayerCost]) -> list[str]:
    """The operations in a box; one that comes again at once is named once."""
    texts: list[str] = []
    for layer in layers:
        if (text := operation(layer)) not in texts[-1:]:
            texts.append(text)
    return texts


def lines_of(node: Node, is_unread: bool) -> list[Text]:
    """What stands in a box, or beside a join; `is_unread`: no other box reads its result."""
    shape = shape_text(node.shape)
    if node.path == INPUT:
        return [[(_("image"), True), (f" {shape}", False)]]
    if node.path == OUTPUT:
        return [_end(node.shape)]
    if node.is_join:
        words = _operations(node.layers)[1:]
    else:
        words = [_contents(node)] if node.is_block else _operations(node.layers)
    lines = [*map(_shortened, _wrapped(words)), shape, costs(node), _(UNREAD) if is_unread else ""]
    texts: list[Text] = [[(line, False)] for line in lines if line]
    return texts if node.is_join else [*_headed(node, texts)]


def _end(shape: Shape) -> Text:
    """What the network gives: scores, a map; nothing where its forward pass has failed."""
    if not shape:
        return [(_("fails here"), True)]
    name = _("classes") if len(shape) == 2 else _("result")
    return [(name, True), (f" {shape_text(shape)}", False)]


def _headed(node: Node, lines: list[Text]) -> Iterator[Text]:
    """The lines under the name, or the first one beside it where both are short.

    An index in a list is no name, there the operation says more; nor is the operation once more.
    """
    is_bare = node.name.isdecimal() or lines[0] == [(node.name, False)]
    if is_bare and not node.is_block:
        yield from lines
        return
    name = f"▸ {block_name(node.path, node.name, node.count)}" if node.is_block else node.name
    head: Text = [(_shortened(name, bold=True), True)]
    beside: Text = [*head, ("  " + lines[0][0][0], False)]
    if line_width(beside) <= _WIDEST:
        yield beside
        yield from lines[1:]
    else:
        yield head
        yield from lines


def block_name(path: str, name: str, count: int = 1) -> str:
    """A block's name; one that is only a number gets what is before it: stage1.0.

    Of `count` blocks that repeat: stage1.1–5 × 5.
    """
    is_number = name.replace(TO, "").isdecimal()
    full = ".".join(path.split(".")[-2:]) if is_number else name
    return f"{full} × {count}" if count > 1 else full


def _wrapped(words: Sequence[str]) -> Iterator[str]:
    """`words` with commas, in lines of a box's width; at most three."""
    lines = [""]
    for word in words:
        longer = f"{lines[-1]}{comma()}{word}" if lines[-1] else word
        if text_width(longer) <= _WIDEST or not lines[-1]:
            lines[-1] = longer
        else:
            lines[-1] += comma().rstrip()
            lines.append(word)
    yield from lines if len(lines) <= 3 else [*lines[:2], "…"]


def tooltip(node: Node) -> str:
    """What the tooltip says: everything in full."""
    if not node.layers:
        name = _("image") if node.path == INPUT else _("classes")
        return comma().join((name, shape_text(node.shape)))
    return _(
        "{path}: {operations}; output {shape}; {params:,} parameters, {macs:,} MACs",
        path=node.path,
        operations=_in_words(node),
        shape=formats.shape(node.shape),
        params=node.params,
        macs=node.macs,
    )


def _in_words(node: Node) -> str:
    """The operations of a box, or how many where they are many."""
    layers = len(node.layers)
    if layers <= 5:
        return comma().join(_operations(node.layers))
    if node.count == 1:
        return _("{number} layers", number=layers)
    return _("{blocks} blocks that are the same, {layers} layers", blocks=node.count, layers=layers)


# Sizes -----------------------------------------------------------------------------------------


def text_width(text: str, bold: bool = False) -> float:
    """About how many pixels the text takes, a little too many rather than too few."""
    narrow, wide = " ijl.,·|'!fIt1\u2009\u202f", "mwMWG▸…"
    units = sum(
        1.0 if is_wide(char) else 0.34 if char in narrow else 0.88 if char in wide else 0.57
        for char in text
    )
    capitals = sum(0.1 for char in text if char.isupper())
    return FONT_SIZE * (units + capitals) * (1.06 if bold else 1.0)


def line_width(line: Text) -> float:
    """Pixels of a line with bold and plain pieces."""
    return sum(text_width(piece, bold) for piece, bold in line)


def _shortened(text: str, bold: bool = False) -> str:
    """The text cut in its middle to the width of a box; names differ at both ends."""
    if text_width(text, bold) <= _WIDEST:
        return text
    keep = len(text) // 2
    while keep > 2 and text_width(cut := f"{text[:keep]}…{text[-keep:]}", bold) > _WIDEST:
        keep -= 1
    return cut


def size_of(node: Node, lines: Sequence[Text], lying: bool) -> Size:
    """What the box, or the circle with its words, needs; widths in steps, so that boxes align.

    The words of a circle stand where its arrows do not: at its right, or below it in a lying graph.
    """
    width = max((line_width(line) for line in lines), default=0.0)
    height = LINE * len(lines)
    if node.is_join:
        along, beside = (width, height) if lying else (height, width)
        words = JOIN_GAP + beside if lines else 0
        along = max(2 * RADIUS, along)
        return Size(RADIUS, RADIUS + words, along, inset=along / 2 - RADIUS)
    wide = ceil((width + 2 * MARGIN) / WIDTH_STEP) * WIDTH_STEP
    high = height + 8
    across, along = (high, wide) if lying else (wide, high)
    return Size(across / 2, across / 2, along)

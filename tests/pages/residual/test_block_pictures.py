"""The small pictures of the units show what the table says, and nothing else."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from core.zoo.variants import ORDERS, SHORTCUTS, VARIANTS
from pages.views.residual.block_pictures import INK, WIDTH, variant_cards, variant_picture

SVG = "{http://www.w3.org/2000/svg}"
COLOR = "#0072B2"


def drawn(name: str) -> ElementTree.Element:
    return ElementTree.fromstring(variant_picture(VARIANTS[name], COLOR))


def words(picture: ElementTree.Element) -> list[str]:
    return [str(text.text) for text in picture.iter(f"{SVG}text")]


@pytest.mark.parametrize("name", VARIANTS)
def test_a_picture_has_every_part_of_its_unit(name):
    variant = VARIANTS[name]
    row, order = SHORTCUTS[variant.shortcut], ORDERS[variant.order]
    seen = words(drawn(name))
    parts = [*order.branch, *order.after]
    assert seen.count("3×3") == 2
    assert seen.count("ReLU") == parts.count("ReLU")
    assert seen.count("BN") == (parts.count("BN") if variant.batch_norm else 0)
    assert seen.count("1×1") == ("conv 1×1" in row.on_shortcut)
    assert seen.count("σ(1×1)") == row.has_gate
    for part in (*row.on_branch, *row.on_shortcut):
        assert part in seen or part == "conv 1×1"
    assert len(list(drawn(name).iter(f"{SVG}circle"))) == (row.name != "none")


@pytest.mark.parametrize("name", VARIANTS)
def test_boxes_lie_inside_and_never_on_each_other(name):
    picture = drawn(name)
    height = float(picture.attrib["height"])
    boxes = [
        [float(box.attrib[side]) for side in ("x", "y", "width", "height")]
        for box in picture.iter(f"{SVG}rect")
    ]
    for place, (x, y, wide, high) in enumerate(boxes):
        assert x >= 0 and x + wide <= WIDTH and y >= 0 and y + high < height
        for left, top, width, tall in boxes[:place]:
            apart = x + wide <= left or left + width <= x or y + high <= top or top + tall <= y
            assert apart, (name, boxes)


@pytest.mark.parametrize("name", VARIANTS)
def test_only_what_is_dead_is_dashed(name):
    boxes = list(drawn(name).iter(f"{SVG}rect"))
    dashed = [box for box in boxes if "stroke-dasharray" in box.attrib]
    assert len(dashed) == (2 if VARIANTS[name].as_published else 0)  # conv1 and its ReLU


def test_pictures_differ_and_say_in_words_what_they_show():
    pictures = {name: variant_picture(one, COLOR) for name, one in VARIANTS.items()}
    bodies = {picture.partition('fill="none"')[2] for picture in pictures.values()}
    assert len(bodies) == len(VARIANTS)
    for name in VARIANTS:
        assert set(drawn(name).attrib["stroke"].split()) == {INK}
    cards = ElementTree.fromstring(f"<a>{_as_xml(variant_cards(list(VARIANTS.values())))}</a>")
    said = [" ".join("".join(card.itertext()).split()) for card in cards.iter("figure")]
    for text, one in zip(said, VARIANTS.values(), strict=True):
        assert text.startswith(one.title)
        for part in re.split(r", |; ", one.formula, maxsplit=1):
            assert part in text, one.name


def _as_xml(page: str) -> str:
    """HTML whose empty elements are closed, and lines apart."""
    return re.sub(r"<(img[^>]*)>", r"<\1/>", page.replace("<br>", " ").replace("<wbr>", ""))

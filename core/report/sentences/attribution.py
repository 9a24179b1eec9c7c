"""What a map over the image says of a class, and why one says nothing. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.inside.attribution_records import Agreement, Attribution, Finding, Method
from core.report import formats
from core.report.names import counted
from core.report.tables.predictions import class_name

TITLES = {
    Method.GRAD_CAM: "Grad-CAM",
    Method.OCCLUSION: "Occlusion",
    Method.INTEGRATED: "Integrated gradients",
}
_SAME, _OTHER = 0.5, 0.2  # |ρ| from which two maps are the same, and up to which they are others
_FEW = 100  # places of which chance alone makes maps alike
_ROWS = ("upper", "", "lower")
_COLUMNS = ("left", "", "right")


def what_is_asked(found: Attribution, names: Sequence[str]) -> str:
    """`Sneaker`, or `Sneaker rather than Sandal`."""
    question = found.question
    text = class_name(tuple(names), question.target)
    if question.against is None:
        return text
    return f"{text} rather than {class_name(tuple(names), question.against)}"


def attribution_sentence(found: Attribution, what: str) -> str:
    """What the map shows, or in one sentence why there is none; `what` as `what_is_asked`."""
    if found.finding is not Finding.SAYS:
        return _nothing(found, what)
    if found.question.method is Method.GRAD_CAM:
        return _grad_cam(found, what)
    return (_occlusion if found.question.method is Method.OCCLUSION else _integrated)(found, what)


def _grad_cam(found: Attribution, what: str) -> str:
    height, width = found.cells.shape
    return (
        f"The {height}×{width} cells of {found.layer} speak for {what} most"
        f" {place_of(found.cells, highest=True)}."
    )


def _occlusion(found: Attribution, what: str) -> str:
    grid = found.grid
    window = formats.sides(grid.window if grid and len(set(grid.window)) > 1 else _side(found))
    text = ""
    if found.high > 0:
        text = (
            f"A cover of {window} pixels {place_of(found.values, highest=True)} takes most from the"
            f" score of {what}: {_number(found.high)} of {_number(found.score)}"
        )
    if found.low < 0:
        lowest = place_of(found.values, highest=False)
        start = f"{text}; one" if text else f"Every cover raises the score of {what}; one"
        text = f"{start} {lowest} raises it by up to {_number(-found.low)}"
    return f"{text}."


def _side(found: Attribution) -> int | None:
    return found.grid.window[0] if found.grid else None


def _integrated(found: Attribution, what: str) -> str:
    error, begin = found.completeness_error or 0.0, found.baseline_score or 0.0
    gain = found.score - begin
    share = f", {formats.percent(abs(error / gain))} off" if gain else ""
    return (
        f"Pixels {place_of(found.values, highest=True)} speak for {what} most. All pixels add up"
        f" to {_number(gain + error)}; from the plain image where the path begins to this one the"
        f" score changes by {_number(gain)}{share}."
    )


def place_of(values: NDArray[np.floating], highest: bool) -> str:
    """Where the highest or lowest value is, in thirds: `in the upper left`, `in the middle`."""
    flat = np.nan_to_num(values if highest else -values, nan=-np.inf)
    row, column = np.unravel_index(int(flat.argmax()), values.shape)
    height, width = values.shape
    words = (_ROWS[_third(int(row), height)], _COLUMNS[_third(int(column), width)])
    if all(words):
        return f"in the {' '.join(words)}"
    alone = {"upper": "at the top", "lower": "at the bottom", "": "in the middle"}
    return f"at the {words[1]}" if words[1] else alone[words[0]]


def _third(index: int, count: int) -> int:
    """Which third of a side the middle of a cell is in, from 0."""
    return 3 * (2 * index + 1) // (2 * count)


def _nothing(found: Attribution, what: str) -> str:
    """Why there is no picture."""
    method, layer = found.question.method, found.layer
    low, high = found.before_relu or (0.0, 0.0)
    match found.finding:
        case Finding.NO_MAP:
            return (
                "No layer of this network has a map over the image, so Grad-CAM has nothing to lay"
                " over it; the other two methods need none."
            )
        case Finding.ONE_CELL:
            return (
                f"The map of {layer} is a single cell, {_number(high)}: it says how much and cannot"
                " say where; choose an earlier layer."
            )
        case Finding.DEAD_MAP:
            return (
                f"All of {layer} is zero for this image ({counted(found.channels, 'channel')}):"
                " nothing there speaks for any class."
            )
        case Finding.NOTHING_FOR:
            return (
                f"Nothing in {layer} speaks for {what}: its cells are from {_number(low)} to"
                f" {_number(high)}, and the ReLU of Grad-CAM leaves zeros."
            )
        case Finding.FLAT:
            return (
                f"Every place speaks for {what} alike, {_number(found.high)} each: there is no"
                " difference to color."
            )
        case Finding.NOT_FINITE:
            return (
                f"The score of {what}, or its map, holds what is no finite number: the weights of"
                " this network have diverged."
            )
        case Finding.NO_GRADIENT:
            start = layer if method is Method.GRAD_CAM and layer else "the image"
            return (
                f"No gradient leads from the score of {what} back to {start}: the network cuts it"
                " off, as detach and no_grad do. Occlusion needs none."
            )
    return {
        Method.GRAD_CAM: f"Changes of {layer} leave the score of {what} as it is: all zeros.",
        Method.OCCLUSION: f"No cover changes the score of {what}: the image is as plain as the"
        " cover, or the network does not look at it.",
        Method.INTEGRATED: f"No pixel is worth anything for {what}: the image is the one that the"
        " path begins with, or the score does not depend on it.",
    }[method]


def sanity_sentence(
    alike: Agreement | None, learned: Attribution, random: Attribution, is_trained: bool
) -> str:
    """Whether the map is another one with random weights (Adebayo et al., arXiv 1810.03292)."""
    if learned.finding is not Finding.SAYS:
        return ""
    if alike is None or alike.strongest is None:
        return "With random weights no map is left to compare with."
    rho = alike.strongest
    told = _rho(alike)
    if not is_trained:
        return (
            f"This network has not been trained: both maps are of random weights ({told}), and"
            " neither shows anything learned."
        )
    if abs(rho) <= max(_OTHER, alike.by_chance):
        text = (
            f"With random weights it is another map ({told}): what it shows depends on what was"
            " learned."
        )
    elif rho >= _SAME:
        text = (
            f"The map hardly changes with random weights ({told}): it shows the image, not what was"
            " learned."
        )
    elif rho <= -_SAME:
        text = (
            f"With random weights the same places stand out with the other sign ({told}): only the"
            " sign was learned."
        )
    else:
        text = (
            f"The map changes in part with random weights ({told}): some of it shows the image"
            " alone."
        )
    if alike.places < _FEW:
        text += (
            f" With only {alike.places} places, chance alone makes |ρ| ≥ {alike.by_chance:.2f}"
            " once in twenty."
        )
    return text


def _rho(alike: Agreement) -> str:
    """`ρ = 0.83`, or `ρ of the absolute values = 0.83` where the signs hide it."""
    of_sizes = alike.strongest != alike.rank
    return (
        f"{'ρ of the absolute values' if of_sizes else 'ρ'} = {_two_digits(alike.strongest or 0.0)}"
    )


def other_sentence(alike: Agreement | None) -> str:
    """How far two networks look at the same places."""
    if alike is None or alike.rank is None:
        return "Of one of both networks there is no map to compare."
    rho = f"ρ = {_two_digits(alike.rank)}"
    if alike.rank >= _SAME:
        return f"Both networks find the same places ({rho})."
    if alike.rank <= max(_OTHER, alike.by_chance):
        return f"The two networks find other places ({rho})."
    return f"The two networks agree in part on the places ({rho})."


def text_alternative(found: Attribution, what: str, network: str) -> str:
    """The picture in words, for who cannot see it."""
    place = place_of(found.values, highest=True)
    return (
        f"{TITLES[found.question.method]} for {what}, {network}: strongest {place}, values from"
        f" {_number(found.low)} to {_number(found.high)} of the score"
    )


def _two_digits(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def _number(value: float) -> str:
    return formats.signed_number(value)

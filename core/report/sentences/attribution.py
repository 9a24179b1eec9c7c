"""What a map over the image says of a class, and why one says nothing. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.inside.attribution_records import Agreement, Attribution, Finding, Method
from core.language import N_, _, ngettext, paragraph
from core.report import formats
from core.report.tables.predictions import class_name

TITLES = {
    Method.GRAD_CAM: "Grad-CAM",
    Method.OCCLUSION: N_("Occlusion"),
    Method.INTEGRATED: N_("Integrated gradients"),
}
_SAME, _OTHER = 0.5, 0.2  # |ρ| from which two maps are the same, and up to which they are others
_FEW = 100  # places of which chance alone makes maps alike
_PLACES = (  # by thirds: row, column
    (N_("in the upper left"), N_("at the top"), N_("in the upper right")),
    (N_("at the left"), N_("in the middle"), N_("at the right")),
    (N_("in the lower left"), N_("at the bottom"), N_("in the lower right")),
)


def what_is_asked(found: Attribution, names: Sequence[str]) -> str:
    """`Sneaker`, or `Sneaker rather than Sandal`."""
    question = found.question
    text = class_name(tuple(names), question.target)
    if question.against is None:
        return text
    against = class_name(tuple(names), question.against)
    return _("{name} rather than {against}", name=text, against=against)


def attribution_sentence(found: Attribution, what: str) -> str:
    """What the map shows, or in one sentence why there is none; `what` as `what_is_asked`."""
    if found.finding is not Finding.SAYS:
        return _nothing(found, what)
    if found.question.method is Method.GRAD_CAM:
        return _grad_cam(found, what)
    return (_occlusion if found.question.method is Method.OCCLUSION else _integrated)(found, what)


def _grad_cam(found: Attribution, what: str) -> str:
    height, width = found.cells.shape
    return _(
        "The {height}×{width} cells of {layer} speak for {what} most {place}.",
        height=height,
        width=width,
        layer=found.layer,
        what=what,
        place=place_of(found.cells, highest=True),
    )


def _occlusion(found: Attribution, what: str) -> str:
    grid = found.grid
    values = {
        "window": formats.sides(
            grid.window if grid and len(set(grid.window)) > 1 else _side(found)
        ),
        "what": what,
        "highest": place_of(found.values, highest=True),
        "high": _number(found.high),
        "score": _number(found.score),
        "lowest": place_of(found.values, highest=False),
        "low": _number(-found.low),
    }
    if found.low >= 0:
        return _(
            "A cover of {window} pixels {highest} takes most from the score of {what}: {high} of"
            " {score}.",
            **values,
        )
    if found.high <= 0:
        return _(
            "Every cover raises the score of {what}; one {lowest} raises it by up to {low}.",
            **values,
        )
    return _(
        "A cover of {window} pixels {highest} takes most from the score of {what}: {high} of"
        " {score}; one {lowest} raises it by up to {low}.",
        **values,
    )


def _side(found: Attribution) -> int | None:
    return found.grid.window[0] if found.grid else None


def _integrated(found: Attribution, what: str) -> str:
    error, begin = found.completeness_error or 0.0, found.baseline_score or 0.0
    gain = found.score - begin
    values = {
        "place": place_of(found.values, highest=True),
        "what": what,
        "sum": _number(gain + error),
        "change": _number(gain),
    }
    if not gain:
        return _(
            "Pixels {place} speak for {what} most. All pixels add up to {sum}; from the plain image"
            " where the path begins to this one the score changes by {change}.",
            **values,
        )
    return _(
        "Pixels {place} speak for {what} most. All pixels add up to {sum}; from the plain image"
        " where the path begins to this one the score changes by {change}, {off} off.",
        off=formats.percent(abs(error / gain)),
        **values,
    )


def place_of(values: NDArray[np.floating], highest: bool) -> str:
    """Where the highest or lowest value is, in thirds: `in the upper left`, `in the middle`."""
    flat = np.nan_to_num(values if highest else -values, nan=-np.inf)
    row, column = np.unravel_index(int(flat.argmax()), values.shape)
    height, width = values.shape
    return _(_PLACES[_third(int(row), height)][_third(int(column), width)])


def _third(index: int, count: int) -> int:
    """Which third of a side the middle of a cell is in, from 0."""
    return 3 * (2 * index + 1) // (2 * count)


def _nothing(found: Attribution, what: str) -> str:
    """Why there is no picture."""
    method, layer = found.question.method, found.layer
    low, high = found.before_relu or (0.0, 0.0)
    match found.finding:
        case Finding.NO_MAP:
            return _(
                "No layer of this network has a map over the image, so Grad-CAM has nothing to lay"
                " over it; the other two methods need none."
            )
        case Finding.ONE_CELL:
            return _(
                "The map of {layer} is a single cell, {value}: it says how much and cannot say"
                " where; choose an earlier layer.",
                layer=layer,
                value=_number(high),
            )
        case Finding.DEAD_MAP:
            return ngettext(
                "All of {layer} is zero for this image ({number:,} channel): nothing there speaks"
                " for any class.",
                "All of {layer} is zero for this image ({number:,} channels): nothing there speaks"
                " for any class.",
                found.channels,
                layer=layer,
            )
        case Finding.NOTHING_FOR:
            return _(
                "Nothing in {layer} speaks for {what}: its cells are from {low} to {high}, and the"
                " ReLU of Grad-CAM leaves zeros.",
                layer=layer,
                what=what,
                low=_number(low),
                high=_number(high),
            )
        case Finding.FLAT:
            return _(
                "Every place speaks for {what} alike, {value} each: there is no difference to"
                " color.",
                what=what,
                value=_number(found.high),
            )
        case Finding.NOT_FINITE:
            return _(
                "The score of {what}, or its map, holds what is no finite number: the weights of"
                " this network have diverged.",
                what=what,
            )
        case Finding.NO_GRADIENT:
            if method is Method.GRAD_CAM and layer:
                return _(
                    "No gradient leads from the score of {what} back to {layer}: the network cuts"
                    " it off, as detach and no_grad do. Occlusion needs none.",
                    what=what,
                    layer=layer,
                )
            return _(
                "No gradient leads from the score of {what} back to the image: the network cuts it"
                " off, as detach and no_grad do. Occlusion needs none.",
                what=what,
            )
    match method:
        case Method.GRAD_CAM:
            return _(
                "Changes of {layer} leave the score of {what} as it is: all zeros.",
                layer=layer,
                what=what,
            )
        case Method.OCCLUSION:
            return _(
                "No cover changes the score of {what}: the image is as plain as the cover, or the"
                " network does not look at it.",
                what=what,
            )
        case Method.INTEGRATED:
            return _(
                "No pixel is worth anything for {what}: the image is the one that the path begins"
                " with, or the score does not depend on it.",
                what=what,
            )


def sanity_sentence(
    alike: Agreement | None, learned: Attribution, random: Attribution, is_trained: bool
) -> str:
    """Whether the map is another one with random weights (Adebayo et al., arXiv 1810.03292)."""
    if learned.finding is not Finding.SAYS:
        return ""
    if alike is None or alike.strongest is None:
        return _("With random weights no map is left to compare with.")
    strongest, rho = alike.strongest, _rho(alike)
    if not is_trained:
        return _(
            "This network has not been trained: both maps are of random weights ({rho}), and"
            " neither shows anything learned.",
            rho=rho,
        )
    if abs(strongest) <= max(_OTHER, alike.by_chance):
        text = _(
            "With random weights it is another map ({rho}): what it shows depends on what was"
            " learned.",
            rho=rho,
        )
    elif strongest >= _SAME:
        text = _(
            "The map hardly changes with random weights ({rho}): it shows the image, not what was"
            " learned.",
            rho=rho,
        )
    elif strongest <= -_SAME:
        text = _(
            "With random weights the same places stand out with the other sign ({rho}): only the"
            " sign was learned.",
            rho=rho,
        )
    else:
        text = _(
            "The map changes in part with random weights ({rho}): some of it shows the image"
            " alone.",
            rho=rho,
        )
    if alike.places >= _FEW:
        return text
    return paragraph(
        text,
        _(
            "With only {places} places, chance alone makes |ρ| ≥ {by_chance:.2f} once in twenty.",
            places=alike.places,
            by_chance=alike.by_chance,
        ),
    )


def _rho(alike: Agreement) -> str:
    """`ρ = 0.83`, or `ρ of the absolute values = 0.83` where the signs hide it."""
    rho = _two_digits(alike.strongest or 0.0)
    if alike.strongest == alike.rank:
        return f"ρ = {rho}"
    return _("ρ of the absolute values = {rho}", rho=rho)


def other_sentence(alike: Agreement | None) -> str:
    """How far two networks look at the same places."""
    if alike is None or alike.rank is None:
        return _("Of one of both networks there is no map to compare.")
    rho = _two_digits(alike.rank)
    if alike.rank >= _SAME:
        return _("Both networks find the same places (ρ = {rho}).", rho=rho)
    if alike.rank <= max(_OTHER, alike.by_chance):
        return _("The two networks find other places (ρ = {rho}).", rho=rho)
    return _("The two networks agree in part on the places (ρ = {rho}).", rho=rho)


def text_alternative(found: Attribution, what: str, network: str) -> str:
    """The picture in words, for who cannot see it."""
    return _(
        "{method} for {what}, {network}: strongest {place}, values from {low} to {high} of the"
        " score",
        method=_(TITLES[found.question.method]),
        what=what,
        network=network,
        place=place_of(found.values, highest=True),
        low=_number(found.low),
        high=_number(found.high),
    )


def _two_digits(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def _number(value: float) -> str:
    return formats.signed_number(value)

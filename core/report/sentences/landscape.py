"""What the loss around trained networks shows, in words computed from the numbers."""

from __future__ import annotations

from collections.abc import Sequence
from math import log

from core.inside.landscape_records import PATH, Landscape, NetworkLandscape, Rise, rise
from core.language import N_, _, listed, paragraph
from core.report import formats
from core.report.figures.loss_scale import number
from core.report.sentences.gradients import network_label, telling_apart

_GUESSES = 0.95  # of the loss of guessing: a network above has not begun to learn


def landscape_label(network: NetworkLandscape) -> str:
    """The network, and for one of a run its number first."""
    text = network_label(network.run_spec.model)
    if network.run is None:
        return text
    return _("run {run}: {network}", run=network.run, network=text)


def landscape_finding(network: NetworkLandscape, landscape: Landscape) -> str:
    """The title of its picture: how the loss grows around it, or how training walked."""
    name = _capital(_short_label(network, landscape))
    if landscape.plane == PATH:
        return _(
            "{network}<br>{share} of its path lies in this plane",
            network=name,
            share=_share(network.path_share),
        )
    found = rise(network, landscape)
    if found is None:
        return _(
            "{network}<br>row {row} of {rows}",
            network=name,
            row=len(network.loss),
            rows=landscape.points,
        )
    return _(
        "{network}<br>loss {center} in the center, up to {highest}",
        network=name,
        center=number(found.center),
        highest=_highest(found),
    )


def _capital(name: str) -> str:
    return f"{name[0].upper()}{name[1:]}"


def _short_label(network: NetworkLandscape, landscape: Landscape) -> str:
    """Without what all networks of this landscape share."""
    labels = [landscape_label(one) for one in landscape.networks]
    short = dict(zip(labels, telling_apart(labels), strict=True))
    own = landscape_label(network)
    return short.get(own, own)


def landscape_headline(landscape: Landscape) -> str:
    """Around which network the loss rises most and least, in one sentence; of random planes.

    Empty while nothing is known.
    """
    known = [
        (_short_label(network, landscape), found)
        for network in landscape.networks
        if landscape.plane != PATH and (found := rise(network, landscape)) is not None
    ]
    if not known:
        return ""
    (steep, most), *_others, (flat, least) = sorted(known, key=_growth_of, reverse=True) * 2
    distance = f"{landscape.span:g}"
    if len(known) == 1:
        return _(
            "Within a distance of {distance} the loss rises from {center} to {highest}.",
            distance=distance,
            center=number(most.center),
            highest=_highest(most),
        )
    return _(
        "Within a distance of {distance} the loss rises most around {steep}, from {steep_center} to"
        " {steep_highest}, and least around {flat}, from {flat_center} to {flat_highest}.",
        distance=distance,
        steep=steep,
        steep_center=number(most.center),
        steep_highest=_highest(most),
        flat=flat,
        flat_center=number(least.center),
        flat_highest=_highest(least),
    )


def _growth_of(pair: tuple[str, Rise]) -> float:
    return _growth(pair[1])


def landscape_sentences(landscape: Landscape) -> list[str]:
    """How much the loss grows around each network, how wide its valley is, where training went."""
    if landscape.plane == PATH:
        return [_walk_sentence(network) for network in landscape.networks]
    known = [
        (network, found)
        for network in landscape.networks
        if (found := rise(network, landscape)) is not None
    ]
    if not known:
        return []
    known.sort(key=lambda pair: _growth(pair[1]), reverse=True)
    rises = listed([_rise_phrase(*one, is_first=not index) for index, one in enumerate(known)])
    near = listed(
        [
            _(
                "{share} of these points for {network}",
                share=formats.whole_percent(found.near),
                network=landscape_label(network),
            )
            for network, found in known
        ]
    )
    sentences = [
        _("Within a distance of {distance} {rises}.", distance=f"{landscape.span:g}", rises=rises),
        _(
            "The loss is at most twice that of the center at {shares}: the more, the flatter.",
            shares=near,
        ),
    ]
    sentences += _guessing_sentences(known)
    return [*sentences, *_path_sentences([network for network, _found in known])]


def _rise_phrase(network: NetworkLandscape, found: Rise, is_first: bool) -> str:
    """How much the loss rises around one of several."""
    template = (
        N_("the loss of **{network}** rises from {center} to {highest}")
        if is_first
        else N_("that of **{network}** rises from {center} to {highest}")
    )
    return _(
        template,
        network=landscape_label(network),
        center=number(found.center),
        highest=_highest(found),
    )


def direction_names(network: NetworkLandscape, landscape: Landscape) -> tuple[str, str]:
    """What is written along both directions."""
    if landscape.plane != PATH:
        return _("first direction"), _("second direction")
    first, second = map(_share, network.direction_shares)
    return (
        _("first direction: {share} of the path", share=first),
        _("second direction: {share} of the path", share=second),
    )


def _walk_sentence(network: NetworkLandscape) -> str:
    """How far down a training came, and how well its plane shows that."""
    across, along = map(_share, network.direction_shares)
    return paragraph(
        _(
            "{share} of the squared length of the path of **{network}** lies in its plane: {first}"
            " along the first direction, {second} along the second.",
            share=_share(network.path_share),
            network=landscape_label(network),
            first=across,
            second=along,
        ),
        _losses_sentence(network),
    )


def _losses_sentence(network: NetworkLandscape) -> str:
    """The loss at both ends of the path, and where that of the plane is most unlike it."""
    first, *_others, last = network.path
    known = [(p, p.loss, p.plane_loss) for p in network.path if None not in (p.loss, p.plane_loss)]
    if first.loss is None or last.loss is None or not known:
        return _("Its loss is no number in float32 at some of its points.")
    point, own, plane = max(known, key=lambda one: abs((one[1] or 0) - (one[2] or 0)))
    template = (
        N_(
            "On it the loss goes from {first} before training to {last} after epoch {last_epoch};"
            " the plane's differs most from it after epoch {epoch}: {plane} instead of {own}."
        )
        if point.epoch
        else N_(
            "On it the loss goes from {first} before training to {last} after epoch {last_epoch};"
            " the plane's differs most from it before training: {plane} instead of {own}."
        )
    )
    return _(
        template,
        first=number(first.loss),
        last=number(last.loss),
        last_epoch=last.epoch,
        epoch=point.epoch,
        plane=number(plane or 0),
        own=number(own or 0),
    )


def _share(share: float | None) -> str:
    return formats.whole_percent(share or 0.0)


def _guessing_sentences(known: Sequence[tuple[NetworkLandscape, Rise]]) -> list[str]:
    """Which networks stand where they began: a plane around one is no valley."""
    return [
        _(
            "{network} has hardly learned: its loss is {loss}, that of guessing {guessing}.",
            network=_capital(landscape_label(network)),
            loss=number(found.center),
            guessing=number(log(classes)),
        )
        for network, found in known
        if found.center >= _GUESSES * log(classes := network.run_spec.model.num_classes)
    ]


def _growth(found: Rise) -> float:
    if found.highest is None:
        return float("inf")
    return found.highest / max(found.center, 1e-12)


def _highest(found: Rise) -> str:
    return _("more than float32 holds") if found.highest is None else number(found.highest)


def _path_sentences(networks: Sequence[NetworkLandscape]) -> list[str]:
    """How little of a training's way two random directions show."""
    shares = [network.path_share for network in networks if network.path_share is not None]
    if not shares:
        return []
    return [
        _(
            "The line is the training's way from epoch to epoch as far as it lies in this plane: at"
            " most {percent} % of its squared length. Two random directions of many thousand are"
            " nearly at right angles to any way (arXiv 1712.09913, section 7.1), so training looks"
            " as if it had hardly moved.",
            percent=formats.scientific(100 * max(shares)),
        )
    ]

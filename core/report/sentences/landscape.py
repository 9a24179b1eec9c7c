"""What the loss around trained networks shows, in words computed from the numbers."""

from __future__ import annotations

from collections.abc import Sequence
from math import log

from core.inside.landscape_records import PATH, Landscape, NetworkLandscape, Rise, rise
from core.report import formats
from core.report.figures.loss_scale import number
from core.report.sentences.gradients import network_label, telling_apart

_GUESSES = 0.95  # of the loss of guessing: a network above has not begun to learn


def landscape_label(network: NetworkLandscape) -> str:
    """The network, and for one of a run its number first."""
    text = network_label(network.run_spec.model)
    return text if network.run is None else f"run {network.run}: {text}"


def landscape_finding(network: NetworkLandscape, landscape: Landscape) -> str:
    """The title of its picture: how the loss grows around it, or how training walked."""
    name = _short_label(network, landscape)
    title = f"{name[0].upper()}{name[1:]}"
    if landscape.plane == PATH:
        return f"{title}<br>{_share(network.path_share)} of its path lies in this plane"
    found = rise(network, landscape)
    if found is None:
        return f"{title}<br>row {len(network.loss)} of {landscape.points}"
    return f"{title}<br>loss {number(found.center)} in the center, up to {_highest(found)}"


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
    (steep, most), *_, (flat, least) = sorted(known, key=_growth_of, reverse=True) * 2
    distance = f"{landscape.span:g}"
    if len(known) == 1:
        return (
            f"Within a distance of {distance} the loss rises from {number(most.center)} to"
            f" {_highest(most)}."
        )
    return (
        f"Within a distance of {distance} the loss rises most around {steep}, from"
        f" {number(most.center)} to {_highest(most)}, and least around {flat}, from"
        f" {number(least.center)} to {_highest(least)}."
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
    distance = f"{landscape.span:g}"
    rises = _listed(
        [
            f"{'the loss' if not index else 'that'} of **{landscape_label(network)}** rises from"
            f" {number(found.center)} to {_highest(found)}"
            for index, (network, found) in enumerate(known)
        ]
    )
    near = _listed(
        [
            f"{formats.whole_percent(found.near)} of these points for {landscape_label(network)}"
            for network, found in known
        ]
    )
    sentences = [
        f"Within a distance of {distance} {rises}.",
        f"The loss is at most twice that of the center at {near}: the more, the flatter.",
    ]
    sentences += _guessing_sentences(known)
    return [*sentences, *_path_sentences([network for network, _ in known])]


def direction_names(network: NetworkLandscape, landscape: Landscape) -> tuple[str, str]:
    """What is written along both directions."""
    names = ("first direction", "second direction")
    if landscape.plane != PATH:
        return names
    shares = zip(names, network.direction_shares, strict=True)
    first, second = (f"{name}: {_share(share)} of the path" for name, share in shares)
    return first, second


def _walk_sentence(network: NetworkLandscape) -> str:
    """How far down a training came, and how well its plane shows that."""
    first, *_, last = network.path
    across, along = (_share(share) for share in network.direction_shares)
    label = landscape_label(network)
    text = (
        f"{_share(network.path_share)} of the squared length of the path of **{label}** lies in"
        f" its plane: {across} along the first direction, {along} along the second."
    )
    known = [(p, p.loss, p.plane_loss) for p in network.path if None not in (p.loss, p.plane_loss)]
    if first.loss is None or last.loss is None or not known:
        return f"{text} Its loss is no number in float32 at some of its points."
    point, own, plane = max(known, key=lambda one: abs((one[1] or 0) - (one[2] or 0)))
    return (
        f"{text} On it the loss goes from {number(first.loss)} before training to"
        f" {number(last.loss)} after epoch {last.epoch}; the plane's differs most from it"
        f" {f'after epoch {point.epoch}' if point.epoch else 'before training'}:"
        f" {number(plane or 0)} instead of {number(own or 0)}."
    )


def _share(share: float | None) -> str:
    return formats.whole_percent(share or 0.0)


def _guessing_sentences(known: Sequence[tuple[NetworkLandscape, Rise]]) -> list[str]:
    """Which networks stand where they began: a plane around one is no valley."""
    return [
        f"{landscape_label(network)[0].upper()}{landscape_label(network)[1:]} has hardly learned:"
        f" its loss is {number(found.center)}, that of guessing {number(log(classes))}."
        for network, found in known
        if found.center >= _GUESSES * log(classes := network.run_spec.model.num_classes)
    ]


def _growth(found: Rise) -> float:
    if found.highest is None:
        return float("inf")
    return found.highest / max(found.center, 1e-12)


def _highest(found: Rise) -> str:
    return "more than float32 holds" if found.highest is None else number(found.highest)


def _path_sentences(networks: Sequence[NetworkLandscape]) -> list[str]:
    """How little of a training's way two random directions show."""
    shares = [network.path_share for network in networks if network.path_share is not None]
    if not shares:
        return []
    most = max(shares)
    return [
        "The line is the training's way from epoch to epoch as far as it lies in this plane: at"
        f" most {formats.scientific(100 * most)} % of its squared length. Two random directions of"
        " many thousand are nearly at right angles to any way (arXiv 1712.09913, section 7.1),"
        " so training looks as if it had hardly moved."
    ]


def _listed(parts: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)

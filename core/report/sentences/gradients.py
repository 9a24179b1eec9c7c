"""What measured gradients say, in words computed from the numbers. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

from core.measure.first_and_last import VANISHED, FirstAndLast, first_and_last, gradient_outcome
from core.measure.gradient_records import GradientFlow, NetworkFlow, depth_of
from core.report import formats
from core.specs import ModelSpec
from core.zoo.catalogue import CATALOGUE
from core.zoo.variants import SHORTCUT_TITLES, WITH_MISTAKE

_WHY_BATCH_NORM = (
    "BatchNorm gives every layer's output variance 1 on the way forward and divides the gradient by"
    " what it divided the output by on the way back, so small weights cannot shrink both, layer"
    " after layer."
)
_WHY_NOT_ONE = (
    "The derivative of x + F(x) is 1 + F′(x), and F′ may well be negative; a ReLU after the"
    " addition takes away more. What the shortcut guarantees is a path without a product of small"
    " factors."
)


def network_label(model: ModelSpec) -> str:
    """`no shortcut, no BatchNorm, 110 layers`; for other networks their name first."""
    depth, parts = depth_of(model), []
    if depth is None:
        parts.append(CATALOGUE[model.arch].title if model.arch in CATALOGUE else model.arch)
    if (shortcut := model.option("shortcut")) is not None:
        title = SHORTCUT_TITLES.get(str(shortcut), str(shortcut).replace("-", " "))
        has_mistake = model.option("as_published") and shortcut in WITH_MISTAKE
        parts.append("with the homework's mistake" if has_mistake else title)
    if (batch_norm := model.option("batch_norm")) is not None:
        parts.append("BatchNorm" if batch_norm else "no BatchNorm")
    if depth is not None:
        parts.append(f"{depth} layers")
    return ", ".join(parts)


def label(flow: NetworkFlow) -> str:
    """The network, and for one of a run its number and state."""
    text = network_label(flow.model)
    if flow.run is None:
        return text
    state = flow.state if flow.trained else "at initialization"
    return f"run {flow.run}: {text}, {state}"


def arriving(ends: FirstAndLast | None) -> str:
    """How much of the last layer's gradient arrives at layer 1: `nothing`, `0.17`."""
    if ends is None or ends.ratio is None:
        return "an unknown share"
    return "nothing" if ends.ratio == 0 else formats.scientific(ends.ratio)


def short_labels(flows: Sequence[NetworkFlow]) -> list[str]:
    """As `label`, without what all of them share."""
    return telling_apart([label(flow) for flow in flows])


def telling_apart(labels: Sequence[str]) -> list[str]:
    """Each label without the parts, between commas, that all of them share."""
    parts = [text.split(", ") for text in labels]
    shared = set(parts[0]).intersection(*parts) if len(parts) > 1 else set()
    return [
        ", ".join(part for part in own if part not in shared) or ", ".join(own) for own in parts
    ]


def gradient_headline(result: GradientFlow) -> str:
    """The finding in one sentence: what reaches layer 1 of the deepest networks. Empty of none.

    `No shortcut, no BatchNorm, 110 layers: nothing of the last layer's gradient reaches layer 1;
    plain residual, no BatchNorm, 110 layers: 0.17 of it does.`
    """
    known = [
        (flow, ends.ratio)
        for flow in deepest_networks(result)
        if (ends := first_and_last(flow, "weight_gradient")) and ends.ratio is not None
    ]
    if not known:
        return ""
    worst, least = min(known, key=lambda pair: pair[1])
    if gradient_outcome(least) != "vanishes":
        return (
            f"The gradient vanishes in none of these networks: at layer 1 of"
            f" {label(worst)} it is still {formats.scientific(least)} of the last layer's."
        )
    name = label(worst)
    start = f"{name[0].upper()}{name[1:]}"
    share = "nothing" if least == 0 else formats.scientific(least)
    others = [pair for pair in known if gradient_outcome(pair[1]) == "is kept"]
    if not others:
        return f"{start}: {share} of the last layer's gradient reaches layer 1."
    better, most = min(others, key=lambda pair: _unlike(pair[0], worst))
    return (
        f"{start}: {share} of the last layer's gradient reaches layer 1; {label(better)}:"
        f" {formats.scientific(most)} of it does."
    )


def _unlike(flow: NetworkFlow, other: NetworkFlow) -> int:
    """In how many options two networks differ."""
    return len(set(flow.model.options) - set(other.model.options))


def deepest_networks(result: GradientFlow) -> list[NetworkFlow]:
    """Those of the most layers, as they are before training."""
    untrained = [flow for flow in result.networks if flow.run is None]
    most_layers = max((len(flow.main_path) for flow in untrained), default=0)
    return [flow for flow in untrained if len(flow.main_path) == most_layers]


def gradient_sentences(result: GradientFlow) -> list[str]:
    """What the deepest networks and the runs show, each in one or two sentences. Markdown."""
    deepest = deepest_networks(result)
    sentences = [sentence for flow in deepest if (sentence := _arrival_sentence(flow))]
    sentences += [claim for flow in deepest if (claim := _claim_sentence(flow))]
    if not all(gain >= 1 for flow in deepest for gain in _shortcut_gains(flow)):
        sentences.append(_WHY_NOT_ONE)
    sentences += _batch_norm_sentences(deepest)
    sentences += _training_sentences(result.networks)
    return sentences


def _arrival_sentence(flow: NetworkFlow) -> str | None:
    """How much of the gradient arrives at the first layer."""
    weights = first_and_last(flow, "weight_gradient")
    if weights is None:
        return None
    name = label(flow)
    start = f"**{name[0].upper()}{name[1:]}**"
    if weights.first == 0:
        return (
            f"{start}: the first layer's gradient is exactly 0 in float32; it cannot learn at all."
        )
    if weights.ratio is None:
        return f"{start}: no gradient can be told."
    text = (
        f"{start}: the first layer's weights get {formats.scientific(weights.ratio, 3)} of the"
        " gradient norm of the last layer before the output, a factor of"
        f" {formats.factor(weights.a_layer)} at each of {weights.steps} layers: it"
        f" {gradient_outcome(weights.ratio)}"
    )
    outputs = first_and_last(flow, "output_gradient")
    if outputs is None or gradient_outcome(outputs.ratio) == gradient_outcome(weights.ratio):
        return f"{text}."
    return (
        f"{text}. The gradient of its output is"
        f" {formats.times(outputs.ratio or 0.0, 1, formats.SIZE)} that of the last one's output"
        f" ({gradient_outcome(outputs.ratio)}): the weights' own is it times what the layer reads."
    )


def _shortcut_gains(flow: NetworkFlow) -> list[float]:
    """By how much each block multiplies the gradient norm; none for a network without shortcuts."""
    if flow.model.option("shortcut") in (None, "none"):
        return []
    return [block.gain.median for block in flow.blocks]


def _claim_sentence(flow: NetworkFlow) -> str | None:
    """The note's claim next to what is measured; for networks with a shortcut in their blocks."""
    gains = _shortcut_gains(flow)
    if not gains:
        return None
    holding = sum(gain >= 1 for gain in gains)
    between = f"between {formats.factor(min(gains))} and {formats.factor(max(gains))}"
    text = (
        f"“The derivative is at least 1”, measured ({label(flow)}): through the {len(gains)} blocks"
        f" that keep their map's shape the gradient norm is multiplied by {between}, by 1 or more"
        f" in {holding} of them."
    )
    if holding == len(gains):
        return f"{text} Here the claim holds for every block."
    return f"{text} So it does not hold block by block."


def _batch_norm_sentences(flows: Sequence[NetworkFlow]) -> list[str]:
    """What BatchNorm alone does to the nets without a shortcut."""
    plain_nets = {
        bool(flow.model.option("batch_norm")): first_and_last(flow, "weight_gradient")
        for flow in flows
        if flow.model.option("shortcut") == "none" and flow.model.option("batch_norm") is not None
    }
    without, with_norm = plain_nets.get(False), plain_nets.get(True)
    if without is None or with_norm is None or with_norm.ratio is None:
        return []
    before, after = without.ratio or 0.0, with_norm.ratio
    if before >= VANISHED:
        return [
            "Without BatchNorm the plain net's gradient does not vanish with this initialization"
            f" ({formats.scientific(before)}), so there is nothing for BatchNorm to mend here; with"
            f" it the first layer gets {formats.scientific(after)} of the last one's gradient."
        ]
    text = (
        "BatchNorm alone, without any shortcut, takes the first layer's gradient from"
        f" {formats.scientific(before)} of the last one's to {formats.scientific(after)}"
        f" {'of it' if after < 1 else 'times it'}: {_WHY_BATCH_NORM}"
    )
    if after > 10:
        text += (
            " Its gradients even grow towards the first layers, so it cures the vanishing, not"
            " every ill of depth."
        )
    return [text]


def _training_sentences(networks: Sequence[NetworkFlow]) -> list[str]:
    """What training has done to the gradient of each run."""
    sentences = []
    for before, after in _before_and_after(networks):
        untrained = first_and_last(before, "weight_gradient")
        trained = first_and_last(after, "weight_gradient")
        if untrained and trained:
            sentences.append(
                f"Run {before.run} ({network_label(before.model)}): the first layer's gradient is"
                f" {formats.scientific(untrained.ratio)} of the last one's before training and"
                f" {formats.scientific(trained.ratio)} with the best parameters."
            )
    return sentences


def _before_and_after(networks: Sequence[NetworkFlow]) -> list[tuple[NetworkFlow, NetworkFlow]]:
    """Each run before and after its training."""
    before = {flow.run: flow for flow in networks if flow.run is not None and not flow.trained}
    return [(before[flow.run], flow) for flow in networks if flow.trained and flow.run in before]

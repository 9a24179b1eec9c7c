"""What measured gradients say, in words computed from the numbers. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

from core.language import N_, _, comma, ngettext, paragraph, pgettext
from core.measure.first_and_last import VANISHED, FirstAndLast, first_and_last, gradient_outcome
from core.measure.gradient_records import GradientFlow, NetworkFlow, depth_of
from core.report import formats
from core.specs import ModelSpec
from core.zoo.catalogue import CATALOGUE
from core.zoo.variants import SHORTCUT_TITLES, WITH_MISTAKE

OUTCOMES = {  # of gradient_outcome → what is said of the gradient
    "vanishes": N_("vanishes"),
    "is kept": N_("is kept"),
    "explodes": N_("explodes"),
    "cannot be told": N_("cannot be told"),
}
_WHY_BATCH_NORM = N_(
    "BatchNorm gives every layer's output variance 1 on the way forward and divides the gradient by"
    " what it divided the output by on the way back, so small weights cannot shrink both, layer"
    " after layer."
)
_WHY_NOT_ONE = N_(
    "The derivative of x + F(x) is 1 + F′(x), and F′ may well be negative; a ReLU after the"
    " addition takes away more. What the shortcut guarantees is a path without a product of small"
    " factors."
)


def network_label(model: ModelSpec, with_depth: bool = True) -> str:
    """`no shortcut, no BatchNorm, 110 layers`; for other networks their name first."""
    depth, parts = depth_of(model), []
    if depth is None:
        parts.append(_(CATALOGUE[model.arch].title) if model.arch in CATALOGUE else model.arch)
    if (shortcut := model.option("shortcut")) is not None:
        title = SHORTCUT_TITLES.get(str(shortcut), str(shortcut).replace("-", " "))
        has_mistake = model.option("as_published") and shortcut in WITH_MISTAKE
        parts.append(_("with the homework's mistake") if has_mistake else _(title))
    if (batch_norm := model.option("batch_norm")) is not None:
        parts.append("BatchNorm" if batch_norm else _("no BatchNorm"))
    if depth is not None and with_depth:
        parts.append(ngettext("{number} layer", "{number} layers", depth))
    return comma().join(parts)


def label(flow: NetworkFlow) -> str:
    """The network, and for one of a run its number and state."""
    text = network_label(flow.model)
    if flow.run is None:
        return text
    run = _("run {run}: {network}", run=flow.run, network=text)
    if not flow.trained:
        return comma().join([run, _("at initialization")])
    epoch = flow.state.rpartition(" ")[2]  # of "trained, epoch 3"
    return comma().join([run, _("trained"), _("epoch {epoch}", epoch=epoch)])


def arriving(ends: FirstAndLast | None) -> str:
    """How much of the last layer's gradient arrives at layer 1: `nothing`, `0.17`."""
    if ends is None or ends.ratio is None:
        return _("an unknown share")
    return _share(ends.ratio)


def _share(ratio: float) -> str:
    """In Chinese a number also where it is nothing: 第 1 层是最后一层的 0."""
    return formats.scientific(ratio) if ratio else pgettext("share of a gradient", "nothing")


def short_labels(flows: Sequence[NetworkFlow]) -> list[str]:
    """As `label`, without what all of them share."""
    return telling_apart([label(flow) for flow in flows])


def telling_apart(labels: Sequence[str]) -> list[str]:
    """Each label without the parts, between commas, that all of them share."""
    parts = [text.split(comma()) for text in labels]
    shared = set(parts[0]).intersection(*parts) if len(parts) > 1 else set()
    return [comma().join([part for part in own if part not in shared] or own) for own in parts]


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
        return _(
            "The gradient vanishes in none of these networks: at layer 1 of {network} it is still"
            " {share} of the last layer's.",
            network=label(worst),
            share=formats.scientific(least),
        )
    name, share = _capitalized(label(worst)), _share(least)
    others = [pair for pair in known if gradient_outcome(pair[1]) == "is kept"]
    if not others:
        return _(
            "{network}: {share} of the last layer's gradient reaches layer 1.",
            network=name,
            share=share,
        )
    better, most = min(others, key=lambda pair: _unlike(pair[0], worst))
    return _(
        "{network}: {share} of the last layer's gradient reaches layer 1; {better}: {most} of it"
        " does.",
        network=name,
        share=share,
        better=label(better),
        most=formats.scientific(most),
    )


def _capitalized(name: str) -> str:
    return f"{name[0].upper()}{name[1:]}"


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
        sentences.append(_(_WHY_NOT_ONE))
    sentences += _batch_norm_sentences(deepest)
    sentences += _training_sentences(result.networks)
    return sentences


def _arrival_sentence(flow: NetworkFlow) -> str | None:
    """How much of the gradient arrives at the first layer."""
    weights = first_and_last(flow, "weight_gradient")
    if weights is None:
        return None
    name = _capitalized(label(flow))
    if weights.first == 0:
        return _(
            "**{network}**: the first layer's gradient is exactly 0 in float32; it cannot learn at"
            " all.",
            network=name,
        )
    if weights.ratio is None:
        return _("**{network}**: no gradient can be told.", network=name)
    text = _(
        "**{network}**: the first layer's weights get {share} of the gradient norm of the last"
        " layer before the output, a factor of {factor} at each of {layers} layers: it {outcome}.",
        network=name,
        share=formats.scientific(weights.ratio, 3),
        factor=formats.factor(weights.a_layer),
        layers=weights.steps,
        outcome=_(OUTCOMES[gradient_outcome(weights.ratio)]),
    )
    outputs = first_and_last(flow, "output_gradient")
    if outputs is None or gradient_outcome(outputs.ratio) == gradient_outcome(weights.ratio):
        return text
    return paragraph(
        text,
        _(
            "The gradient of its output is {times} that of the last one's output ({outcome}): the"
            " weights' own is it times what the layer reads.",
            times=formats.times(outputs.ratio or 0.0, 1, formats.SIZE),
            outcome=_(OUTCOMES[gradient_outcome(outputs.ratio)]),
        ),
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
    return paragraph(
        _(
            "“The derivative is at least 1”, measured ({network}): through the {blocks} blocks that"
            " keep their map's shape the gradient norm is multiplied by between {least} and {most},"
            " by 1 or more in {holding} of them.",
            network=label(flow),
            blocks=len(gains),
            least=formats.factor(min(gains)),
            most=formats.factor(max(gains)),
            holding=holding,
        ),
        _("Here the claim holds for every block.")
        if holding == len(gains)
        else _("So it does not hold block by block."),
    )


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
            _(
                "Without BatchNorm the plain net's gradient does not vanish with this"
                " initialization ({before}), so there is nothing for BatchNorm to mend here; with"
                " it the first layer gets {after} of the last one's gradient.",
                before=formats.scientific(before),
                after=formats.scientific(after),
            )
        ]
    values = {
        "before": formats.scientific(before),
        "after": formats.scientific(after),
        "why": _(_WHY_BATCH_NORM),
    }
    if after < 1:
        text = _(
            "BatchNorm alone, without any shortcut, takes the first layer's gradient from {before}"
            " of the last one's to {after} of it: {why}",
            **values,
        )
    else:
        text = _(
            "BatchNorm alone, without any shortcut, takes the first layer's gradient from {before}"
            " of the last one's to {after} times it: {why}",
            **values,
        )
    if after <= 10:
        return [text]
    return [
        paragraph(
            text,
            _(
                "Its gradients even grow towards the first layers, so it cures the vanishing, not"
                " every ill of depth."
            ),
        )
    ]


def _training_sentences(networks: Sequence[NetworkFlow]) -> list[str]:
    """What training has done to the gradient of each run."""
    sentences = []
    for before, after in _before_and_after(networks):
        untrained = first_and_last(before, "weight_gradient")
        trained = first_and_last(after, "weight_gradient")
        if untrained and trained:
            sentences.append(
                _(
                    "Run {run} ({network}): the first layer's gradient is {before} of the last"
                    " one's before training and {after} with the best parameters.",
                    run=before.run,
                    network=network_label(before.model),
                    before=formats.scientific(untrained.ratio),
                    after=formats.scientific(trained.ratio),
                )
            )
    return sentences


def _before_and_after(networks: Sequence[NetworkFlow]) -> list[tuple[NetworkFlow, NetworkFlow]]:
    """Each run before and after its training."""
    before = {flow.run: flow for flow in networks if flow.run is not None and not flow.trained}
    return [(before[flow.run], flow) for flow in networks if flow.trained and flow.run in before]

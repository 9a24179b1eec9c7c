"""What measured gradients say, in words computed from the numbers. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, log10

from core.measure.gradient_records import (
    INITIALIZATIONS,
    GradientFlow,
    NetworkFlow,
    depth_of,
)
from core.report import formats
from core.specs import ModelSpec
from core.zoo.variants import SHORTCUT_TITLES

VANISHED, EXPLODED = 1e-2, 1e2  # first layer's gradient by the last one's
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
WHY_BATCH_NORM = (
    "BatchNorm gives every layer's output variance 1 on the way forward and divides the gradient by"
    " what it divided the output by on the way back, so small weights cannot shrink both, layer"
    " after layer."
)
WHY_NOT_ONE = (
    "The derivative of x + F(x) is 1 + F′(x), and F′ may well be negative; a ReLU after the"
    " addition takes away more. What the shortcut guarantees is a path without a product of small"
    " factors."
)


@dataclass(frozen=True)
class FirstAndLast:
    """How a quantity differs between the first weight layer and the last one before the output."""

    first: float
    last: float
    steps: int  # layers from the one to the other

    @property
    def ratio(self) -> float | None:
        """First by last; None where the last one is 0 or there is no number."""
        valid = isfinite(self.first) and isfinite(self.last) and self.last > 0
        return self.first / self.last if valid else None

    @property
    def a_layer(self) -> float | None:
        """The factor by which it changes a layer, on the way back, in the geometric mean."""
        ratio = self.ratio
        return ratio ** (1 / self.steps) if ratio and self.steps else None


def first_and_last(flow: NetworkFlow, quantity: str) -> FirstAndLast | None:
    """Medians at both ends of the main path; None for a network of fewer than three layers.

    The output layer is left out: its gradient is that of the loss itself.
    """
    hidden = flow.main_path[:-1]
    if len(hidden) < 2:
        return None
    first, last = (getattr(layer, quantity).median for layer in (hidden[0], hidden[-1]))
    return FirstAndLast(first, last, len(hidden) - 1)


def gradient_outcome(ratio: float | None) -> str:
    """vanishes, is kept, explodes."""
    if ratio is None:
        return "cannot be told"
    if ratio < VANISHED:
        return "vanishes"
    return "explodes" if ratio > EXPLODED else "is kept"


def number(value: float | None, digits: int = 2) -> str:
    """0.71, 24, 3.1 × 10⁻¹⁷; 0 only where it is exactly that."""
    if value is None:
        return formats.NOTHING
    if value == 0 or not isfinite(value):
        return f"{value:g}"
    if 1e-3 <= abs(value) < 1e4:
        return f"{value:.{digits}g}" if abs(value) < 100 else f"{value:,.0f}"
    exponent = int(log10(abs(value)) // 1)
    mantissa = f"{value / 10**exponent:.{digits - 1}f}"
    return f"{mantissa} × 10{str(exponent).translate(SUPERSCRIPTS)}"


def factor(value: float | None) -> str:
    """Exact enough to be multiplied up over many layers: 0.714, 1.0205."""
    if value is not None and 0.9 <= value <= 1.1:
        return f"{value:.4f}"
    return number(value, 3)


def network_label(model: ModelSpec) -> str:
    """`no shortcut, no BatchNorm, 110 layers`; for other networks their name first."""
    depth, parts = depth_of(model), []
    if depth is None:
        parts.append(model.arch)
    if (shortcut := model.option("shortcut")) is not None:
        title = SHORTCUT_TITLES.get(str(shortcut), str(shortcut).replace("-", " "))
        parts.append("with the homework's mistake" if model.option("as_published") else title)
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


def sentences(found: GradientFlow) -> list[str]:
    """What the deepest networks and the runs show, each in one or two sentences."""
    fresh = [flow for flow in found.networks if flow.run is None]
    deepest = max((len(flow.main_path) for flow in fresh), default=0)
    deep = [flow for flow in fresh if len(flow.main_path) == deepest]
    said = [sentence for flow in deep if (sentence := end_sentence(flow))]
    said += [claim for flow in deep if (claim := claim_sentence(flow))]
    if any("does not hold" in one for one in said):
        said.append(WHY_NOT_ONE)
    said += batch_norm_sentences(deep)
    for before, after in pairs(found.networks):
        one, other = (
            first_and_last(before, "weight_gradient"),
            first_and_last(after, "weight_gradient"),
        )
        if one and other:
            said.append(
                f"Run {before.run} ({network_label(before.model)}): the first layer's gradient is"
                f" {number(one.ratio)} of the last one's before training and"
                f" {number(other.ratio)} with the best parameters."
            )
    return said


def pairs(networks: Sequence[NetworkFlow]) -> list[tuple[NetworkFlow, NetworkFlow]]:
    """Each run before and after its training."""
    before = {flow.run: flow for flow in networks if flow.run is not None and not flow.trained}
    return [(before[flow.run], flow) for flow in networks if flow.trained and flow.run in before]


def end_sentence(flow: NetworkFlow) -> str | None:
    """How much of the gradient arrives at the first layer."""
    found = first_and_last(flow, "weight_gradient")
    if found is None:
        return None
    name = label(flow)
    start = f"**{name[0].upper()}{name[1:]}**"
    if found.first == 0:
        return (
            f"{start}: the first layer's gradient is exactly 0 in float32; it cannot learn at all."
        )
    if found.ratio is None:
        return f"{start}: no gradient can be told."
    text = (
        f"{start}: the first layer's weights get {number(found.ratio, 3)} of the gradient norm of"
        f" the last layer before the output, a factor of {factor(found.a_layer)} at each of"
        f" {found.steps} layers: it {gradient_outcome(found.ratio)}"
    )
    behind = first_and_last(flow, "output_gradient")
    if behind is None or gradient_outcome(behind.ratio) == gradient_outcome(found.ratio):
        return f"{text}."
    return (
        f"{text}. The gradient of its output is {number(behind.ratio, 3)} times that of the last"
        f" one's output ({gradient_outcome(behind.ratio)}): the weights' own is that times what the"
        " layer reads."
    )


def claim_sentence(flow: NetworkFlow) -> str | None:
    """The note's claim next to what is measured; for networks with a shortcut in their blocks."""
    gains = [block.gain.median for block in flow.blocks]
    if not gains or flow.model.option("shortcut") in (None, "none"):
        return None
    enough = sum(gain >= 1 for gain in gains)
    between = f"between {factor(min(gains))} and {factor(max(gains))}"
    text = (
        f"“The derivative is at least 1”, measured ({label(flow)}): through the {len(gains)} blocks"
        f" that keep their map's shape the gradient norm is multiplied by {between}, by 1 or more"
        f" in {enough} of them."
    )
    if enough == len(gains):
        return f"{text} Here the claim holds for every block."
    return f"{text} So it does not hold block by block."


def batch_norm_sentences(flows: Sequence[NetworkFlow]) -> list[str]:
    """What BatchNorm alone does to the nets without a shortcut."""
    plain = {
        bool(flow.model.option("batch_norm")): first_and_last(flow, "weight_gradient")
        for flow in flows
        if flow.model.option("shortcut") == "none" and flow.model.option("batch_norm") is not None
    }
    without, with_norm = plain.get(False), plain.get(True)
    if without is None or with_norm is None or with_norm.ratio is None:
        return []
    before, after = without.ratio or 0.0, with_norm.ratio
    if before >= VANISHED:
        return [
            "Without BatchNorm the plain net's gradient does not vanish with this initialization"
            f" ({number(before)}), so there is nothing for BatchNorm to mend here; with it the"
            f" first layer gets {number(after)} of the last one's gradient."
        ]
    text = (
        "BatchNorm alone, without any shortcut, takes the first layer's gradient from"
        f" {number(before)} to {number(after)} times that of the last one: {WHY_BATCH_NORM}"
    )
    if after > 10:
        text += (
            " Its gradients even grow towards the first layers, so it cures the vanishing, not"
            " every ill of depth."
        )
    return [text]


def state_title(state: str) -> str:
    """How an initialization is called; a trained state as it is."""
    return INITIALIZATIONS.get(state, state)

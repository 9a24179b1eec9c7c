"""The options of networks whose residual units can be exchanged: shortcut, order and settings.

Identity Mappings in Deep Residual Networks, arXiv 1603.05027, figures 2 and 4.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from core.language import N_
from core.specs import OptionValue
from core.zoo.architecture import Option
from core.zoo.variants import DEFAULTS, ORDERS, SHORTCUT_TITLES, SHORTCUTS, order_built

SHORTCUT_OPTION = Option(
    "shortcut",
    N_("Shortcut"),
    N_("What carries the block's input past its two convolutions."),
    "identity",
    choices=tuple(SHORTCUT_TITLES.items()),
)


def _of_shortcut(name: str) -> Callable[[OptionValue, Mapping[str, OptionValue]], OptionValue]:
    """The rule of a setting that only some shortcuts use."""

    def in_effect(value: OptionValue, others: Mapping[str, OptionValue]) -> OptionValue:
        is_used = SHORTCUTS[str(others["shortcut"])].setting == name
        return value if is_used else DEFAULTS[name]

    return in_effect


def unit_options(batch_norm: bool, is_chain: bool) -> tuple[Option, ...]:
    """The options behind `shortcut`, with this default for BatchNorm; see `order_built`."""
    return (
        Option(
            "batch_norm",
            "BatchNorm",
            N_("Normalize after each convolution; without it gradients show the shortcut's work."),
            batch_norm,
        ),
        Option(
            "order",
            N_("Activation order"),
            N_("Where BatchNorm and ReLU stand: arXiv 1603.05027, figure 4."),
            "original",
            choices=tuple((order.name, order.title) for order in ORDERS.values()),
            stands_for=lambda value, others: order_built(
                str(value), bool(others["batch_norm"]), str(others["shortcut"]), is_chain
            ),
        ),
        Option(
            "factor",
            N_("Factor"),
            N_(
                "What the shortcut is multiplied by; constant scaling gives the rest to the branch."
            ),
            DEFAULTS["factor"],
            minimum=0,
            maximum=2,
            stands_for=_of_shortcut("factor"),
        ),
        Option(
            "gate_bias",
            N_("Gate bias"),
            N_("Of the gates at the start: the lower, the more passes through the shortcut."),
            DEFAULTS["gate_bias"],
            minimum=-20,
            maximum=20,
            stands_for=_of_shortcut("gate_bias"),
        ),
        Option(
            "dropout",
            N_("Dropout of the shortcut"),
            N_("Share of the shortcut's values that each training step drops."),
            DEFAULTS["dropout"],
            minimum=0,
            maximum=1,
            stands_for=_of_shortcut("dropout"),
        ),
    )

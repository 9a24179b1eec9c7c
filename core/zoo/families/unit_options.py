"""The options of networks whose residual units can be exchanged: shortcut, order and settings.

Identity Mappings in Deep Residual Networks, arXiv 1603.05027, figures 2 and 4.
"""

from __future__ import annotations

from core.zoo.architecture import Option
from core.zoo.variants import DEFAULTS, ORDERS, SHORTCUT_TITLES

SHORTCUT_OPTION = Option(
    "shortcut",
    "Shortcut",
    "What carries the block's input past its two convolutions.",
    "identity",
    choices=tuple(SHORTCUT_TITLES.items()),
)


def unit_options(batch_norm: bool) -> tuple[Option, ...]:
    """The options behind `shortcut`, with this default for BatchNorm."""
    return (
        Option(
            "order",
            "Activation order",
            "Where BatchNorm and ReLU stand: arXiv 1603.05027, figure 4.",
            "original",
            choices=tuple((order.name, order.title) for order in ORDERS.values()),
        ),
        Option(
            "batch_norm",
            "BatchNorm",
            "Normalize after each convolution; without it gradients show the shortcut's work.",
            batch_norm,
        ),
        Option(
            "factor",
            "Factor",
            "What the shortcut is multiplied by; constant scaling gives the rest to the branch.",
            DEFAULTS["factor"],
            minimum=0,
            maximum=2,
        ),
        Option(
            "gate_bias",
            "Gate bias",
            "Of the gates at the start: the lower, the more passes through the shortcut.",
            DEFAULTS["gate_bias"],
            minimum=-20,
            maximum=20,
        ),
        Option(
            "dropout",
            "Dropout of the shortcut",
            "Share of the shortcut's values that each training step drops.",
            DEFAULTS["dropout"],
            minimum=0,
            maximum=1,
        ),
    )

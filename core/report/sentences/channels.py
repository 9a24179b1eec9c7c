"""How channels run through a network, in words."""

from __future__ import annotations

from collections.abc import Sequence

from core.analysis.records import Analysis
from core.explain.channels import ChannelStep, channels

_MOST = 20  # steps that are listed


def channels_sentence(analysis: Analysis) -> str:
    """in_channels and out_channels of each convolution, or of each block where there are branches.

    Empty where there are not two of them.
    """
    found = channels(analysis)
    if len(found.steps) < 2:
        return ""
    if not found.is_chain:
        return (
            "in_channels: the convolutions are no single chain, so each block reads what those"
            f" before it give: {_blocks(found.steps)}."
        )
    chain = [found.steps[0].reads[0], *(step.gives for step in found.steps)]
    changes = sum(step.reads != (step.gives,) for step in found.steps)
    return (
        f"in_channels of a convolution are the out_channels of the one before it: {_chain(chain)}."
        f" {changes} of {len(found.steps)} change them."
    )


def _chain(counts: Sequence[int]) -> str:
    """`1 → 64 → 128`."""
    more = f" → … ({len(counts) - _MOST} more)" if len(counts) > _MOST else ""
    return " → ".join(f"{count:,}" for count in counts[:_MOST]) + more


def _blocks(steps: Sequence[ChannelStep]) -> str:
    """`stem1 1 → 10, inception1 10 → 88`."""
    more = f", … ({len(steps) - _MOST} more)" if len(steps) > _MOST else ""
    return (
        ", ".join(
            f"{step.path} {' and '.join(f'{count:,}' for count in step.reads)} → {step.gives:,}"
            for step in steps[:_MOST]
        )
        + more
    )

"""How channels run through a network, in words."""

from __future__ import annotations

from collections.abc import Sequence

from core.analysis.records import Analysis
from core.explain.channels import ChannelStep, channels
from core.language import _, comma, listed

_MOST = 20  # steps that are listed


def channels_sentence(analysis: Analysis) -> str:
    """in_channels and out_channels of each convolution, or of each block where there are branches.

    Empty where there are not two of them.
    """
    found = channels(analysis)
    if len(found.steps) < 2:
        return ""
    if not found.is_chain:
        return _(
            "in_channels: the convolutions are no single chain, so each block reads what those"
            " before it give: {blocks}.",
            blocks=_blocks(found.steps),
        )
    chain = [found.steps[0].reads[0], *(step.gives for step in found.steps)]
    changes = sum(step.reads != (step.gives,) for step in found.steps)
    return _(
        "in_channels of a convolution are the out_channels of the one before it: {chain}. {changes}"
        " of {convolutions} change them.",
        chain=_chain(chain),
        changes=changes,
        convolutions=len(found.steps),
    )


def _chain(counts: Sequence[int]) -> str:
    """`1 → 64 → 128`."""
    chain = " → ".join(f"{count:,}" for count in counts[:_MOST])
    more = len(counts) - _MOST
    return _("{chain} → … ({more} more)", chain=chain, more=more) if more > 0 else chain


def _blocks(steps: Sequence[ChannelStep]) -> str:
    """`stem1 1 → 10, inception1 10 → 88`."""
    blocks = comma().join(
        f"{step.path} {listed([f'{count:,}' for count in step.reads])} → {step.gives:,}"
        for step in steps[:_MOST]
    )
    more = len(steps) - _MOST
    return _("{blocks}, … ({more} more)", blocks=blocks, more=more) if more > 0 else blocks

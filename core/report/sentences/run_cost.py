"""What a run will take, and what such runs have reached, before it starts. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

from core.language import _, paragraph
from core.report import formats
from core.training.records import StepCost


def cost_sentence(
    seconds: float | None, span: tuple[float, float] | None, memory_bytes: int, device: str
) -> str:
    """`About 40 s (30 s to 55 s) on cpu, 310 MiB of memory.`, as Markdown.

    `span`: between which seconds the run will lie; None where one figure is known alone.
    """
    memory = formats.mebibytes(memory_bytes)
    if seconds is None:
        return _("It needs **{memory}** of memory.", memory=memory)
    about = formats.duration(seconds)
    if span is None:
        return _(
            "About **{time}** on {device}, **{memory}** of memory.",
            time=about,
            device=device,
            memory=memory,
        )
    low, high = map(formats.duration, span)
    return _(
        "About **{time}** ({low} to {high}) on {device}, **{memory}** of memory.",
        time=about,
        low=low,
        high=high,
        device=device,
        memory=memory,
    )


def steps_sentence(cost: StepCost) -> str:
    """`A step takes 11.3 ms, a test image 20 µs, ...`, of steps that were timed."""
    told = [
        _(
            "A step takes {step}, a test image {image}, the start {start} (medians, timed with this"
            " run's own network on {machine}).",
            step=formats.duration(cost.step_seconds),
            image=formats.duration(cost.evaluation_seconds),
            start=formats.duration(cost.start_seconds),
            machine=formats.machine(cost.machine),
        )
    ]
    if cost.kernel_share is not None:
        share = formats.whole_percent(cost.kernel_share)
        told.append(_("The device computes {share} of a step's time.", share=share))
    return paragraph(*told)


def reached_sentence(accuracies: Sequence[float]) -> str:
    """`3 such runs reached 98.90 to 99.10 %.`; nothing before the first."""
    if not accuracies:
        return ""
    if len(accuracies) == 1:
        return _("One such run reached {accuracy}.", accuracy=formats.percent(accuracies[0]))
    return _(
        "{count:,} such runs reached {low} to {high}.",
        count=len(accuracies),
        low=formats.points(min(accuracies)),
        high=formats.percent(max(accuracies)),
    )

"""What a study that comes with the lab has found, in words. Imports no torch."""

from __future__ import annotations

from dataclasses import replace

from core.language import _, comma, ngettext, paragraph
from core.report import formats
from core.report.names import network_title
from core.report.sentences.verdict import headline
from core.studies.shipped_studies import ShippedStudy, TrainedStudy


def means_sentence(trained: TrainedStudy) -> str:
    """What each of its networks reaches, and in which setting."""
    means = [
        f"{_(title)} {formats.percent_within(mean.mean, mean.half)}"
        for title, mean in trained.finals.items()
    ]
    return ngettext(
        "{means} ({number:,} seed; {network}; {conditions}).",
        "{means} ({number:,} seeds; {network}; {conditions}).",
        max((mean.count for mean in trained.finals.values()), default=0),
        means=comma().join(means),
        network=shared_title(trained.study),
        conditions=trained.study.conditions(),
    )


def shared_title(study: ShippedStudy) -> str:
    """What its networks have in common: `Your own VGG, head width 512, ratio 8, 32 px`."""
    models = [model for _title, model in study.networks]
    first, *others = models
    options = tuple(pair for pair in first.options if all(pair in one.options for one in others))
    sizes = {model.image_size for model in models}
    return network_title(replace(first, options=options), with_size=len(sizes) == 1)


def study_sentence(trained: TrainedStudy) -> str:
    """The verdict on all of it, and the means behind it."""
    titles = list(trained.finals)
    return paragraph(headline(trained.pairs(), titles), means_sentence(trained))

"""Questions about what a network makes of an image. Imports no torch."""

from __future__ import annotations

from core.inside.effective_field_records import WindowCounts
from core.inside.parts_records import MissingParts
from core.inside.shipped import SHIPPED
from core.language import N_, _, paragraph
from core.measure.shipped import LAST_WINDOW, MISSING, shipped_result
from core.report import formats
from core.report.questions.question import Evidence, Question
from core.report.sentences.effective_field import window_sentences
from core.report.sentences.parts import missing_finding

_RESIDUAL, _PLAIN = "residual", "plain"
_AT_96 = {
    "inside_network": "vgg11",
    "inside_ratio": "4",
    "inside_size": "96",
}


def _what_it_sees(evidence: Evidence) -> str:
    row = SHIPPED[_RESIDUAL]
    known, names = row.known, row.data.shown_classes
    return _(
        "Look: {network} is right on {accuracy} of the test images. Its surest mistake is image"
        " {image}: {label} that it takes for {said} ({confidence}). Every map is there, and every"
        " number can be followed back to the image.",
        network=_(row.title),
        accuracy=formats.percent(known.accuracy),
        image=known.mistake,
        label=_with_article(names[known.label]),
        said=_with_article(names[known.said]),
        confidence=formats.percent(known.confidence),
    )


def _with_article(name: str) -> str:
    thing = _(name)
    return _("an {thing}", thing=thing) if name[0] in "AEIO" else _("a {thing}", thing=thing)


def _which_part(evidence: Evidence) -> str:
    found = []
    for name, title in (
        (_RESIDUAL, _("the residual net")),
        (_PLAIN, _("the same net without shortcuts")),
    ):
        if result := shipped_result(MISSING[name]):
            found.append(missing_finding(MissingParts.from_dict(result), title))
    return paragraph(*found)


def _last_layer(evidence: Evidence) -> str:
    result = shipped_result(LAST_WINDOW)
    assert result is not None  # it comes with the lab
    counts = WindowCounts.from_dict(result)
    return window_sentences(counts, evidence.analysis_of(LAST_WINDOW.model))[0]


QUESTIONS = (
    Question(
        "what-it-sees",
        N_("What does it see in an image?"),
        _what_it_sees,
        "inside",
        {"in_network": f"lab/{_RESIDUAL}", "in_pick": "mistakes"},
        needs_runs=True,
        words=N_("feature map activation pixel kernel filter why mistake explainer"),
    ),
    Question(
        "missing-part",
        N_("Which part of a network can be missing?"),
        _which_part,
        "inside",
        {
            "in_network": f"lab/{_RESIDUAL}",
            "in_other": f"lab/{_PLAIN}",
            "in_view": "Missing parts",
        },
        needs_runs=True,
        words=N_("ablation leave out block shortcut branch channel"),
    ),
    Question(
        "last-layer-sees",
        N_("What does the last layer see at 96 pixels?"),
        _last_layer,
        "inside",
        {"in_network": "new", **_AT_96, "in_view": "Window"},
        needs_runs=True,
        words=N_("effective receptive field window gradient"),
    ),
)

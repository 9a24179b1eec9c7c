"""Questions about what a network makes of an image. Imports no torch."""

from __future__ import annotations

from core.inside.effective_field_records import WindowCounts
from core.inside.parts_records import MissingParts
from core.inside.shipped import SHIPPED
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
    known, names = row.known, row.data.class_names
    return (
        f"Look: {row.title} is right on {formats.percent(known.accuracy)} of the test images. Its"
        f" surest mistake is image {known.mistake}: {_with_article(names[known.label])} that it"
        f" takes for {_with_article(names[known.said])}"
        f" ({formats.percent(known.confidence)}). Every map is there, and every number can be"
        " followed back to the image."
    )


def _with_article(name: str) -> str:
    return f"{'an' if name[0] in 'AEIO' else 'a'} {name}"


def _which_part(evidence: Evidence) -> str:
    found = []
    for name, title in (
        (_RESIDUAL, "the residual net"),
        (_PLAIN, "the same net without shortcuts"),
    ):
        if result := shipped_result(MISSING[name]):
            found.append(missing_finding(MissingParts.from_dict(result), title))
    return " ".join(found)


def _last_layer(evidence: Evidence) -> str:
    result = shipped_result(LAST_WINDOW)
    assert result is not None  # it comes with the lab
    counts = WindowCounts.from_dict(result)
    return window_sentences(counts, evidence.analysis_of(LAST_WINDOW.model))[0]


QUESTIONS = (
    Question(
        "what-it-sees",
        "What does it see in an image?",
        _what_it_sees,
        "inside",
        {"in_network": f"lab/{_RESIDUAL}", "in_pick": "mistakes"},
        needs_runs=True,
        words="feature map activation pixel kernel filter why mistake explainer",
    ),
    Question(
        "missing-part",
        "Which part of a network can be missing?",
        _which_part,
        "inside",
        {
            "in_network": f"lab/{_RESIDUAL}",
            "in_other": f"lab/{_PLAIN}",
            "in_view": "Missing parts",
        },
        needs_runs=True,
        words="ablation leave out block shortcut branch channel",
    ),
    Question(
        "last-layer-sees",
        "What does the last layer see at 96 pixels?",
        _last_layer,
        "inside",
        {"in_network": "new", **_AT_96, "in_view": "Window"},
        needs_runs=True,
        words="effective receptive field window gradient",
    ),
)

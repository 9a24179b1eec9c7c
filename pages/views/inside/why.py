"""Which places of the image speak for a class, and whether that is more than a pretty picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from html import escape

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.explain.glossary import explained
from core.inside.attribution_records import (
    WORK,
    Attribution,
    Finding,
    Method,
    Question,
    agreement,
    default_layer,
    last_map,
    map_layers,
    random_layers,
    work,
)
from core.language import N_, _
from core.report import formats
from core.report.figures.palette import NEGATIVE, POSITIVE
from core.report.maps import png_address, range_of
from core.report.names import safe_name
from core.report.overlay import overlay_png
from core.report.sentences.attribution import (
    TITLES,
    attribution_sentence,
    other_sentence,
    sanity_sentence,
    text_alternative,
    what_is_asked,
)
from core.report.tables.attribution import (
    ShownMap,
    attribution_frame,
    attribution_npz,
    summary_frame,
)
from core.report.tables.predictions import class_name
from core.specs import MAX_SEED
from pages.views.app.downloads import download_csv, download_file
from pages.views.app.messages import errors_in_one_sentence, escaped
from pages.views.app.prose import caption, markdown
from pages.views.app.tables import table
from pages.views.app.with_torch import inside
from pages.views.forms.names import select_name
from pages.views.inside.chosen import Chosen, Subject

_PREDICTED, _NONE, _LAST, _ALL = "predicted", "none", "last", "all"  # names of lists
_BLACK, _MEAN = "black", "mean"
_FIRST, _OTHER, _RANDOM = "first", "other", "random"  # pictures of a method
_PICTURES = {  # as files of them are called, with the method
    _FIRST: N_("{method}, this network"),
    _OTHER: N_("{method}, second network"),
    _RANDOM: N_("{method}, random weights"),
}
_COLUMNS = {  # of the table on the page
    "method": N_("method"),
    "network": N_("network"),
    "parameters": N_("parameters"),
    "score": N_("score"),
    "lowest": N_("lowest"),
    "highest": N_("highest"),
    "row": N_("row"),
    "column": N_("column"),
    "finding": N_("finding"),
    "rank_correlation": N_("rank correlation"),
    "rank_correlation_of_sizes": N_("rank correlation of sizes"),
    "correlation": N_("correlation"),
    "completeness_error": N_("completeness error"),
}
_AT_ONCE = 4 * WORK  # multiply-adds of a method's pictures that nobody has to ask for

_STYLE = f"""<style>
.why {{ display: grid; gap: 0.75rem;
  grid-template-columns: repeat(auto-fill, minmax(7.5rem, 1fr)); }}
.why figure {{ margin: 0; max-width: 14rem; }}
.why img {{ display: block; width: 100%; image-rendering: pixelated; border-radius: 0.25rem; }}
.why figcaption {{ font-size: 0.8125rem; line-height: 1.4; overflow-wrap: anywhere; }}
.why .scale {{ display: flex; align-items: center; gap: 0.375rem; margin-top: 0.25rem;
  white-space: nowrap; }}
.why .bar {{ flex: 1; height: 0.5rem; border-radius: 0.25rem; min-width: 1.5rem; }}
.why .signed {{ background: linear-gradient(90deg, {NEGATIVE}, #8C8C8C55, {POSITIVE}); }}
.why .unsigned {{ background: linear-gradient(90deg, #8C8C8C55, {POSITIVE}); }}
</style>"""


@dataclass(frozen=True)
class _Asked:
    """What the controls say."""

    target: int
    against: int | None
    layer: str  # "": the last map
    baseline: float
    seed: int
    down_to: str  # "": random weights in every layer

    def question(self, method: Method) -> Question:
        """With the weights that were chosen."""
        return Question(method, self.target, self.against, self.layer, self.baseline)

    def random(self, question: Question) -> Question:
        """The same of random weights."""
        return replace(question, random_seed=self.seed, random_down_to=self.down_to)


def why_view(chosen: Chosen, other: Subject | None) -> None:
    """Three methods beside each other, each with its sanity check; `other`: a second network."""
    scores = inside("core.inside.maps:probabilities", chosen.weights, chosen.pixels)
    if scores is None:
        st.info(
            _("This network gives no scores for classes, so there is none to speak for."),
            icon=":material/info:",
        )
        return
    asked = _choose(chosen, scores)
    st.html(_STYLE)
    caption(
        _(
            "Orange speaks for the class, blue against it; each picture has its own scale, written"
            " below it, in units of the class's score before softmax. Beside each stands the same"
            " map of a network with random weights: where both look alike, the picture shows the"
            " image and nothing that was learned."
        )
    )
    shown: list[ShownMap] = []
    for column, method in zip(st.columns(len(Method)), Method, strict=True):
        with column, errors_in_one_sentence():
            shown += _method(method, chosen, other, asked)
    if shown:
        with st.expander(_("Numbers of these maps")):
            frame = summary_frame(shown)
            table(frame.assign(finding=frame["finding"].map(_)).rename(columns=_COLUMNS))
        _downloads(chosen, shown)


# Controls ----------------------------------------------------------------------------------------


def _choose(chosen: Chosen, scores: NDArray[np.float32]) -> _Asked:
    """One row: the class, what it is held against, the layer; the rest is folded."""
    predicted = int(scores.argmax())
    names = {
        str(index): class_name(chosen.data.shown_classes, index) for index in range(len(scores))
    }
    target, against, layer, more = st.columns([3, 3, 3, 2], vertical_alignment="bottom")
    with target:
        name = select_name(
            _("What speaks for"),
            {_PREDICTED: _("{label} (predicted)", label=names[str(predicted)])} | names,
            _PREDICTED,
            "in_why_class",
            help=_("The class whose score is shared out among the places of the image."),
        )
        index = predicted if name == _PREDICTED else int(name)
    with against:
        others = {key: title for key, title in names.items() if key != str(index)}
        rather = select_name(
            _("Rather than"),
            {_NONE: _("no other class")} | others,
            _NONE,
            "in_why_against",
            help=_("The difference of both scores is explained: why not the other class."),
        )
    with layer:
        path = _choose_layer(chosen)
    with more, st.popover(_("More"), width="stretch"):
        baseline, seed, down_to = _choose_more(chosen)
    return _Asked(index, None if rather == _NONE else int(rather), path, baseline, seed, down_to)


def _choose_layer(chosen: Chosen) -> str:
    """The layer whose map Grad-CAM takes; "" is the last one that has places."""
    rows = map_layers(chosen.analysis)
    titles = {
        row.path: _("{layer}, {shape}", layer=row.path, shape=formats.shape(row.output_shape[1:]))
        for row in reversed(rows)
    }
    usual = default_layer(chosen.analysis)
    last = _("Last map: {layer}", layer=titles.get(usual, usual)) if usual else _("Last map: none")
    name = select_name(
        _("Layer of Grad-CAM"),
        {_LAST: last} | titles,
        _LAST,
        "in_why_layer",
        help=_("Late maps know the class and have few cells; early ones are fine and know less."),
    )
    return "" if name == _LAST else name


def _choose_more(chosen: Chosen) -> tuple[float, int, str]:
    """Gray value of the cover, seed and reach of the random weights."""
    plain = select_name(
        _("Cover, and begin of the path"),
        {
            _BLACK: _("Black"),
            _MEAN: _("Mean gray of {data_set}", data_set=chosen.data.title),
        },
        _BLACK,
        "in_why_baseline",
        help=_("What says nothing: occlusion covers with it, integrated gradients begin there."),
    )
    down_to = select_name(
        _("Random weights"),
        {_ALL: _("In every layer")}
        | {
            path: _("From the last layer up to {layer}", layer=path)
            for path in random_layers(chosen.analysis)
        },
        _ALL,
        "in_why_random",
        help=_(
            "Of the network beside: all weights are drawn anew, or only those of the last layers"
            " (cascading, arXiv 1810.03292, section 3)."
        ),
    )
    seed = st.number_input(
        _("Seed of the random weights"),
        0,
        MAX_SEED,
        1,
        key="in_why_seed",
        bind="query-params",
        help=_("Draws them."),
    )
    if seed == chosen.weights.seed and not chosen.weights.file:
        caption(_("This seed is the network's own: choose another one."))
    return (
        chosen.data.mean if plain == _MEAN else 0.0,
        int(seed),
        "" if down_to == _ALL else down_to,
    )


# One method --------------------------------------------------------------------------------------


def _method(
    method: Method,
    chosen: Chosen,
    other: Subject | None,
    asked: _Asked,
) -> list[ShownMap]:
    """Its pictures, what they show, and the sanity check; empty where it was not asked for."""
    st.header(_(TITLES[method]), anchor=False, help=explained(TITLES[method]))
    if not _is_asked_for(method, chosen, other):
        return []
    maps = _maps(method, chosen, other, asked)
    learned, random = maps[0], maps[-1]
    what = what_is_asked(learned.found, chosen.data.shown_classes)
    pictures = "".join(_figure(shown, what) for shown in maps)
    st.html(f'<div class="why">{pictures}</div>')
    for sentence in _sentences(method, chosen, maps, what):
        markdown(escaped(sentence))
    is_trained = bool(chosen.weights.file)
    if sanity := sanity_sentence(random.like_first, learned.found, random.found, is_trained):
        markdown(_("**Sanity check.** {finding}", finding=escaped(sanity)))
    return maps


def _is_asked_for(method: Method, chosen: Chosen, other: Subject | None) -> bool:
    """True at once where it takes seconds; else the visitor says so."""
    weights = [chosen.subject, chosen.subject, *([other] if other else [])]
    total = sum(
        work(method, subject.weights.spec.sides, subject.analysis.totals.macs)
        for subject in weights
    )
    if total <= _AT_ONCE:
        return True
    return st.toggle(
        _("Compute it: about {time}", time=formats.duration(total / WORK)),
        key=f"in_why_{method}",
        help=_(
            "The network reads many images for it; a smaller Resize or a higher Ratio takes less."
        ),
    )


def _maps(method: Method, chosen: Chosen, other: Subject | None, asked: _Asked) -> list[ShownMap]:
    """Of the network, of the second one where there is one, of random weights."""
    question = asked.question(method)
    first = _map(_FIRST, chosen.subject, chosen, question)
    maps = [first]
    if other is not None:
        paths = {row.path for row in map_layers(other.analysis)}
        its_own = question if question.layer in paths else replace(question, layer="")
        maps.append(_map(_OTHER, other, chosen, its_own, first.found))
    return [*maps, _map(_RANDOM, chosen.subject, chosen, asked.random(question), first.found)]


def _map(
    name: str,
    subject: Subject,
    chosen: Chosen,
    question: Question,
    first: Attribution | None = None,
) -> ShownMap:
    """The answer of the process that has the networks, held against the `first` one."""
    weights, pixels = subject.weights, chosen.pixels
    found: Attribution = inside("core.inside.attribution:attribution", weights, pixels, question)
    image = inside("core.inside.maps:resized", pixels, weights.spec.sides)
    alike = None if first is None else agreement(first, found)
    return ShownMap(name, subject.title, weights, image, found, alike)


def _sentences(method: Method, chosen: Chosen, maps: Sequence[ShownMap], what: str) -> list[str]:
    """What the maps show, the first network's first."""
    first = maps[0].found
    sentences = [attribution_sentence(first, what)]
    last = last_map(chosen.analysis)
    if method is Method.GRAD_CAM and not first.question.layer and first.layer not in ("", last):
        sentences.append(
            _("The last map, of {layer}, is a single cell, so an earlier one is taken.", layer=last)
        )
    for shown in maps:
        if shown.name == _OTHER and first.finding is Finding.SAYS:
            if shown.found.finding is not Finding.SAYS:
                finding = attribution_sentence(shown.found, what)
                sentences.append(_("{network}: {finding}", network=shown.network, finding=finding))
            else:
                sentences.append(other_sentence(shown.like_first))
    return sentences


def _figure(shown: ShownMap, what: str) -> str:
    """A picture with its scale; the plain image where the map says nothing."""
    found = shown.found
    network = shown.parameters if shown.name == _RANDOM else shown.network
    says = found.finding is Finding.SAYS
    text, nothing = _("{network}: no map to show", network=network), escape(_("no map"))
    below = f"<br>{nothing}"
    if says:
        text, below = text_alternative(found, what, network), _scale(found)
    return (
        f'<figure><img src="{png_address(_png(shown))}" alt="{escape(text)}">'
        f"<figcaption>{escape(formats.kept_together(network))}{below}</figcaption></figure>"
    )


def _scale(found: Attribution) -> str:
    low, high = range_of(found.values)
    kind = "signed" if low < 0 else "unsigned"
    return (
        f'<div class="scale">{formats.signed_number(low)}<span class="bar {kind}"></span>'
        f"{formats.signed_number(high)}</div>"
    )


def _png(shown: ShownMap) -> bytes:
    """The map over the image; the plain image where the map says nothing."""
    found = shown.found
    says = found.finding is Finding.SAYS
    values = found.values if says else np.zeros_like(found.values)
    return overlay_png(shown.image, values, range_of(values)[1])


# To take along -----------------------------------------------------------------------------------


def _downloads(chosen: Chosen, shown: Sequence[ShownMap]) -> None:
    """Every picture as PNG, all arrays as NPZ, the numbers as CSV."""
    start = chosen.subject.file_name(chosen.image_slug, "why")
    with st.container(horizontal=True):
        download_csv(
            _("Numbers as CSV"),
            lambda: attribution_frame(shown, str(chosen.image_name), chosen.data.shown_classes),
            f"{start}.csv",
            "in_why_csv",
        )
        download_file(
            _("All maps as NPZ"), partial(attribution_npz, shown), f"{start}.npz", "in_why_npz"
        )
        with st.popover(_("Pictures as PNG"), icon=":material/download:"):
            for one in shown:
                label = _(_PICTURES[one.name], method=_(TITLES[one.found.question.method]))
                name = f"{safe_name(start, one.file_part)}.png"
                key = f"in_why_{one.file_part}"
                download_file(label, partial(_png, one), name, key, "image/png")

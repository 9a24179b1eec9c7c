"""The loss around trained networks: those that come with the lab, or the visitor's own runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.inside.landscape_records import (
    PATH,
    RANDOM,
    Landscape,
    NetworkLandscape,
    image_count,
    no_plane_along,
)
from core.jobs.store import Run
from core.jobs.trail import path_epochs
from core.language import N_, _, either, paragraph
from core.measure.inside_requests import LANDSCAPE_IMAGES, LANDSCAPE_POINTS, LandscapeRequest
from core.measure.shipped import COURSE_LANDSCAPE, DEEP_LANDSCAPE
from core.report import formats
from core.report.figures.landscape import contour
from core.report.figures.loss_scale import LossScale
from core.report.names import names_file
from core.report.picture.surface import surface
from core.report.sentences.landscape import (
    landscape_finding,
    landscape_headline,
    landscape_sentences,
)
from core.report.tables.landscape import landscape_frame, path_frame, summary_frame
from core.specs import RunSpec
from pages.views.app.charts import chart
from pages.views.app.downloads import download_csv
from pages.views.app.measurement import measurement
from pages.views.app.messages import escaped
from pages.views.app.prose import caption, markdown
from pages.views.app.svg_image import svg_image
from pages.views.app.tables import table
from pages.views.app.with_torch import analysis_of
from pages.views.forms.names import pick_name
from pages.views.forms.row import form_row
from pages.views.gradients.runs import choose_runs

_DEEP, _COURSE, _OWN = N_("56 layers"), N_("course nets"), N_("finished runs")
_SHIPPED = {_COURSE: COURSE_LANDSCAPE, _DEEP: DEEP_LANDSCAPE}
_CONTOUR, _SURFACE, _TABLE = _VIEWS = (N_("Contour"), N_("Surface"), N_("Table"))
_PLANES = {RANDOM: N_("random directions"), PATH: N_("along the training")}
_MOST_RUNS = 4
_LEAST_EPOCHS = 2  # whose path is not a line
_STYLE = """<style>
[class*="st-key-pictures_"] { display: grid; grid-template-columns: minmax(0, 1fr); }
[class*="st-key-pictures_"] > * { min-width: 0; width: auto; }
@media (min-width: 1000px) {
  [class*="st-key-pictures_"] { grid-template-columns: repeat(2, minmax(0, 1fr)); }
}
@media (min-width: 1500px) {
  .st-key-pictures_3 { grid-template-columns: repeat(3, minmax(0, 1fr)); }
  .st-key-pictures_4 { grid-template-columns: repeat(4, minmax(0, 1fr)); }
}
</style>"""


def landscape_view() -> None:
    """Controls, the measurement, what it has found."""
    with form_row("landscape"):
        networks = pick_name(
            _("Networks"),
            {name: name for name in (*_SHIPPED, _OWN)},
            _COURSE,
            "why_land_nets",
            help=_(
                "The first two are trained by the measurement itself: short runs on Fashion-MNIST"
                " mini, equal but for the shortcut."
            ),
        )
        show_as = pick_name(
            _("Show as"), {view: view for view in _VIEWS}, _CONTOUR, "why_land_show"
        )
        shipped = _SHIPPED.get(networks)
        request, sentences = (shipped, []) if shipped else _of_runs()
    for sentence in sentences:
        caption(sentence)
    if request is None:
        st.info(_("Choose finished runs: Train makes them."), icon=":material/arrow_upward:")
        return
    measurement(
        request,
        "why_land",
        _("Compute the landscape"),
        _(
            "In a process of its own: half a minute for a course net, minutes for a large one;"
            " networks that are not trained yet are trained first."
        ),
        lambda result: _show(Landscape.from_dict(result), show_as),
        again=N_("Compute again"),
    )


def _of_runs() -> tuple[LandscapeRequest | None, list[str]]:
    """The request for the runs that are chosen, None without any; why some have no path to show."""
    runs = choose_runs(
        _("Finished runs"),
        "why_land_runs",
        _MOST_RUNS,
        _("Their best parameters, or the way of their training; several are drawn on one scale."),
    )
    epochs = {run.id: len(path_epochs(run)) - 1 for run in runs}
    walked = [run for run in runs if epochs[run.id] >= _LEAST_EPOCHS and run.checkpoint]
    plane = _plane() if walked else RANDOM
    left_out = [run for run in runs if run not in walked] if plane == PATH or not walked else []
    if plane == PATH:
        runs = walked
    hashes = tuple(
        (run.id, file.sha256)
        for run in runs
        if (file := run.checkpoint if plane == PATH else run.best_file)
    )
    request = LandscapeRequest(hashes, (), images=_images(runs), plane=plane) if runs else None
    return request, [no_plane_along(run.id, epochs[run.id]) for run in left_out]


def _plane() -> str:
    return pick_name(
        _("Plane"),
        _PLANES,
        RANDOM,
        "why_land_plane",
        help=_(
            "Random directions, through the best parameters, compare how rough the loss is. Along"
            " the training, through the last ones, is the plane that holds most of the way from"
            " epoch to epoch."
        ),
    )


def _images(runs: Sequence[Run]) -> int:
    """Equally many for all: as many as the largest network is given, and each run has."""
    macs = max(analysis_of(run.spec.model).totals.macs for run in runs)
    return image_count(macs, LANDSCAPE_POINTS, LANDSCAPE_IMAGES)


def _show(landscape: Landscape, show_as: str) -> None:
    """Pictures or a table, the sentences, CSV."""
    name = names_file("landscape", [one.run_spec.model for one in landscape.networks])
    if not landscape.networks:
        st.caption(_("The networks are being trained."))
        return
    if finding := landscape_headline(landscape):
        st.info(f"**{escaped(finding)}**", icon=":material/landscape_2:")
    is_path = landscape.plane == PATH
    if show_as == _TABLE and is_path:
        columns = _path_columns()
        table(
            path_frame(landscape)[list(columns)],
            height="content",
            placeholder=formats.NOTHING,
            key="why_land_path_table",
            column_config=columns,
        )
    elif show_as == _TABLE:
        table(
            summary_frame(landscape).dropna(axis="columns", how="all"),
            height="content",
            placeholder=formats.NOTHING,
            key="why_land_table",
            column_config=_columns(),
        )
    else:
        _pictures(landscape, show_as, name)
    _say(landscape)
    caption(_how(landscape))
    with st.container(horizontal=True):
        download_csv(
            _("Every point as CSV"),
            lambda: landscape_frame(landscape),
            f"{name}.csv",
            "why_land_csv",
        )
        if is_path:
            download_csv(
                _("The path as CSV"),
                lambda: path_frame(landscape),
                f"{name}-path.csv",
                "why_land_path_csv",
            )


def _say(landscape: Landscape) -> None:
    """What each network shows; of random planes folded, for their finding stands above."""
    sentences = landscape_sentences(landscape)
    if not sentences:
        return
    folds = landscape.plane != PATH
    with st.expander(_("What each network shows")) if folds else st.container():
        markdown("\n".join(f"- {sentence}" for sentence in sentences))


def _pictures(landscape: Landscape, show_as: str, name: str) -> None:
    """Beside each other where there is room, all on one scale."""
    scale = LossScale.of(landscape)
    st.html(_STYLE)
    number = min(len(landscape.networks), _MOST_RUNS)
    with st.container(key=f"pictures_{number}", horizontal=True):
        for index, network in enumerate(landscape.networks):
            with st.container():
                if show_as == _CONTOUR:
                    figure = contour(network, landscape, scale)
                    chart(figure, f"why_land_{index}", name=f"{name}-{index + 1}")
                else:
                    _surface(network, landscape, scale)


def _surface(network: NetworkLandscape, landscape: Landscape, scale: LossScale) -> None:
    name, _break, finding = landscape_finding(network, landscape).partition("<br>")
    title = _("{network}, {finding}", network=name, finding=finding)
    st.markdown(f"**{escaped(title)}**")
    st.html(svg_image(surface(network, landscape, scale, title), title))


def _how(landscape: Landscape) -> str:
    """What was computed, and where."""
    specs = [network.run_spec for network in landscape.networks]
    trained = sorted({_training(spec) for spec in specs})
    return paragraph(
        _(
            "{points} × {points} points; at each one the mean loss of {images:,} of the training"
            " images, BatchNorm as in evaluation.",
            points=landscape.points,
            images=landscape.images,
        ),
        _(_ALONG if landscape.plane == PATH else _AROUND),
        _(
            "Colors and heights are on one scale for all networks. Trained for {trainings}."
            " Measured on {machine}.",
            trainings=either(trained),
            machine=escaped(formats.machine(landscape.machine)),
        ),
    )


def _training(spec: RunSpec) -> str:
    """Epochs and images."""
    if spec.train_images is None:
        return _(
            "{epochs} epochs on all images of {data}", epochs=spec.recipe.epochs, data=spec.dataset
        )
    return _(
        "{epochs} epochs on {images} images of {data}",
        epochs=spec.recipe.epochs,
        images=spec.train_images,
        data=spec.dataset,
    )


_AROUND = N_("1 is as far as each filter is long; biases and BatchNorm's parameters stay.")
_ALONG = N_(
    "The plane goes through the last parameters, the cross; its directions are the two principal"
    " components of the steps from there to each epoch (arXiv 1712.09913, section 7.2). Lengths are"
    " distances between parameters. A point of the path has the color of its own loss: where it"
    " differs from the plane around it, the path lies beside the plane; on the surface it is drawn"
    " where the plane is. BatchNorm's running"
    " statistics are those of the last epoch everywhere."
)


def _path_columns() -> dict[str, Any]:
    """How each column of the path is shown."""
    config = st.column_config
    return {
        N_("run"): config.NumberColumn(pinned=True),
        N_("epoch"): config.NumberColumn(help=_("0: before training."), pinned=True),
        "first_direction": config.NumberColumn(_("first direction"), format="%.3g"),
        "second_direction": config.NumberColumn(_("second direction"), format="%.3g"),
        N_("loss"): config.NumberColumn(format="%.3g", help=_("Of the path's own point.")),
        "loss_in_plane": config.NumberColumn(
            _("loss in the plane"),
            format="%.3g",
            help=_("At the point of the plane nearest to it."),
        ),
    }


def _columns() -> dict[str, Any]:
    """How each column about a network is shown."""
    config = st.column_config
    return {
        N_("network"): config.TextColumn(pinned=True, width="large"),
        N_("loss"): config.NumberColumn(format="%.3g", help=_("Of the trained network.")),
        N_("highest loss"): config.NumberColumn(
            format="%.3g", help=_("Within this distance of 1; empty: more than float32 holds.")
        ),
        "near": config.NumberColumn(
            _("at most twice the loss"),
            format="percent",
            help=_("Share of the points within distance 1."),
        ),
        N_("accuracy"): config.NumberColumn(format="percent"),
        "path": config.NumberColumn(
            _("path in the plane"),
            format="%.2g %%",
            help=_("Share of the squared length of the training's way."),
        ),
    }

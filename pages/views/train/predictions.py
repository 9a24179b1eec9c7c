"""A finished run's record: confusion matrix, mistakes, the same image through two runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.data import find_dataset, is_available
from core.jobs.files import has_best
from core.jobs.predictions import Predictions, read_predictions
from core.jobs.store import JobState, Run
from core.language import N_, _
from core.measure.requests import PredictRequest
from core.report import formats
from core.report.figures.predictions import confusion_map, probability_bars
from core.report.names import network_title, run_file_name, run_title, seeded_title
from core.report.tables.predictions import class_name, confusion_frame, prediction_frame
from pages.views.app.charts import chart
from pages.views.app.downloads import download_csv
from pages.views.app.measurement import measurement
from pages.views.app.messages import escaped
from pages.views.app.prose import caption, markdown
from pages.views.app.services import store
from pages.views.app.test_images import test_images
from pages.views.inside.subject import name_of_run

_VIEWS = (N_("Confusion matrix"), N_("Mistakes"), N_("Two runs"))
_PICTURES = 24  # mistakes shown at once
_PICTURE_WIDTH = 112
_RUNS_OFFERED = 200


def mistakes_view(run: Run) -> None:
    """What a finished run's best parameters get wrong; nothing for other runs."""
    if run.state is not JobState.FINISHED or run.best_file is None:
        return
    st.header(_("What it gets wrong"), anchor=False)
    info = find_dataset(run.spec.dataset)
    if not has_best(run):
        st.info(_("Its best parameters are not on this machine."), icon=":material/info:")
        return
    if not is_available(run.spec.dataset):
        st.info(
            _(
                "{title} is no longer on this machine, so its test images cannot be shown;"
                " training on it downloads it again.",
                title=info.title,
            ),
            icon=":material/info:",
        )
        return
    _offer(run, "train_predict", lambda: _show(run))


def _offer(run: Run, key: str, draw: Callable[[], None]) -> None:
    """The button that computes the predictions; `draw` shows them once they are there."""
    measurement(
        PredictRequest(run.id, run.best_file.sha256 if run.best_file else ""),
        key,
        _("Look at its mistakes"),
        _("Runs the best parameters over all test images, in a process of its own."),
        lambda result: draw(),
        again=_("Predict again"),
    )


def _predictions_of(run: Run) -> Predictions | None:
    """Those that were kept, None where there are none."""
    return read_predictions(run, test_images(run.spec.dataset)[1])


def _show(run: Run) -> None:
    """The view that the reader picks."""
    predictions = _predictions_of(run)
    if predictions is None:
        _gone()
        return
    wrong = len(predictions.mistakes())
    markdown(
        _(
            "The parameters of epoch {epoch} get **{wrong:,}** of {images:,} test images"
            " wrong: {accuracy} are right. That is an optimistic figure: the epoch"
            " was chosen on these same test images.",
            epoch=run.best_epoch,
            wrong=wrong,
            images=len(predictions.labels),
            accuracy=formats.percent(predictions.accuracy),
        )
    )
    view = st.segmented_control(
        _("View"),
        _VIEWS,
        default=_VIEWS[0],
        format_func=_,
        required=True,
        key="train_mistakes_view",
        label_visibility="collapsed",
    )
    if view == _VIEWS[0]:
        _confusion(run, predictions)
    elif view == _VIEWS[1]:
        _pictures(run, predictions)
    else:
        _two_runs(run, predictions)
    download_csv(
        _("Every prediction as CSV"),
        lambda: prediction_frame(run, predictions),
        f"{run_file_name(run)}-predictions.csv",
        "train_predictions_csv",
    )


def _confusion(run: Run, predictions: Predictions) -> None:
    """The matrix, as counts or in per cent of each row."""
    outputs, classes = (
        predictions.probabilities.shape[1],
        find_dataset(run.spec.dataset).class_names,
    )
    matrix = predictions.confusion(outputs)
    used = [
        index
        for index in range(outputs)
        if index < len(classes) or matrix[:, index].any()  # an output without a class may be hit
    ]
    as_shares = st.toggle(
        _("In % of the true class"),
        key="train_confusion_shares",
        help=_("Each row adds up to 100 %: how often a class is recognized, and as what else."),
    )
    shown = matrix[np.ix_(used, used)]
    figure = confusion_map(shown, _output_names(run, used), as_shares)
    name = f"{run_file_name(run)}-confusion"
    chart(figure, "train_confusion", about=run_title(run), name=name)
    download_csv(
        _("Confusion matrix as CSV"),
        lambda: confusion_frame(run, shown, _output_names(run, used)),
        f"{name}.csv",
        "train_confusion_csv",
    )


def _output_names(run: Run, outputs: Sequence[int]) -> list[str]:
    """In the reader's language, of a CSV in English."""
    names = find_dataset(run.spec.dataset).shown_classes
    return [class_name(names, index) for index in outputs]


def _pictures(run: Run, predictions: Predictions) -> None:
    """The most confident mistakes with both labels."""
    names = find_dataset(run.spec.dataset).shown_classes
    wrong = predictions.mistakes()
    classes = st.multiselect(
        _("True class"),
        list(range(len(names))),
        format_func=names.__getitem__,
        key="train_mistakes_class",
        placeholder=_("All classes"),
        help=_("Only mistakes on images of these classes."),
    )
    if classes:
        wrong = wrong[np.isin(predictions.labels[wrong], classes)]
    if not len(wrong):
        st.info(_("No mistake here."), icon=":material/check:")
        return
    caption(
        _(
            "The {shown} of {wrong:,} mistakes that the network was most sure of. Some"
            " labels of the data set are themselves doubtful.",
            shown=min(_PICTURES, len(wrong)),
            wrong=len(wrong),
        )
    )
    images = test_images(run.spec.dataset)[0]
    with st.container(horizontal=True, gap="small"):
        for index in wrong[:_PICTURES]:
            with st.container(width=_PICTURE_WIDTH, gap=None):
                st.image(
                    _enlarged(images[index]),
                    width=_PICTURE_WIDTH,
                    alt=_("Test image {index}", index=index),
                )
                st.page_link(
                    "pages/inside.py",
                    label=_("image {index}", index=index),
                    query_params={"in_network": name_of_run(run.id), "in_image": str(index)},
                    help=_("Look inside: what each layer makes of this image."),
                )
                caption(
                    _(
                        "true: {label}  \n**said: {prediction}**  \n{confidence} sure",
                        label=names[predictions.labels[index]],
                        prediction=class_name(names, int(predictions.predicted[index])),
                        confidence=formats.percent(float(predictions.confidence[index])),
                    )
                )


def _enlarged(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Every pixel four by four, so that a browser does not blur it."""
    return image.repeat(4, axis=0).repeat(4, axis=1)


def _two_runs(run: Run, predictions: Predictions) -> None:
    """The same test image through this run and another one on the same data set."""
    others = {
        other.id: other
        for other in store().runs(limit=_RUNS_OFFERED)
        if other.id != run.id
        and other.state is JobState.FINISHED
        and other.spec.dataset == run.spec.dataset
        and has_best(other)
    }
    if not others:
        st.info(
            _(
                "There is no other finished run on {dataset} yet.",
                dataset=escaped(run.spec.dataset),
            ),
            icon=":material/info:",
        )
        return
    other_id = st.selectbox(
        _("Other run"),
        list(others),
        format_func=lambda run_id: seeded_title(others[run_id]),
        key="train_other_run",
        help=_("A finished run on the same data set."),
    )
    other = others[other_id]
    other_predictions = _predictions_of(other)
    if other_predictions is None:
        _offer(other, "train_predict_other", _gone)
    else:
        _compare(run, predictions, other, other_predictions)


def _gone() -> None:
    """The store says that they are known, and their file is not there."""
    st.info(
        _("The predictions are not there any more: predict again."), icon=":material/arrow_upward:"
    )


def _compare(
    run: Run, predictions: Predictions, other: Run, other_predictions: Predictions
) -> None:
    """Which images only one of both gets right, and one of them in detail."""
    is_right = predictions.predicted == predictions.labels
    other_is_right = other_predictions.predicted == other_predictions.labels
    sets = {
        _("only run {run} is right", run=run.id): np.flatnonzero(is_right & ~other_is_right),
        _("only run {run} is right", run=other.id): np.flatnonzero(other_is_right & ~is_right),
        _("both are wrong"): np.flatnonzero(~is_right & ~other_is_right),
        _("both are right"): np.flatnonzero(is_right & other_is_right),
    }
    name = st.segmented_control(
        _("Images"),
        list(sets),
        default=next(iter(sets)),
        format_func=lambda name: f"{name}: {len(sets[name]):,}",
        required=True,
        key=f"train_two_{run.id}_{other.id}",
    )
    indices = sets[name]
    if not len(indices):
        st.info(_("There is no such image."), icon=":material/info:")
        return
    position = 1
    if len(indices) > 1:
        position = st.number_input(
            _("Image, of {images:,}", images=len(indices)),
            1,
            len(indices),
            1,
            key=f"train_two_image_{run.id}_{other.id}_{list(sets).index(name)}",
            width=180,
            help=_("Leaf through the images of this kind."),
        )
    _image_through_both(
        int(indices[int(position) - 1]), ((run, predictions), (other, other_predictions))
    )


def _image_through_both(index: int, both: Sequence[tuple[Run, Predictions]]) -> None:
    """The test image with this index, and what each run takes it for."""
    run, predictions = both[0]
    names = find_dataset(run.spec.dataset).shown_classes
    label = int(predictions.labels[index])
    picture, probabilities = st.columns([1, 3])
    with picture:
        pixels = test_images(run.spec.dataset)[0][index]
        st.image(_enlarged(pixels), width=168, alt=_("Test image {index}", index=index))
        st.markdown(_("Test image {index}: **{label}**", index=index, label=names[label]))
        for run, predictions in both:
            name = class_name(names, int(predictions.predicted[index]))
            markdown(
                _(
                    "Run {run} ({network}, seed {seed}): **{prediction}**, {confidence}",
                    run=run.id,
                    network=escaped(network_title(run.spec.model)),
                    seed=run.spec.seed,
                    prediction=name,
                    confidence=formats.percent(float(predictions.confidence[index])),
                )
            )
    bars = [
        (_("run {title}", title=seeded_title(run)), predictions.probabilities[index])
        for run, predictions in both
    ]
    with probabilities:
        chart(probability_bars(names, bars, label), key="train_two_chart")

"""python -m core handout network | compare | run | study | inside"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any

import click

from core.analysis.cpu import threads
from core.cli.flags import Command, Function, NetworkFlags, RunNumber, network_flags
from core.cli.inside import pixels_of, subject_of_run
from core.cli.runs import check_writable
from core.cli.study import known_study
from core.cli.writing import say
from core.jobs.run_weights import BEST, WHICH
from core.language import ENGLISH, LANGUAGES, _, in_language, lazy
from core.report.glance import BATCH_SIZE
from core.report.handout.document import Document
from core.specs import MAX_BATCH_SIZE, LabError, check_whole

_out = click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    show_default="a file here, called after what it shows",
)
_batch = click.option("--batch-size", type=int, default=BATCH_SIZE, metavar="N")
_SHOWN = {"show_default": True}


def _language(function: Function) -> Function:
    """Adds the flag, and calls the function in that language."""

    @click.option(
        "--language",
        type=click.Choice(list(LANGUAGES)),
        default=ENGLISH,
        help="of its words; its CSVs stay English",
    )
    @wraps(function)
    def spoken(*args: Any, language: str, **flags: Any) -> Any:
        with in_language(language):
            return function(*args, **flags)

    return spoken


@click.group("handout", short_help="one HTML file that shows a view without the lab")
def handout() -> None:
    """One HTML file with charts, numbers, settings and CSVs, which opens without the lab."""


@handout.command("network", cls=Command, context_settings=_SHOWN)
@network_flags()
@_batch
@_out
@_language
def network(network: NetworkFlags, batch_size: int, out: Path | None) -> int:
    """A network, taken apart."""
    from core.analysis import analyze
    from core.report.handout.network import network_document

    check_whole("batch_size", batch_size, 1, MAX_BATCH_SIZE)
    return _write(network_document(analyze(network.model_spec()), batch_size, threads()), out)


@handout.command("compare", cls=Command, context_settings=_SHOWN)
@click.argument("archs", metavar="ARCH...", nargs=-1, required=True)
@_batch
@_out
@_language
def compare(archs: tuple[str, ...], batch_size: int, out: Path | None) -> int:
    """Networks side by side, each as its source describes it."""
    from core.analysis import analyze
    from core.jobs.store import open_store
    from core.report.handout.networks import networks_document
    from core.report.names_together import MAX_NETWORKS, short_titles, title_together
    from core.report.reached import accuracies_of_runs, best_accuracies

    check_whole("batch_size", batch_size, 1, MAX_BATCH_SIZE)
    if len(archs) > MAX_NETWORKS:
        raise LabError(f"A handout compares up to {MAX_NETWORKS} networks, not {len(archs)}.")
    analyses = [analyze(NetworkFlags(arch).model_spec()) for arch in dict.fromkeys(archs)]
    specs = [analysis.spec for analysis in analyses]
    named = list(zip(short_titles(specs), analyses, strict=True))
    accuracies = best_accuracies(accuracies_of_runs(open_store()))
    title = title_together(specs)
    return _write(networks_document(named, batch_size, accuracies, title), out)


@handout.command("run", cls=Command, context_settings=_SHOWN)
@click.argument("run", type=RunNumber(), metavar="RUN", help="its number, see `runs`")
@_out
@_language
def run(run: int, out: Path | None) -> int:
    """A run: result, curves, where the time went."""
    from core.jobs.store import open_store
    from core.report.handout.run import run_document

    store = open_store()
    return _write(run_document(store.get(run), store.epochs([run])[run]), out)


@handout.command("study", cls=Command, context_settings=_SHOWN)
@click.argument("study", metavar="STUDY", help="its name, as Residual tells it")
@_out
@_language
def study(study: str, out: Path | None) -> int:
    """A study: which variant is better, and what that rests on."""
    from core.analysis import analyze
    from core.jobs.store import open_store
    from core.report.handout.study import study_document

    store = open_store()
    found, runs = known_study(store, study), store.runs(study=study)
    analyses = {run.spec.model: analyze(run.spec.model) for run in runs}
    epochs = store.epochs([run.id for run in runs])
    return _write(study_document(found, runs, epochs, analyses), out)


@handout.command("inside", cls=Command, context_settings=_SHOWN)
@click.argument("run", type=RunNumber(), metavar="RUN", help="its number, see `runs`")
@click.option("--which", type=click.Choice(WHICH), default=BEST, help="which of its parameters")
@click.option("--image", type=int, default=0, metavar="N", help="number of the test image")
@_out
@_language
def inside(run: int, which: str, image: int, out: Path | None) -> int:
    """What a run's network makes of one image."""
    from core.analysis import analyze
    from core.data.arrays import read_arrays
    from core.inside.arrays import summaries
    from core.inside.maps import layer_maps, probabilities
    from core.report.handout.image import CHANNELS, SeenImage, image_document, shown_layers

    subject = subject_of_run(run, which, None)
    weights, data = subject.weights, subject.data
    pixels = pixels_of(subject, image, None, False)
    label = int(read_arrays(data.name, "test")[1][image])
    seen = SeenImage(
        pixels,
        lazy("test image {index}", index=image),
        data.shown_classes,
        label,
        probabilities(weights, pixels),
    )
    document = image_document(
        lambda: _("Run {run}", run=run),
        subject.name,
        weights.spec,
        which,
        seen,
        layer_maps(weights, pixels, shown_layers(analyze(weights.spec).layers), CHANNELS, False),
        summaries(weights, pixels),
    )
    return _write(document, out)


def _write(document: Document, out: Path | None) -> int:
    """The file, and a line that says where it is."""
    from core.report.handout.html import handout_html

    path = out or Path(f"{document.name}.html")
    check_writable(path, "--out")
    data = handout_html(document, datetime.now(UTC))
    path.write_bytes(data)
    say(f"{len(data):,} bytes are in {path}.")
    return 0

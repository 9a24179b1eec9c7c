"""How tests open a page of the lab and read it, and a run to show on it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
import streamlit as st
from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from core.explain.terms.term import Term
from core.jobs.store import JobState, Run, Study, open_store
from core.specs import ModelSpec, Recipe, RunSpec
from core.training.records import EpochMetrics
from core.zoo.catalogue import CATALOGUE
from pages.views.app import live, network_picture, offers
from pages.views.app.prose import address_of

PROJECT = Path(__file__).parents[2]
SHORT = Recipe("fast", epochs=2, batch_size=64, learning_rate=0.05)


# Every AppTest looks through all installed packages for components, which takes longer than a page
_scan_once = cache(manifest_scanner.scan_component_manifests)


@pytest.fixture(autouse=True)
def no_worker_and_fresh_caches(monkeypatch):
    """Pages under test start no process and remember nothing of the test before."""
    monkeypatch.setattr(manifest_scanner, "scan_component_manifests", _scan_once)
    monkeypatch.setenv("LAB_START_WORKER", "0")
    monkeypatch.setattr(offers, "starts_workers", lambda: True)  # forms offer this machine
    st.cache_data.clear()
    st.cache_resource.clear()
    network_picture._drawing.cache_clear()
    offers._living.cache_clear()


def open_page(page: str = "dashboard.py", **parameters: str) -> AppTest:
    """The page as a visitor with this address first sees it, without an exception."""
    app = AppTest.from_file(PROJECT / "dashboard.py", default_timeout=60)
    for name, value in parameters.items():
        app.query_params[name] = value
    if page != "dashboard.py":
        app.switch_page(page)
    app.run()
    assert not app.exception
    return app


def metric(app: AppTest, label: str) -> str:
    """What the number called `label` shows."""
    return next(card.value for card in app.metric if card.label == label)


def labels(app: AppTest) -> list[str]:
    """What the page's buttons say."""
    return [button.label for button in app.button]


def layer_rows(app: AppTest) -> pd.DataFrame:
    """The table of layers on Architecture: its columns as numbers, and the block of each row."""
    sent = [json.loads(one.proto.json) for one in app.get("bidi_component") if one.proto.json]
    [table] = [data for data in sent if "columns" in data and "rows" in data]
    names = [column["name"] for column in table["columns"]]
    cells = [
        [cell[0] if isinstance(cell, list) else cell for cell in row["cells"]]
        for row in table["rows"]
    ]
    return pd.DataFrame(cells, columns=names).assign(inner=[row["inner"] for row in table["rows"]])


def _texts(value: object) -> Iterator[str]:
    """Every text in a message to the browser; a table's columns are JSON inside it.

    A template that the browser fills begins with a brace too: `{right} of these {images}`.
    """
    if isinstance(value, dict):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)
    elif isinstance(value, str):
        yield value
        if value.startswith(('{"', "{}")):
            yield from _texts(json.loads(value))


def shown(app: AppTest) -> str:
    """All that the page says, with the helps of its controls, cards and columns."""
    said: list[str] = []
    blocks = [app._tree]
    while blocks:
        block = blocks.pop()
        blocks += getattr(block, "children", {}).values()
        if proto := getattr(block, "proto", None):
            said += _texts(MessageToDict(proto))
    return "\n".join(said)


def explains(page: str, term: Term) -> bool:
    """Whether a help text or a marked word of the page explains the term."""
    return term.explanation in page or f"]({address_of(term)} " in page


def as_read(text: str) -> str:
    """Markdown without the links of explained words, as a person reads it; a space is a space."""
    text = re.sub("[\u2009\u202f]", " ", text)
    return re.sub(r'\[([^\]]+)\]\(glossary\?term=\S+ "[^"]*"\)', r"\1", text)


def network_label(name: str) -> str:
    """What the picker of networks shows for this name."""
    return f"{CATALOGUE[name].family}: {CATALOGUE[name].title}"


@pytest.fixture
def watching(monkeypatch) -> list[str]:
    """The names of what the browser is told to ask for, at each drawing."""
    seen: list[str] = []
    watch = live.watch

    def noted(watched):
        seen.append(watched.name)
        watch(watched)

    monkeypatch.setattr(live, "watch", noted)
    return seen


def finished_run(
    seed: int = 0,
    model: ModelSpec | None = None,
    study: str | None = None,
    recipe: Recipe = SHORT,
    accuracies: tuple[float, float] = (0.8125, 0.75),
) -> int:
    """A run in the store with two epochs, the first one the better."""
    store = open_store()
    spec = RunSpec(
        model or ModelSpec("course-residual", image_size=28), "fashion-mini", recipe, seed=seed
    )
    if study:
        store.add_to_study(Study(study, study), [spec])
    else:
        store.enqueue(spec)
    run = store.claim()
    assert isinstance(run, Run)
    for epoch, accuracy in enumerate(accuracies, start=1):
        store.record(run, EpochMetrics(epoch, 0.5, 0.8, 0.6, accuracy, 1.0, 0.1, 5000.0, 0.01))
    store.finish(run, JobState.FINISHED)
    return int(run.id)

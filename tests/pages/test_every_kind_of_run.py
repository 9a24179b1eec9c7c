"""Whatever the command line can queue, every page shows: all pages over a store with all of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.jobs.store import JobState, open_store
from core.language import Message
from core.report.names import network_title
from core.specs import ModelSpec, RunSpec
from core.training.recipes import RECIPES, recipe
from core.training.records import EpochMetrics
from core.zoo.catalogue import CATALOGUE, complete, find
from core.zoo.libraries import LIBRARIES
from pages.views.app.frame import PAGES
from pages.views.app.messages import escaped
from pages.views.forms.run import run_keys
from tests.pages.opening import labels, open_page

pytestmark = pytest.mark.slow

SHORT = recipe("fast", 64, epochs=1)
TORCHVISION = [  # as torchvision has them, which takes seconds to import
    ModelSpec(f"torchvision/{name}", image_size=224, in_channels=3, num_classes=1000)
    for name in ("resnet18", "vit_b_16", "googlenet")
]
TIMM = [
    ModelSpec("timm/resnet18", image_size=96, in_channels=1, num_classes=10),
    ModelSpec("timm/vit_tiny_patch16_224", image_size=224, in_channels=3, num_classes=1000),
]
NOT_DEFAULT = (  # networks with an option, or a number, that no slider has
    ModelSpec("custom-vgg", 16, 33, options={"last_activation": "sigmoid", "head_width": 77}),
    ModelSpec("resnet-cifar", 17, 30, options={"depth": 14, "shortcut": "dropout", "dropout": 0.3}),
    ModelSpec("course-residual", 1, 28, options={"shortcut": "conv", "as_published": True}),
    ModelSpec("densenet", 1, 32, options={"growth_rate": 5}),
    replace(TORCHVISION[0], image_size=333, num_classes=11),
)
NETWORKS = [
    *(row.default for row in CATALOGUE.values()),
    *TORCHVISION,
    *(TIMM if LIBRARIES["timm"].version else []),
    *NOT_DEFAULT,
]


def queued(model: ModelSpec) -> RunSpec:
    """A short run of it."""
    return RunSpec(complete(model), "fashion-mini", SHORT, train_images=64)


@pytest.fixture(scope="module")
def specs() -> list[RunSpec]:
    """Every network, every recipe, all images and a few."""
    every = [queued(model) for model in NETWORKS]
    every += [
        replace(every[0], recipe=recipe(name, 5000), train_images=None, seed=seed)
        for seed, name in enumerate(RECIPES)
    ]
    return every


@pytest.fixture
def full_store(specs) -> list[int]:
    """Every spec as a run, some in each state; a study and runs of growing depth among them."""
    store = open_store()
    ids = [store.enqueue(spec) for spec in specs]
    store.create_study("blocks", {}, [queued(ModelSpec("course-residual", image_size=28))] * 2)
    store.enqueue_all([queued(ModelSpec("resnet20", image_size=28))], "stack-1")
    ends = (JobState.FINISHED, JobState.FAILED, JobState.STOPPED)
    for place in range(len(ids) - 2):  # the last ones stay in the queue
        run = store.claim()
        if place == len(ids) - 3:
            break  # and one goes on
        if place % 3 == 0:
            store.record(run, EpochMetrics(1, 0.5, 0.8, 0.6, 0.7, 1.0, 0.1, 5000.0, 0.01))
        store.finish(run, ends[place % 3], Message("The disk is full." if place % 3 == 1 else ""))
    return ids


def test_every_page_opens_over_all_of_them(full_store):
    for path, _, _ in PAGES:
        assert not open_page(path).error, path


def test_every_record_opens_and_tells_its_network(full_store, specs):
    for run_id, spec in zip(full_store, specs, strict=True):
        app = open_page("pages/train.py", run=str(run_id))
        assert escaped(network_title(spec.model)) in app.title[0].value


@pytest.mark.parametrize("model", NETWORKS, ids=network_title)
def test_the_form_shows_the_network_of_every_run(model):
    """What `Change and run again` opens."""
    spec = queued(model)
    asked = {key: str(value) for key, value in run_keys(spec).items()}
    app = open_page("pages/train.py", **asked)
    assert all("address asks" not in warning.value for warning in app.warning)
    if app.error:  # too large for this machine, or not made for small images
        assert len(app.error) == 1 and "Start training" not in labels(app)
        return
    app.button(key="train_start").click().run()
    [run] = open_store().runs()
    assert run.spec == spec


def test_new_run_on_the_record_of_a_model_of_torchvision():
    run_id = open_store().enqueue(queued(find("torchvision/resnet18").default))
    app = open_page("pages/train.py", run=str(run_id))
    app.button(key="train_again").click().run()
    assert not app.exception
    assert app.selectbox(key="train_torchvision").value == "resnet18"


def test_a_family_that_the_picker_does_not_know_stands_last(monkeypatch):
    row = replace(CATALOGUE["lenet"], name="new", title="New", family="Inventions")
    monkeypatch.setitem(CATALOGUE, "new", row)
    app = open_page("pages/train.py", train_network="new")
    assert app.selectbox(key="train_network").value == "new"
    titles = app.selectbox(key="train_network").options
    own = [title for title in titles if not title.endswith("any of its models")]
    assert own[-1] == "Inventions: New" and titles[: len(own)] == own


def test_no_two_networks_that_differ_have_one_title():
    titles = [network_title(complete(model)) for model in NETWORKS]
    assert len(set(titles)) == len(titles)


def test_runs_that_differ_in_an_option_have_different_titles():
    """The chapter's two heads: a sigmoid or logits."""
    logits = complete(ModelSpec("custom-vgg", 8, 32))
    sigmoid = complete(replace(logits, options={"last_activation": "sigmoid"}))
    assert network_title(logits) != network_title(sigmoid)
    assert "last activation sigmoid" in network_title(sigmoid)
    for name, row in CATALOGUE.items():
        plain = complete(row.default)
        for option in row.options:
            others = [value for value, _ in option.choices if value != option.default]
            if isinstance(option.default, bool):
                others = [not option.default]
            elif isinstance(option.default, int | float):
                others = [option.maximum]
            for value in others:
                changed = complete(replace(row.default, options={option.name: value}))
                is_same = network_title(changed) == network_title(plain)
                assert is_same == (changed == plain), (name, option.name, value)


def test_a_run_that_is_not_among_the_newest_still_gets_a_worker(monkeypatch):
    store = open_store()
    store.enqueue(queued(ModelSpec("lenet", image_size=28)))
    ids = store.enqueue_all([queued(ModelSpec("lenet", image_size=28))] * 9)
    store.request_stop(ids)
    started: list[bool] = []
    monkeypatch.setattr(
        "pages.views.overview.newest.start_waiting_workers", lambda: started.append(True)
    )
    open_page()
    assert started == [True]

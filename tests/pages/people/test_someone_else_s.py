"""What belongs to somebody else: of what is private no page shows anything, whatever its address
asks for; of what is shared nothing can be changed, whatever is pressed.

Pages, parameters, buttons and the store's methods are those that the code has, so that new ones are
tried too.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select
from streamlit.testing.v1 import AppTest

from core.jobs.files import delete_runs, delete_study
from core.jobs.people import Quotas
from core.jobs.schema import jobs_table, studies_table
from core.jobs.store import JobState, Run, RunFilter, Store, open_store
from core.measure.requests import LayerTimesRequest
from core.specs import LabError, ModelSpec, Recipe, RunSpec
from core.training.records import EpochMetrics
from pages.views.app.frame import PAGES
from pages.views.inside.subject import name_of_run
from pages.views.people.ownership import only_owner
from pages.views.runs import other_jobs
from tests.pages.opening import PROJECT, shown
from tests.pages.people.signed_in import open_as, person

pytestmark = pytest.mark.slow

FILES = [path for path, _name, _icon in PAGES]
SECRET_SEED, SECRET_TITLE = 731_946_205, "Carol's own question"
SECRETS = (str(SECRET_SEED), f"{SECRET_SEED:,}", SECRET_TITLE, "91.2345")
NET = ModelSpec("course-residual", image_size=28)
CONSTANT = Recipe("fast", 2, 64, 0.05, schedule="constant")
_OF_THE_CLOCK = ("spent_seconds", "attempt_started_at", "heartbeat_at", "lease_until")
MEASUREMENT = LayerTimesRequest(NET, "cpu", 32)


@dataclass
class Carols:
    """The jobs and the studies of Carol, whom Bob meets nowhere but on the lab."""

    shared: dict[JobState, int]
    study: str
    private: int
    private_study: str

    def rows(self) -> list[Any]:
        """All that is Carol's, as it stands in the store."""
        with open_store().engine.connect() as connection:
            columns = [one for one in jobs_table.c if one.name not in _OF_THE_CLOCK]
            jobs = select(*columns).where(jobs_table.c.owner == person("Carol").id)
            ids = [self.study, self.private_study]
            studies = select(studies_table).where(studies_table.c.id.in_(ids))
            return [
                *connection.execute(jobs.order_by(jobs_table.c.id)).all(),
                *connection.execute(studies.order_by(studies_table.c.id)).all(),
            ]


def _spec(seed: int = 0) -> RunSpec:
    return RunSpec(NET, "fashion-mini", CONSTANT, seed=seed, train_images=400)


def _execute(store: Store, run_id: int, state: JobState, accuracy: float = 0.8) -> None:
    """As far as the state says, without a computer."""
    if state is JobState.QUEUED:
        return
    run = store.claim(job_id=run_id)
    assert isinstance(run, Run)
    store.record(run, EpochMetrics(1, 0.5, 0.8, 0.6, accuracy, 1.0, 0.1, 5000.0, 0.01))
    if state is not JobState.RUNNING:
        store.finish(run, state)


@pytest.fixture
def carols(people_sign_in) -> Carols:
    store = open_store()
    for name in ("Ada", "Bob", "Carol"):
        store.meet(person(name))
    store.set_quotas(Quotas())
    carol = store.acting_for(person("Carol"))
    states = (JobState.FINISHED, JobState.STOPPED, JobState.FAILED, JobState.RUNNING)
    shared = {state: carol.enqueue(_spec()) for state in (*states, JobState.QUEUED)}
    for state, run_id in shared.items():
        _execute(store, run_id, state)
    study = carol.create_study("Open", {"network": NET.arch}, [_spec(seed) for seed in range(3)])
    for run, state in zip(store.runs(study=study.id), states, strict=False):
        _execute(store, run.id, state)
    private = carol.enqueue(_spec(SECRET_SEED))
    secret = carol.create_study(SECRET_TITLE, {"network": NET.arch}, [_spec(SECRET_SEED)])
    [of_study] = store.runs(study=secret.id)
    for run_id in (private, of_study.id):
        _execute(store, run_id, JobState.FINISHED, accuracy=0.912345)
        carol.share([run_id], False)
    carol.enqueue_measurement(MEASUREMENT)
    return Carols(shared, study.id, private, secret.id)


# What is private is nowhere -------------------------------------------------------------------


def _parameters() -> Iterator[str]:
    """Every text of the pages' source that can be a parameter of an address."""
    name = re.compile(r"run|study|ticked|(net|in|cmp|calc|train|res|why|runs)_[a-z_]+")
    for path in (PROJECT / "pages").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = node.value if isinstance(node, ast.Constant) else None
            if isinstance(text, str) and name.fullmatch(text):
                yield text


PARAMETERS = sorted(set(_parameters()))
HARMLESS = ("in_view", "net_view", "cmp_view", "train_view", "calc_tool")  # views, not runs


def test_the_parameters_are_those_of_the_source():
    assert {"run", "study", "ticked", "in_network", "in_other", "runs_study"} <= set(PARAMETERS)


def _all_of(app: AppTest) -> str:
    """What the page says and what its tables hold."""
    return "\n".join([shown(app), *(table.value.to_csv() for table in app.dataframe)])


def _ways_to_name(carols: Carols) -> dict[str, str]:
    return {
        "number": str(carols.private),
        "network": name_of_run(carols.private),
        "study": carols.private_study,
    }


@pytest.mark.parametrize("way", ["number", "network", "study"])
@pytest.mark.parametrize("page", FILES)
def test_no_address_shows_what_is_private(carols, page, way):
    asked = dict.fromkeys(PARAMETERS, _ways_to_name(carols)[way])
    for left_out in ({*HARMLESS}, {*HARMLESS, "run", "study"}):
        parameters = {key: value for key, value in asked.items() if key not in left_out}
        text = _all_of(open_as("Bob", page, **parameters))
        assert [secret for secret in SECRETS if secret in text] == []


def test_its_owner_and_teachers_see_it(carols):
    """Or the test above could not fail."""
    for name in ("Carol", "Ada"):
        run = shown(open_as(name, "pages/train.py", run=str(carols.private)))
        assert SECRETS[0] in run
        assert SECRET_TITLE in shown(open_as(name, "pages/residual.py", study=carols.private_study))
        assert str(SECRET_SEED) in _all_of(open_as(name, "pages/runs.py"))


def test_who_asks_for_it_is_told_that_it_is_not_there(carols):
    app = open_as("Bob", "pages/train.py", run=str(carols.private))
    assert app.error[0].value == _not_there(carols.private)


def _not_there(run_id: int) -> str:
    return f"There is no run {run_id}; the Runs page lists those there are."


# What is shared stays as it is ----------------------------------------------------------------


def _views(carols: Carols) -> Iterator[tuple[str, dict[str, str]]]:
    ticked = [*carols.shared.values()]
    for run_id in ticked:
        yield "pages/train.py", {"run": str(run_id)}
        yield "pages/runs.py", {"ticked": str(run_id)}
    yield "pages/runs.py", {"ticked": "-".join(map(str, ticked))}
    yield "pages/residual.py", {"study": carols.study}
    yield "pages/gradients.py", {}
    yield "pages/teacher.py", {}
    yield "dashboard.py", {}


def _pressable(app: AppTest) -> list[tuple[str, str]]:
    """Kind and key of everything that acts at once."""
    kinds = ("button", "toggle", "checkbox")
    own = ("sign_out", "start", "train_again")  # these end the visit, or begin what is Bob's
    return [
        (kind, widget.key)
        for kind in kinds
        for widget in app.get(kind)
        if widget.key and not widget.key.endswith(own)
    ]


def _press(app: AppTest, kind: str, key: str) -> None:
    """The control; one that is gone by then is none."""
    widget = next((one for one in app.get(kind) if one.key == key), None)
    if widget is None or widget.proto.disabled:
        return
    if kind == "button":
        widget.click().run()
    else:
        widget.set_value(not widget.value).run()


def _pressed(page: str, parameters: dict[str, str], *presses: tuple[str, str]) -> AppTest:
    """The page after these, one after the other, by Bob."""
    app = open_as("Bob", page, **parameters)
    for kind, key in presses:
        _press(app, kind, key)
    return app


def test_whatever_is_pressed_changes_nothing_of_somebody_else_s(carols, monkeypatch):
    """Not even where a page has forgotten to disable it: the store refuses."""
    monkeypatch.setattr(other_jobs, "_pick", list)  # all measurements are ticked
    for page in {page for page, _parameters in _views(carols)}:
        open_as("Bob", page)  # from now on its modules are there
    tells = only_owner  # this module has the name too
    for module in list(sys.modules.values()):
        if vars(module).get("only_owner") is tells:  # some modules of torch do things when asked
            monkeypatch.setattr(module, "only_owner", lambda *_: None)
    before, pressed = carols.rows(), set()
    for page, parameters in _views(carols):
        known = _pressable(open_as("Bob", page, **parameters))
        for outer in known:
            in_dialog = set(_pressable(_pressed(page, parameters, outer))) - set(known)
            for inner in in_dialog:
                _pressed(page, parameters, outer, inner)
            assert carols.rows() == before, (page, parameters, outer)
            pressed |= {key for _kind, key in (outer, *in_dialog)}
    acts = {"train_stop", "train_continue", "runs_stop", "runs_continue", "runs_share"}
    acts |= {"runs_delete", "runs_delete_now", "res_stop", "runs_stop_measurements"}
    assert acts <= pressed


def test_what_is_disabled_says_whose_it_is(carols):
    app = open_as("Bob", "pages/train.py", run=str(carols.shared[JobState.RUNNING]))
    stop = app.button(key="train_stop")
    assert stop.disabled and stop.help == "Only Carol and teachers can do this."
    assert not app.toggle


def test_its_owner_may(carols):
    run_id = carols.shared[JobState.RUNNING]
    app = open_as("Carol", "pages/train.py", run=str(run_id))
    assert not app.button(key="train_stop").disabled
    app.toggle(key=f"shared_{run_id}").set_value(False).run()
    assert not open_store().get(run_id).is_shared
    app.button(key="train_stop").click().run()
    assert open_store().get(run_id).stop_requested


def test_a_teacher_may(carols):
    run_id = carols.shared[JobState.QUEUED]
    open_as("Ada", "pages/train.py", run=str(run_id)).button(key="train_stop").click().run()
    assert open_store().get(run_id).state is JobState.STOPPED


# The store's methods that pages call ----------------------------------------------------------


def _called() -> set[str]:
    """Methods that pages call on `store()`."""
    return {
        node.func.attr
        for path in (PROJECT / "pages").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and ast.unparse(node.func.value) == "store()"
    } | {"request_stop"}  # also handed on as it is


def _arguments(method: Callable[..., Any], carols: Carols, run_id: int) -> dict[str, Any]:
    """Of the kinds that the method's parameters are called; each names what is Carol's."""
    run = open_store().get(run_id)
    values = {
        **dict.fromkeys(("run_id", "job_id"), run_id),
        **{name: [run_id] for name in ("run_ids", "job_ids")},
        **dict.fromkeys(("job", "run"), run),
        "runs": [run],
        **dict.fromkeys(("study_id", "study"), carols.private_study),
        "spec": _spec(9),
        "specs": [_spec(9)],
        **{"title": "Bob's", "settings": {}, "settings_": {}},
        **{"epochs": 9, "is_shared": True, "request": MEASUREMENT, "quotas": Quotas()},
        "person": person("Bob"),
        "person_id": person("Bob").id,
    }
    needed = [
        name
        for name, parameter in inspect.signature(method).parameters.items()
        if parameter.default is parameter.empty
    ]
    if needed == ["settings"]:  # of runs that may be compared, not of a study
        values["settings"] = [run.spec.setting] if hasattr(run.spec, "setting") else []
    return {name: values[name] for name in needed}


def test_no_method_that_pages_call_shows_or_changes_what_is_somebody_else_s(carols):
    bob = open_store().acting_for(person("Bob"))
    before = carols.rows()
    for run_id in (carols.private, carols.shared[JobState.STOPPED]):
        for name in sorted(_called() - {"actor", "owner", "seen"}):
            method = getattr(bob, name)
            try:
                told = method(**_arguments(method, carols, run_id))
            except LabError:
                told = None
            assert carols.rows() == before, name
            if run_id == carols.private:
                assert not any(secret in repr(told) for secret in SECRETS), name
    for delete in (
        lambda: delete_runs(bob, [carols.shared[JobState.FINISHED]]),
        lambda: delete_study(bob, carols.study),
    ):
        with pytest.raises(LabError):
            delete()
    assert carols.rows() == before


def test_runs_can_be_listed_by_their_owner(carols):
    bob = open_store().acting_for(person("Bob"))
    mine = bob.enqueue(_spec())
    assert [run.id for run in bob.listed(RunFilter(owners=(bob.owner,)))] == [mine]
    app = open_as("Bob", "pages/runs.py", runs_whose="mine")
    [frame] = [one.value for one in app.dataframe if "whose" in one.value]
    assert list(frame["whose"]) == ["you"]

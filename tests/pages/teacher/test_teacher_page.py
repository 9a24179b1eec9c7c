"""The teacher's page: who runs what, quotas, addresses for the class, all results."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest

from core.jobs.people import Quotas
from core.jobs.store import Store, open_store
from core.report.tables.csv import to_csv
from core.report.tables.people import CLASS_COLUMNS, class_frame, people_frame
from core.specs import ModelSpec, RunSpec
from core.studies.plan import fit_to_data, known_variants, plan_study
from core.training.recipes import recipe
from core.zoo.catalogue import complete, find
from tests.pages.opening import open_page, shown
from tests.pages.people.signed_in import open_as, people_sign_in, person

__all__ = ["people_sign_in"]

PAGE = "pages/teacher.py"
ODD = "=1+1 **bold** <script>alert(1)</script>"
SHORT = recipe("fast", 400, epochs=2, batch_size=64)
NET = complete(ModelSpec("course-residual", image_size=28, options=(("shortcut", "none"),)))
RUN = RunSpec(NET, "fashion-mini", SHORT, seed=7, train_images=400)


@pytest.fixture
def store(people_sign_in) -> Store:
    """Of a class: Ada teaches, Bob has two runs, somebody with an odd name has one."""
    store = open_store()
    for name in ("Ada", "Bob", ODD):
        store.meet(person(name))
    bob = store.acting_for(person("Bob"))
    bob.enqueue_all([RUN, RUN])
    store.acting_for(person(ODD)).enqueue(RUN)
    store.claim(job_id=1)
    return store


def tables(app) -> list:
    return [one.value for one in app.dataframe]


def test_whoever_does_not_teach_reads_one_sentence(store):
    app = open_as("Bob", PAGE)
    assert "This page is for teachers" in app.info[0].value
    assert not app.dataframe and not app.header and "Teacher" not in shown(open_as("Bob"))


def test_where_nobody_signs_in_there_is_no_class():
    assert "LAB_AUTH=oidc" in open_page(PAGE).info[0].value


def test_it_shows_who_runs_what_and_who_is_next(store):
    under_way, people = tables(open_as("Ada", PAGE))
    assert list(under_way["whose"]) == ["Bob", ODD, "Bob"]  # people take turns
    assert list(under_way["state"]) == ["▶ running", "○ queued", "○ queued"]
    by_name = people.set_index("name")
    assert list(by_name.index) == [ODD, "Ada (teacher)", "Bob"]
    assert by_name.loc["Bob", "running"] == "1 of 2" and by_name.loc["Bob", "queued"] == "1 of 50"
    assert by_name.loc["Ada (teacher)", "queued"] == "0"


def save(app):
    button = next(one for one in app.button if one.label == "Save quotas")
    return button.click().run()


def test_quotas_of_the_class_and_of_one_person(store):
    app = open_as("Ada", PAGE)
    app.number_input(key="class_quota_runs_at_once_").set_value(5)
    app.number_input(key="class_quota_minutes_a_day_").set_value(None)
    save(app)
    assert store.quotas_of_class() == Quotas(5, 50, None, 2 * 2**30)
    bob = person("Bob")
    app.selectbox(key="class_quotas_of").set_value(bob.id).run()
    app.number_input(key=f"class_quota_queued_{bob.id}").set_value(1)
    save(app)
    assert store.acting_for(bob).allowance().quotas == Quotas(5, 1, None, 2 * 2**30)
    assert store.acting_for(person(ODD)).allowance().quotas.queued == 50


def test_what_is_left_is_told_before_the_start(store):
    told = "1 of 2 runs at once, 1 of 50 jobs in the queue, 0 of 240 minutes today"
    assert told in shown(open_as("Bob"))  # the overview's run with one click
    assert told in shown(open_as("Bob", "pages/train.py"))
    assert told in shown(open_as("Bob", "pages/gradients.py"))
    assert shown(open_as("Bob", "pages/residual.py")).count(told) == 2  # a study, a published run
    assert "runs at once" not in shown(open_as("Ada", "pages/train.py"))


def handed_out(name: str) -> tuple[str, dict[str, list[str]]]:
    """Page and parameters of the address for the class."""
    app = open_as("Ada", PAGE)
    app.selectbox(key="class_hand_out").set_value(name).run()
    address = urlsplit(app.code[0].value)
    parameters: dict[str, list[str]] = {}
    for key, value in parse_qsl(address.query):
        parameters.setdefault(key, []).append(value)
    return address.path.rpartition("/")[2], parameters


def test_a_run_is_handed_out_as_a_form_that_is_filled_in(store):
    page, parameters = handed_out("run 1")
    app = open_as("Bob", f"pages/{page}.py", **{key: v[0] for key, v in parameters.items()})
    app.button(key="train_start").click().run()
    newest = store.acting_for(person("Bob")).runs(limit=1)[0]
    assert newest.id == 4 and newest.spec == store.get(1).spec and newest.owner == person("Bob").id


def test_a_study_is_handed_out_too(store):
    model = fit_to_data(find("course-residual").default, "fashion-mini")
    run = RunSpec(model, "fashion-mini", SHORT, train_images=400)
    known = known_variants("course-residual")
    plan = plan_study(run, {name: known[name] for name in list(known)[:2]}, range(3, 6))
    study = store.acting_for(person("Ada")).create_study(plan.title, plan.settings, plan.specs)
    page, parameters = handed_out(f"study {study.id}")
    assert page == "residual" and parameters["res_variants"] == list(known)[:2]
    assert parameters["res_seeds"] == ["3"] and parameters["res_first_seed"] == ["3"]


def test_all_results_are_one_file_whose_names_are_data(store):
    people = {one.person.id: one.person for one in store.participants()}
    frame = class_frame(store.runs(), people)
    assert list(frame.columns) == CLASS_COLUMNS and list(frame["run"]) == [3, 2, 1]
    assert list(frame["name"]) == [ODD, "Bob", "Bob"]
    for text in (to_csv(frame), to_csv(people_frame(store.participants()))):
        assert "'=1+1" in text and "\n=1+1" not in text and ",=1+1" not in text


def test_an_odd_name_stays_text(store):
    """In the menu, on a run's record, and in what a disabled button says."""
    menu = shown(open_as(ODD, "pages/calculators.py"))
    assert "<script>" not in menu and "&lt;script&gt;" in menu
    app = open_as("Bob", "pages/train.py", run="3")
    texts = [*(one.value for one in app.caption), app.button(key="train_stop").help]
    assert sum("\\*\\*bold\\*\\* \\<script\\>" in text for text in texts) == 2

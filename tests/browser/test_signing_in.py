"""Signing in at a provider on this machine: to the address that was asked for, out again, and two
people beside each other.
"""

from __future__ import annotations

import csv
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from core.jobs.people import Person
from core.jobs.store import open_store
from core.specs import ModelSpec, RunSpec
from core.training.recipes import recipe
from core.zoo.catalogue import complete
from tests.browser.conftest import Lab, Visitor, free_port, start_server
from tests.core.jobs.tiny_runs import wait_until
from tests.identity_provider import identity_provider, secrets_file

PEOPLE = [
    {
        "sub": name.lower(),
        "name": name,
        "email": f"{name.lower()}@school.example",
        "email_verified": True,
    }
    for name in ("Ada", "Bob", "Eve")
]
RUN = RunSpec(
    complete(ModelSpec("course-residual", image_size=28)),
    "fashion-mini",
    recipe("fast", 64, epochs=2, batch_size=32),
    train_images=64,
)
ASKED = "/calculators?calc_tool=Output+size&calc_dilation=3"


@pytest.fixture(scope="module", params=["", "deep/lab"], ids=["at the root", "under a path"])
def school(request, tmp_path_factory) -> Iterator[Lab]:
    """A lab in which people sign in."""
    folder = tmp_path_factory.mktemp("school")
    port = str(free_port())
    address = f"http://127.0.0.1:{port}/{request.param}".rstrip("/")
    with identity_provider(PEOPLE) as provider:
        variables = {
            "LAB_AUTH": "oidc",
            "LAB_TEACHERS": "ada@school.example",
            "LAB_RUNS_DIR": str(folder),
            "LAB_START_WORKER": "0",
            "STREAMLIT_SECRETS_FILES": str(secrets_file(folder, provider, address)),
        }
        with start_server(request.param, port, **variables) as (url, process):
            yield Lab(url, process, folder, 0.0)


@pytest.fixture
def browser_of(browser, school):
    """Opens a browser of one's own on this lab."""
    contexts = []

    def opened() -> Visitor:
        context = browser.new_context(reduced_motion="reduce")
        context.set_default_timeout(60_000)
        contexts.append(context)
        return Visitor(context.new_page(), school)

    yield opened
    for context in contexts:
        context.close()


def sign_in(visitor: Visitor, name: str, path: str = "/runs") -> None:
    """From an address of the lab, by the provider's page, back to that address."""
    visitor.open(path)
    visitor.page.get_by_role("link", name="Sign in").click()
    visitor.page.get_by_role("button", name=name.lower(), exact=True).click()
    expect(who(visitor.page)).to_have_text(name)
    visitor.settle()


def who(page: Page):
    """The name in the menu."""
    return page.locator(".st-key-visitor span[title]")


def test_one_comes_to_the_address_that_was_asked_for_and_stays_signed_in(browser_of, school):
    visitor = browser_of()
    sign_in(visitor, "Bob", ASKED)
    assert visitor.page.url == school.url + ASKED
    expect(visitor.page.get_by_role("spinbutton", name="Dilation")).to_have_value("3")
    visitor.page.reload()
    expect(who(visitor.page)).to_have_text("Bob")
    assert visitor.page.url == school.url + ASKED
    # The menu takes nobody out, and another tab needs no second sign-in
    visitor.page.get_by_role("link", name="Glossary").click()
    visitor.page.wait_for_url("**/glossary*")
    expect(who(visitor.page)).to_have_text("Bob")
    other = visitor.page.context.new_page()
    other.goto(f"{school.url}/runs")
    expect(who(other)).to_have_text("Bob")


def test_signing_out_ends_on_the_card(browser_of, school):
    visitor = browser_of()
    sign_in(visitor, "Bob")
    visitor.button("Sign out").click()
    visitor.page.get_by_role("button", name="End session").click()  # the provider's own question
    expect(visitor.page.get_by_role("link", name="Sign in")).to_be_visible()
    expect(visitor.page.get_by_text("has not worked")).to_have_count(0)
    assert visitor.page.url.rstrip("/") == school.url
    visitor.open("/runs")
    expect(who(visitor.page)).to_have_count(0)
    assert not [one for one in visitor.page.context.cookies() if "user" in one["name"]]


def test_who_is_refused_is_told_and_can_try_again(browser_of, school):
    visitor = browser_of()
    visitor.open(ASKED)
    visitor.page.get_by_role("link", name="Sign in").click()
    visitor.page.get_by_role("button", name="Deny").click()
    expect(visitor.page.get_by_text("Signing in has not worked")).to_be_visible()
    assert visitor.page.url == school.url + ASKED
    sign_in(visitor, "Bob", ASKED)
    assert visitor.page.url == school.url + ASKED


def test_a_stranger_is_told_nothing_whatever_is_asked(school, browser_of):
    for path in ("lab/watched?name=runs en", "lab/glances?over=ratio", "lab/test-image"):
        with pytest.raises(urllib.error.HTTPError) as answer:
            urllib.request.urlopen(f"{school.url}/{path.replace(' ', '%20')}")
        with answer.value:
            assert answer.value.code == 401
            assert list(json.load(answer.value)) == ["error"]
    visitor = browser_of()
    forged = {"name": "_streamlit_user", "value": "e30.forged", "url": school.url}
    visitor.page.context.add_cookies([forged])
    visitor.open("/runs")
    expect(visitor.page.get_by_role("link", name="Sign in")).to_be_visible()


def test_what_one_keeps_private_the_other_never_meets(browser_of, school):
    """Two people beside each other: pages, files and what is asked for once a second."""
    bob, eve = browser_of(), browser_of()
    sign_in(bob, "Bob")
    sign_in(eve, "Eve")
    expect(who(bob.page)).to_have_text("Bob")
    store = open_store(f"sqlite:///{school.runs_dir / 'lab.sqlite'}")
    ids = {name: person_id for person_id, name in store.names().items()}
    bobs = store.acting_for(Person(ids["Bob"], "Bob"))
    run = bobs.enqueue(RUN)
    bobs.share([run], False)
    eves = store.acting_for(Person(ids["Eve"], "Eve")).enqueue(replace(RUN, seed=7))
    bob.open(f"/train?run={run}")
    eve.open(f"/train?run={run}")
    expect(eve.page.get_by_text(f"There is no run {run}")).to_be_visible()
    assert _runs_in_file(bob) == {run, eves} and _runs_in_file(eve) == {eves}
    asked = f"{school.url}/lab/watched?name=run-{run} en"
    told = [one.page.request.get(asked).json()["stage"] for one in (bob, eve)]
    assert told[0] != "unknown" and told[1] == "unknown"

    bob.open(f"/train?run={run}")
    bob.page.get_by_text("Shared with the class").click()
    wait_until(lambda: store.get(run).is_shared)
    eve.open(f"/train?run={run}")
    expect(eve.page.get_by_text("Started by Bob.")).to_be_visible()
    expect(eve.button("Stop")).to_be_disabled()
    store.delete([run, eves])
    store.close()


def _runs_in_file(visitor: Visitor) -> set[int]:
    """Numbers in what *Runs as CSV* gives this visitor; a thread of its own makes it."""
    visitor.open("/runs")
    text = visitor.download("Runs as CSV").read_text(encoding="utf-8-sig")
    return {int(row["run"]) for row in csv.DictReader(text.splitlines())}


def test_a_teacher_sees_the_class(browser_of, school):
    ada, bob = browser_of(), browser_of()
    sign_in(ada, "Ada", "/teacher")
    expect(ada.page.get_by_role("heading", name="People")).to_be_visible()
    limit = ada.page.get_by_role("spinbutton", name="Minutes of computing a day")
    ada.page.get_by_text("Quotas", exact=True).click()
    limit.fill("")
    ada.button("Save quotas").click()
    expect(ada.page.get_by_text("Quotas saved")).to_be_visible()
    ada.page.reload()
    ada.page.get_by_text("Quotas", exact=True).click()
    expect(limit).to_have_value("")
    for width in (1600, 400):
        ada.page.set_viewport_size({"width": width, "height": 900})
        ada.page.wait_for_timeout(300)
        main = ada.page.get_by_test_id("stMain")
        assert main.evaluate("one => one.scrollWidth <= one.clientWidth"), width
    sign_in(bob, "Bob", "/teacher")
    expect(bob.page.get_by_text("This page is for teachers")).to_be_visible()
    expect(bob.page.get_by_role("link", name="Teacher")).to_have_count(0)

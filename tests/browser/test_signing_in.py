"""Signing in at a provider on this machine: to the address that was asked for, out again, and two
people beside each other.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Lab, Visitor, free_port, start_server
from tests.identity_provider import identity_provider, secrets_file

PEOPLE = [
    {
        "sub": name.lower(),
        "name": name,
        "email": f"{name.lower()}@school.example",
        "email_verified": True,
    }
    for name in ("Ada", "Bob")
]
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


def test_two_people_beside_each_other(browser_of, school):
    """Each has their own name and their own runs; what one keeps private the other never meets."""
    ada, bob = browser_of(), browser_of()
    sign_in(ada, "Ada")
    sign_in(bob, "Bob")
    for visitor, name in ((ada, "Ada"), (bob, "Bob")):
        expect(who(visitor.page)).to_have_text(name)

"""Who has signed in, as an identity provider says, and who is a teacher."""

from __future__ import annotations

import pytest

from core.jobs.people import BOUNDS, Quotas, auth, person_of
from core.specs import LabError

CLAIMS = {
    "iss": "https://login.example.org",
    "sub": "4711",
    "name": "Ada Lovelace",
    "email": "Ada@example.org",
    "email_verified": True,
}


def test_issuer_and_subject_together_are_a_person():
    ada = person_of(CLAIMS)
    assert ada.id == person_of(CLAIMS | {"name": "A. L.", "email": "other@example.org"}).id
    assert ada.id != person_of(CLAIMS | {"sub": "4712"}).id
    assert ada.id != person_of(CLAIMS | {"iss": "https://other.example.org"}).id


@pytest.mark.parametrize("missing", ["iss", "sub"])
def test_nobody_is_signed_in_without_them(missing):
    with pytest.raises(LabError, match="does not say who"):
        person_of(CLAIMS | {missing: ""})


def test_a_person_has_some_name():
    assert person_of(CLAIMS).name == "Ada Lovelace"
    assert person_of(CLAIMS | {"name": None}).name == "Ada@example.org"
    alone = person_of({"iss": "i", "sub": "s"})
    assert alone.name == alone.id
    assert len(person_of(CLAIMS | {"name": "x" * 9999}).name) == 200


def test_a_name_is_one_line_of_what_can_be_seen():
    assert (
        person_of(CLAIMS | {"name": " Ada\n\u202eecalevoL\x00  of\tLondon "}).name
        == "Ada ecalevoL of London"
    )
    assert person_of(CLAIMS | {"name": "\u200b\u202e"}).name == "Ada@example.org"


def test_a_teacher_is_named_by_an_address_that_the_provider_has_verified(monkeypatch):
    monkeypatch.setenv("LAB_TEACHERS", "bob@example.org, ADA@example.org")
    assert person_of(CLAIMS).is_teacher
    assert not person_of(CLAIMS | {"email": "eve@example.org"}).is_teacher
    for unverified in (False, None, "false", ""):
        assert not person_of(CLAIMS | {"email_verified": unverified}).is_teacher


@pytest.mark.parametrize(
    "other", ["ada@gro\u00df.example", "ad\u200ba@gross.example", "ada@gro\u017fs.example"]
)
def test_an_address_that_only_looks_like_a_teacher_s_is_not_one(monkeypatch, other):
    """Whoever has gro\u00df.example may write as anybody there."""
    monkeypatch.setenv("LAB_TEACHERS", "ada@gross.example, z\u00f6e@gross.example")
    for theirs in ("Ada@Gross.example", "z\u00f6e@gross.example"):
        assert person_of(CLAIMS | {"email": theirs}).is_teacher
    assert not person_of(CLAIMS | {"email": other}).is_teacher


def test_or_by_id(monkeypatch):
    monkeypatch.setenv("LAB_TEACHERS", person_of(CLAIMS).id)
    assert person_of(CLAIMS | {"email": ""}).is_teacher
    assert not person_of(CLAIMS | {"sub": "4712"}).is_teacher


def test_without_a_list_nobody_is(monkeypatch):
    for none in ("", " , ,"):
        monkeypatch.setenv("LAB_TEACHERS", none)
        assert not person_of(CLAIMS).is_teacher
        assert not person_of(CLAIMS | {"email": ""}).is_teacher


def test_there_are_two_ways_to_sign_in(monkeypatch):
    assert auth() == ""
    monkeypatch.setenv("LAB_AUTH", "oidc")
    assert auth() == "oidc"
    monkeypatch.setenv("LAB_AUTH", "ldap")
    with pytest.raises(LabError, match="'ldap'"):
        auth()


@pytest.mark.parametrize("quota", Quotas.__dataclass_fields__)
def test_quotas_are_bounded(quota):
    least, most = BOUNDS[quota]
    for value in (least, most, None):
        assert getattr(Quotas(**{quota: value}), quota) == value
    for value in (least - 1, most + 1):
        with pytest.raises(LabError, match=f"whole number from {least} to {most}"):
            Quotas(**{quota: value})


def test_ones_own_quotas_come_first():
    own, of_class = Quotas(queued=0, runs_at_once=5), Quotas(runs_at_once=1, minutes_a_day=60)
    assert own.or_those(of_class) == Quotas(runs_at_once=5, queued=0, minutes_a_day=60)

"""Who one is where people sign in, and how much each may take. Imports no torch."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, fields
from hashlib import sha256
from typing import Any

from core.specs import LabError

NOBODY = ""  # the owner of what was started without signing in
THE_CLASS = ""  # in the table of people: the quotas of whoever has none of their own
OIDC = "oidc"
_MOST_LETTERS = 200  # of a name or an address that a provider tells


@dataclass(frozen=True)
class Person:
    """Somebody who has signed in."""

    id: str  # the same at each visit, and nobody else's
    name: str
    email: str = ""
    is_teacher: bool = False


@dataclass(frozen=True)
class Quotas:
    """How much a person may take; None: as much as there is."""

    runs_at_once: int | None = None
    queued: int | None = None  # jobs that wait
    minutes_a_day: int | None = None  # in which workers execute their runs; days are those of UTC
    kept_bytes: int | None = None  # checkpoints, trails and best parameters

    def __post_init__(self) -> None:
        for field in fields(self):
            value, (least, most) = getattr(self, field.name), BOUNDS[field.name]
            if value is not None and not least <= value <= most:
                raise LabError(
                    "This quota is a whole number from {least} to {most}, or nothing; it was"
                    " {value}.",
                    least=least,
                    most=most,
                    value=value,
                )

    def or_those(self, others: Quotas) -> Quotas:
        """These, and for what they leave open `others`."""
        mine = {name: value for name, value in vars(self).items() if value is not None}
        return Quotas(**(vars(others) | mine))


BOUNDS = {  # of each quota; whoever may queue nothing runs nothing
    "runs_at_once": (1, 10_000),
    "queued": (0, 100_000),
    "minutes_a_day": (0, 10**6),
    "kept_bytes": (0, 2**50),
}
OF_A_CLASS = Quotas(runs_at_once=2, queued=50, minutes_a_day=240, kept_bytes=2 * 2**30)


@dataclass(frozen=True)
class Taken:
    """What a person has taken of what the quotas limit."""

    running: int = 0
    queued: int = 0
    minutes_today: float = 0.0
    kept_bytes: int = 0


@dataclass(frozen=True)
class Participant:
    """A person of the class, as teachers see them."""

    person: Person
    taken: Taken
    quotas: Quotas  # of their own; open where those of the class hold
    last_seen: float  # seconds since 1970


@dataclass(frozen=True)
class Allowance:
    """What somebody may take, and what they have."""

    quotas: Quotas
    taken: Taken


def auth() -> str:
    """How people sign in, LAB_AUTH: not at all (""), or by OpenID Connect."""
    way = os.environ.get("LAB_AUTH", "")
    if way not in ("", OIDC):
        raise LabError("LAB_AUTH is oidc or nothing; this was {way}.", way=repr(way))
    return way


def person_of(claims: Mapping[str, Any]) -> Person:
    """Who an identity provider says one is (OpenID Connect Core 1.0, sections 2 and 5.1).

    `iss` and `sub` together are nobody else's; an e-mail address alone is not. Raises LabError
    where they are missing.
    """
    issuer, subject = claims.get("iss"), claims.get("sub")
    if not issuer or not subject:
        raise LabError("The identity provider does not say who has signed in; try again.")
    person_id = sha256(f"{issuer}\n{subject}".encode()).hexdigest()[:20]
    email = one_line(claims.get("email"))
    name = one_line(claims.get("name")) or one_line(claims.get("preferred_username")) or email
    is_teacher = _is_teacher(person_id, claims.get("email"), claims.get("email_verified"))
    return Person(person_id, name or person_id, email, is_teacher)


def one_line(text: object) -> str:
    """What somebody else has written, on one line: without characters that nobody sees or that turn
    others around. "" where it is no text."""
    letters = text[: 2 * _MOST_LETTERS] if isinstance(text, str) else ""
    if not letters.isprintable():  # of a name, which is read for each question to a store, rarely
        letters = "".join(letter for letter in letters if _is_seen(letter))
    return " ".join(letters.split())[:_MOST_LETTERS]


def _is_seen(letter: str) -> bool:
    """Whether it is neither a control character nor one that only formats; blanks are."""
    return letter.isspace() or not unicodedata.category(letter).startswith("C")


def _is_teacher(person_id: str, email: object, is_verified: object) -> bool:
    """Whether LAB_TEACHERS names the person, by id or by an address.

    An address counts as the provider tells it, and only if it has verified it: others let anybody
    write one.
    """
    named = {_folded(name) for name in os.environ.get("LAB_TEACHERS", "").split(",")} - {""}
    is_the_address = isinstance(email, str) and _folded(email) in named
    return person_id in named or (is_the_address and is_verified in (True, "true"))


def _folded(name: str) -> str:
    """Without capitals, of ASCII alone: in other scripts that makes one of two people's addresses,
    as of groß.example and gross.example."""
    name = name.strip()
    return name.lower() if name.isascii() else name

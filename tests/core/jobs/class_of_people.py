"""Three people who have signed in, for the tests of whose jobs are whose."""

from __future__ import annotations

from core.jobs.people import Person
from core.jobs.store import Store

ADA = Person("a" * 20, "Ada", "ada@example.org")
BOB = Person("b" * 20, "Bob", "bob@example.org")
TEACHER = Person("t" * 20, "Tess", "tess@example.org", is_teacher=True)


def signed_in(store: Store, *people: Person) -> list[Store]:
    """The store as each of them sees it."""
    for person in people:
        store.meet(person)
    return [store.acting_for(person) for person in people]

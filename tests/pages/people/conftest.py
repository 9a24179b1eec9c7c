"""The fixtures of these tests."""

from __future__ import annotations

from tests.pages.people.signed_in import people_sign_in

__all__ = ["people_sign_in"]

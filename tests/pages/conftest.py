"""What every test of a page uses: no process is started, nothing is remembered."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.pages.opening")  # its asserts then say what they met

from tests.pages.opening import no_worker_and_fresh_caches, watching  # noqa: E402

__all__ = ["no_worker_and_fresh_caches", "watching"]

"""What every test of a page uses: no process is started, nothing is remembered."""

from __future__ import annotations

from tests.pages.opening import no_worker_and_fresh_caches, watching

__all__ = ["no_worker_and_fresh_caches", "watching"]

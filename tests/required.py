"""What a machine may lack: its tests are skipped there, unless somebody requires them."""

from __future__ import annotations

import os

import pytest


def skip_without(reason: str, variable: str) -> None:
    """Skip with the reason, if there is one; fail where the environment says VARIABLE=1."""
    if not reason:
        return
    if os.environ.get(variable) == "1":
        pytest.fail(reason)
    pytest.skip(reason)

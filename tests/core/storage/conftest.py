"""The places that these tests try."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.storage.files_place import files_place
from core.storage.place import Place
from tests.places import bucket, elsewhere, s3_server  # noqa: F401


@pytest.fixture(params=["folder", "memory", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Each kind of place, empty."""
    if request.param == "folder":
        monkeypatch.setenv("LAB_FILES_URL", str(tmp_path / "shared"))
    elif request.param == "memory":
        monkeypatch.setenv("LAB_FILES_URL", f"memory://{tmp_path.name}")
    else:
        request.getfixturevalue("bucket")
    return files_place()

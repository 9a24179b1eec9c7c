"""A secrets.toml that says nothing to Streamlit: which, where, and why, before anybody visits."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from streamlit import config
from streamlit.runtime.secrets import secrets_singleton

from core.specs import LabError
from pages.views.people.settings import check_secrets_files
from tests.pages.opening import PROJECT
from tests.pages.people.signed_in import open_as

BROKEN = '[auth]\nclient_id = "lab\n'


@pytest.fixture
def secrets(tmp_path, monkeypatch) -> Path:
    """Where Streamlit looks for them; nothing is there yet."""
    path = tmp_path / "secrets.toml"
    known = config.get_option
    monkeypatch.setattr(
        config, "get_option", lambda key: [str(path)] if key == "secrets.files" else known(key)
    )
    return path


def test_whoever_has_none_needs_none(secrets):
    check_secrets_files()
    secrets.write_text('[auth]\nclient_id = "lab"\n')
    check_secrets_files()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (BROKEN.encode(), r"secrets\.toml is not written as TOML is: .*\(at line 2, column \d+\)"),
        (b'[auth]\n\nclient_id = "\xff"\n', r"secrets\.toml is no text in UTF-8 \(at line 3\)"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(secrets, content, sentence):
    secrets.write_bytes(content)
    with pytest.raises(LabError, match=sentence):
        check_secrets_files()


def test_a_folder_in_the_place_of_the_file_is_told(secrets):
    """Docker makes one where the file that it was to bring in is missing."""
    secrets.mkdir()
    with pytest.raises(LabError, match=r"secrets\.toml is a folder"):
        check_secrets_files()


def test_a_file_of_somebody_else_is_told(secrets, monkeypatch):
    def refuse(path: Path, **_: object) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_text", refuse)  # root may read everything
    with pytest.raises(LabError, match=r"cannot read \S+secrets\.toml \(Permission denied\)"):
        check_secrets_files()


def test_a_file_that_breaks_under_way_is_not_said_to_lack_something(
    people_sign_in, secrets, monkeypatch
):
    secrets.write_text(BROKEN)
    monkeypatch.setattr(secrets_singleton, "_secrets", None)
    [error] = open_as("Ada").error
    assert "is not written as TOML is" in error.value


@pytest.mark.slow
@pytest.mark.parametrize("broken", ["secrets", "network"])
def test_what_can_be_mended_ends_the_start_in_one_sentence(tmp_path, broken):
    path = tmp_path / "secrets.toml"
    path.write_text(BROKEN if broken == "secrets" else "")
    names = ["no_nets.txt"] if broken == "network" else []
    settings = {"SECRETS_FILES": str(path), "SERVER_PORT": "0", "SERVER_HEADLESS": "true"}
    start = subprocess.run(
        [sys.executable, "-m", "streamlit", "run", "dashboard.py", "--", *names],
        cwd=PROJECT,
        env=os.environ | {f"STREAMLIT_{name}": value for name, value in settings.items()},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert start.returncode == 2 and "Traceback" not in start.stderr
    sentence = start.stderr.splitlines()[-1]
    assert (str(path) if broken == "secrets" else "no_nets.txt is no Python file") in sentence

"""What goes to standard error: sentences, or objects of JSON; never a password."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.operating.logs import log, log_error, take_over_loggers

PROJECT = Path(__file__).parents[3]
PASSWORD = "s3cr3t/p@ss"


@pytest.fixture
def as_json(monkeypatch):
    monkeypatch.setenv("LAB_LOG", "json")


def test_sentences_are_for_people_and_leave_out_what_is_no_news(capsys):
    log("job-begins", "Job 7 begins.", logging.INFO, 7)
    log("store-away", "The store is away.")
    assert capsys.readouterr().err == "The store is away.\n"


def test_objects_name_the_event_the_job_and_the_process(as_json, capsys):
    log("job-begins", "Job 7 “begins”.\nNow.", logging.INFO, 7)
    [line] = capsys.readouterr().err.splitlines()
    about = json.loads(line)
    assert about.pop("time").endswith("Z") and about.pop("process").endswith(f" {os.getpid()}")
    assert about == {
        "level": "info",
        "event": "job-begins",
        "message": "Job 7 “begins”.\nNow.",
        "job": 7,
    }


def raised() -> Exception:
    try:
        raise KeyError("a layer")
    except KeyError as error:
        return error


def test_an_unforeseen_error_has_its_traceback(capsys):
    log_error(raised())
    text = capsys.readouterr().err
    assert text.startswith("Traceback") and text.endswith("KeyError: 'a layer'\n")


def test_also_as_an_object_in_one_line(as_json, capsys):
    log_error(raised(), job=3)
    [line] = capsys.readouterr().err.splitlines()
    about = json.loads(line)
    assert about["job"] == 3 and about["level"] == "error"
    assert about["traceback"].startswith("Traceback") and "raised" in about["traceback"]


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("LAB_DATABASE_URL", f"postgresql+psycopg://lab:{PASSWORD}@db/lab"),
        ("LAB_DATABASE_URL", "postgresql+psycopg://lab:s3cr3t%2Fp%40ss@db/lab"),
        ("LAB_DATABASE_URL", "postgresql+psycopg://db/lab?user=lab&password=s3cr3t%2Fp%40ss"),
        ("LAB_FILES_URL", "s3://lab/runs?key=me&secret=s3cr3t%2Fp%40ss"),
        ("AWS_SECRET_ACCESS_KEY", PASSWORD),
    ],
)
def test_no_line_holds_a_password(name, address, monkeypatch, capsys):
    monkeypatch.setenv(name, address)
    log("store-away", f"{address} does not answer: {PASSWORD} is refused.")
    try:
        raise OSError(f"cannot reach {address} with {PASSWORD}")
    except OSError as error:
        log_error(error)
    text = capsys.readouterr().err
    assert PASSWORD not in text and "s3cr3t" not in text and "***" in text


@pytest.mark.slow
@pytest.mark.parametrize(
    "address",
    [
        "postgresql+psycopg://lab:s3cr3t@127.0.0.1:1/lab",
        "postgresql+psycopg://lab:s3cr3t@127.0.0.1:port/lab",
        "postgresql+psycopg://lab:s3cr3t@no host/lab",
        "postgresql+psycopg://lab:s3cr3t@127.0.0.1:1/lab?sslmode=s3cr3t",
        "postgresql+psycopg://lab:x/s3cr3t@[::1/lab",
        "nodriver://lab:s3cr3t@127.0.0.1/lab",
        "sqlite://lab:s3cr3t@127.0.0.1/lab",
        "lab:s3cr3t@127.0.0.1",
    ],
)
@pytest.mark.parametrize("style", ["", "json"])
def test_a_worker_whose_address_is_wrong_does_not_tell_the_password(address, style):
    worker = subprocess.Popen(
        [sys.executable, "-m", "core", "worker", "--drain"],
        cwd=PROJECT,
        env=os.environ | {"LAB_DATABASE_URL": address, "LAB_LOG": style},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with worker:
        line = worker.stdout.readline()  # one that waits says why, the others end
        worker.terminate()
        text = line + worker.stdout.read()
    assert text.strip() and "s3cr3t" not in text


@pytest.fixture
def loggers():
    root = list(logging.root.handlers)
    yield
    logging.root.handlers[:] = root
    logging.captureWarnings(False)


def test_what_libraries_log_becomes_objects_too(as_json, loggers, capsys):
    library = logging.getLogger("a.library")
    library.addHandler(logging.StreamHandler())
    library.propagate = False
    take_over_loggers()
    library.warning("It is %s.", "late")
    [line] = capsys.readouterr().err.splitlines()
    about = json.loads(line)
    assert (about["event"], about["message"]) == ("a.library", "It is late.")

"""`python -m core` as a process of its own: start-up, and a standard output that ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from core.zoo.catalogue import CATALOGUE

PROJECT = Path(__file__).parents[3]
pytestmark = pytest.mark.slow


def in_a_process(*argv: str, code: str = "") -> subprocess.CompletedProcess[str]:
    call = ["-c", code] if code else ["-m", "core", *argv]
    return subprocess.run(
        [sys.executable, *call], cwd=PROJECT, capture_output=True, text=True, timeout=60
    )


def test_list_as_a_process_shows_every_network():
    done = in_a_process("list")
    assert done.returncode == 0
    assert done.stderr == ""
    names = [line.split()[0] for line in done.stdout.splitlines()[1:]]
    assert names == list(CATALOGUE)


def test_what_needs_no_network_imports_no_torch():
    code = """
import contextlib, sys
from core.__main__ import main
for argv in (["--help"], ["train", "--help"], ["runs"]):
    with contextlib.suppress(SystemExit):
        main(argv)
    assert "torch" not in sys.modules, argv
"""
    done = in_a_process(code=code)
    assert done.returncode == 0, done.stderr
    assert "python -m core" in done.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_and_a_closed_pipe_end_quietly():
    code = (
        "from core.__main__ import main; from core.cli import runs;"
        " runs.list_runs.callback = lambda output: print('x' * 99_999) or 0"
    )
    call = [sys.executable, "-c", f"{code}; raise SystemExit(main(['runs']))"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(call, cwd=PROJECT, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "No space left" in done.stderr
    reader = subprocess.Popen(call, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert reader.stdout is not None
    assert reader.stderr is not None
    with reader.stderr, reader:
        reader.stdout.close()
        assert reader.stderr.read() == b""
    assert reader.returncode == 141

"""The image's commands with a read-only root as an unknown user, as compose.yaml starts them.

Base images cannot be had everywhere: bubblewrap gives this machine's own root, read-only, with the
source as `.dockerignore` lets it through and the installed packages in the places of the image.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from core.jobs.store import JobState, open_store
from tests.core.jobs.tiny_runs import TINY, wait_until
from tests.deploy import dockerfile
from tests.deploy.dockerfile import PROJECT

pytestmark = pytest.mark.slow
BUBBLEWRAP = shutil.which("bwrap")


@pytest.fixture(autouse=True)
def bubblewrap() -> None:
    tried = BUBBLEWRAP and subprocess.run(
        [BUBBLEWRAP, "--ro-bind", "/", "/", "--unshare-user", "--uid", "10001", "true"],
        capture_output=True,
    )
    if not tried or tried.returncode:
        pytest.skip("bubblewrap is missing, or may not be used here (Debian: bubblewrap)")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """What COPY copies, compiled as the Dockerfile's first stage does."""
    folder = tmp_path / "source"
    names = ("core", "pages", ".streamlit")
    for name in names:
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT / "dashboard.py", folder)
    return folder


class Image:
    """Starts commands as a container of the image would."""

    def __init__(self, source: Path, state: Path) -> None:
        self.source, self.state = source, state
        self.environment = dockerfile.environment()
        state.mkdir()

    def start(self, arguments: list[str], **settings: str) -> subprocess.Popen[str]:
        """The command, in a container of its own; it shares the network of this machine."""
        programs = Path(sys.prefix).resolve() / "bin"  # instead of the image's /venv
        own = {"PATH": f"{programs}:/usr/bin:/bin", "LAB_METRICS_PORT": "0"}
        environment = self.environment | own | settings
        sets = [part for pair in environment.items() for part in ("--setenv", *pair)]
        return subprocess.Popen(
            [
                *(BUBBLEWRAP, "--die-with-parent", "--clearenv", *sets),
                *("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"),
                *("--tmpfs", "/tmp", "--tmpfs", "/opt", "--tmpfs", "/var/lib"),
                *_seen(sys.base_prefix),  # a checkout may lie in /tmp
                *_seen(sys.prefix),
                *("--ro-bind", str(self.source), "/opt/lab"),
                *("--bind", str(self.state), "/var/lib/lab"),
                *("--remount-ro", "/var/lib", "--remount-ro", "/opt"),
                *("--unshare-user", "--unshare-pid", "--uid", dockerfile.last("USER")),
                *("--chdir", "/opt/lab", "--", *arguments),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


def _seen(folder: str) -> tuple[str, str, str]:
    path = str(Path(folder).resolve())
    return "--ro-bind", path, path


@pytest.fixture
def image(source: Path, tmp_path: Path) -> Image:
    return Image(source, tmp_path / "state")


def free_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


def is_well(image: Image, port: str) -> bool:
    check = image.start(dockerfile.command("HEALTHCHECK"), LAB_METRICS_PORT=port)
    check.communicate(timeout=30)
    return check.returncode == 0


def end(process: subprocess.Popen[str]) -> str:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    for child in children:  # bubblewrap passes no signal on
        inner = Path(f"/proc/{child}/task/{child}/children").read_text().split()
        os.kill(int((inner or [child])[0]), signal.SIGTERM)
    text, _ = process.communicate(timeout=30)
    return text


def test_pages_and_worker_write_nothing_but_into_their_volume(image, monkeypatch):
    pages_port, pages_health, worker_health = free_port(), free_port(), free_port()
    pages = image.start(
        dockerfile.command("CMD"),
        STREAMLIT_SERVER_PORT=pages_port,
        STREAMLIT_SERVER_ADDRESS="127.0.0.1",
        LAB_METRICS_PORT=pages_health,
        LAB_START_WORKER="0",
    )
    worker = image.start(["python", "-m", "core", "worker", "--http", worker_health])
    try:
        monkeypatch.setenv("LAB_RUNS_DIR", str(image.state / "runs"))
        wait_until(lambda: is_well(image, worker_health))
        wait_until(lambda: is_well(image, pages_health))
        with urllib.request.urlopen(f"http://127.0.0.1:{pages_port}/architecture") as page:
            assert page.status == 200
        store = open_store()
        run_id = store.enqueue(TINY)
        wait_until(lambda: store.get(run_id).state.is_over)
        assert store.get(run_id).state is JobState.FINISHED
    finally:
        said = end(worker) + end(pages)
    assert "Error" not in said and "Read-only" not in said and "denied" not in said
    assert "URL" not in said  # to tell one, Streamlit would ask the Internet for its own address
    assert {path.name for path in image.state.iterdir()} <= {"runs", "cache", "data", ".streamlit"}
    assert not is_well(image, worker_health)

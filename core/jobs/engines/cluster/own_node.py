"""Ray on this machine: the head of a cluster, or a node that joins one.

Imports neither Ray nor torch.

Ray executes whatever it is sent by who reaches its ports and has its token. So the head keeps to
this machine unless it is given another address, and the token's file belongs to this user alone.
"""

from __future__ import annotations

import json
import os
import platform
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

from core.folders import runs_folder
from core.jobs.processes import is_alive
from core.specs import LabError

LOOPBACK = "127.0.0.1"
PORT = 6379  # Ray's own default
_STORE_BYTES = 80_000_000  # of Ray's object store, about its least: what is large goes by files
_START_SECONDS = 120.0  # on a machine that is busy; five where it is not
_LEAVE_SECONDS = 15.0
_STARTED = "Ray runtime started."  # in what `ray start` tells


@dataclass(frozen=True)
class OwnNode:
    """Ray as it was started here."""

    process: int  # `ray start --block`, which ends all it has started
    address: str  # HOST:PORT of the head
    is_head: bool
    folder: str  # for Ray's sockets and logs; of this user alone

    @property
    def is_alive(self) -> bool:
        """Whether it still runs, and its number was not given to another process."""
        if not is_alive(self.process):
            return False
        try:
            return os.getsid(self.process) == self.process
        except OSError:
            return False


def environment() -> dict[str, str]:
    """What Ray and whoever speaks with it shall know: the token, and that nothing is told home."""
    own = {
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_AUTH_MODE": "token",
        "RAY_agent_register_timeout_ms": str(int(1000 * _START_SECONDS)),
    }
    if not os.environ.get("RAY_AUTH_TOKEN") and token_file().exists():
        own["RAY_AUTH_TOKEN_PATH"] = str(token_file())
    return {name: os.environ.get(name, value) for name, value in own.items()}


def check_installed() -> None:
    """Raises LabError where Ray is not."""
    if find_spec("ray") is None:
        raise LabError(
            "Ray is not installed; pip install -r requirements-cluster.txt installs it, on every"
            " machine of the cluster."
        )


def token_file() -> Path:
    """What whoever speaks with Ray must know; readable by this user alone."""
    return _folder() / "token"


def own_nodes() -> list[OwnNode]:
    """Those that were started on this machine and live."""
    return [node for _file, node in _kept() if node.is_alive]


def up(cpus: int | None, address: str, join: str) -> OwnNode:
    """Start Ray: the head of a new cluster at `address` (HOST or HOST:PORT), or a node of `join`.

    Raises LabError, one sentence, where it does not start.
    """
    check_installed()
    if join:
        check_answers(join)
        if not address and join.startswith(f"{LOOPBACK}:"):
            address = LOOPBACK
        where = ["--address", join, *([f"--node-ip-address={address}"] if address else [])]
    else:
        if heads := [node for node in own_nodes() if node.is_head]:
            raise LabError(
                "There is a cluster on this machine already, at {address}; python -m core cluster"
                " down ends it.",
                address=heads[0].address,
            )
        host, _, port = address.partition(":")
        join = f"{host or LOOPBACK}:{port or PORT}"
        if is_open(join):
            raise LabError(
                "Something else answers at {address}; choose another port, as in --address"
                " {host}:{port}.",
                address=join,
                host=host or LOOPBACK,
                port=PORT + 1,
            )
        _make_token()
        where = ["--head", f"--node-ip-address={host or LOOPBACK}", f"--port={port or PORT}"]
        where += ["--include-dashboard=false"]
    return _start(where, cpus, join, is_head="--head" in where)


def down() -> list[OwnNode]:
    """End what was started on this machine."""
    kept = list(_kept())
    ended = [node for _file, node in kept if node.is_alive]
    _end(ended)
    for file, node in kept:
        shutil.rmtree(node.folder, ignore_errors=True)
        file.unlink(missing_ok=True)
    return ended


def check_answers(address: str) -> None:
    """Raises LabError where nothing listens at HOST:PORT."""
    if "://" in address:
        raise LabError(
            "{address} is an address of Ray Client; the lab needs HOST:PORT of the head, and this"
            " machine as a node of its cluster.",
            address=address,
        )
    if not is_open(address):
        raise LabError(
            "Nothing answers at {address}, where the cluster should be; python -m core cluster up"
            " starts one on this machine, and RAY_ADDRESS=HOST:PORT names another.",
            address=address,
        )


def _folder() -> Path:
    return runs_folder() / "cluster"


def _kept() -> Iterator[tuple[Path, OwnNode]]:
    """The files of nodes of this machine, alive or not."""
    for file in _folder().glob(f"{platform.node()} *.json"):
        with suppress(OSError, ValueError, TypeError):
            yield file, OwnNode(**json.loads(file.read_text(encoding="utf-8")))


def _make_token() -> None:
    """Before Ray does, which lets everybody on this machine read it."""
    _folder().mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
        with open(os.open(token_file(), flags, 0o600), "w", encoding="utf-8") as file:
            file.write(secrets.token_hex(32))


def _start(where: list[str], cpus: int | None, address: str, is_head: bool) -> OwnNode:
    # Ray opens its own folder to everybody, but not the one around it
    folder = Path(tempfile.mkdtemp(prefix="lab-ray-"))
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", *where]
    command += ["--disable-usage-stats", f"--object-store-memory={_STORE_BYTES}"]
    command += [f"--num-cpus={cpus}"] if cpus is not None else []
    command += [f"--temp-dir={folder / 'ray'}"] if is_head else []
    log = folder / "log"
    with log.open("wb") as told:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | environment(),
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    node = OwnNode(process.pid, address, is_head, str(folder))
    if not _waited(lambda: _STARTED in _text(log) or process.poll() is not None, _START_SECONDS):
        _end([node])
    if process.poll() is not None:
        lines = [line for line in _text(log).splitlines() if line.strip()]
        shutil.rmtree(folder, ignore_errors=True)
        reason = next((line for line in reversed(lines) if "Error" in line), "".join(lines[-1:]))
        raise LabError("Ray did not start: {reason}", reason=reason.strip())
    _folder().mkdir(parents=True, exist_ok=True)
    file = _folder() / f"{platform.node()} {process.pid}.json"
    file.write_text(json.dumps(asdict(node)), encoding="utf-8")
    return node


def _end(nodes: list[OwnNode]) -> None:
    for node in nodes:
        os.kill(node.process, signal.SIGTERM)
    if not _waited(lambda: not any(_runs(node.process) for node in nodes), _LEAVE_SECONDS):
        for node in nodes:
            with suppress(ProcessLookupError):
                os.killpg(node.process, signal.SIGKILL)


def _runs(process: int) -> bool:
    """A child of this process that has ended is not alive, though nobody has asked how."""
    with suppress(ChildProcessError):
        return os.waitpid(process, os.WNOHANG)[0] == 0
    return is_alive(process)


def _waited(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether it came true in time."""
    ends = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends:
            return False
        time.sleep(0.1)
    return True


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")


def is_open(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=3.0):
            return True
    except (OSError, ValueError, OverflowError):
        return False

"""A Ray cluster of the tests' own: several nodes in a network that has nothing but loopback."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path

PROJECT = Path(__file__).parents[1]
HEAD = "127.0.0.1:6379"


@cache
def why_not() -> str:
    """Why there can be no cluster here, for whoever reads of skipped tests; empty if there can."""
    if find_spec("ray") is None:
        return "Ray is missing: pip install -r requirements-cluster.txt"
    if not shutil.which("bwrap") or not shutil.which("nsenter"):
        return "bubblewrap or nsenter is missing (Debian: apt-get install bubblewrap util-linux)"
    with ExitStack() as tried:
        try:
            network = tried.enter_context(Network.made())
            subprocess.run(network.inside("true"), check=True, capture_output=True)
        except (OSError, ValueError, subprocess.CalledProcessError):
            return "no network of one's own may be made here (bwrap --unshare-net)"
    return ""


class Network:
    """Processes inside reach each other, and nobody else; nobody reaches them."""

    def __init__(self, holder: int) -> None:
        self.holder = holder  # a process that keeps it

    @classmethod
    @contextmanager
    def made(cls, *at_the_end: str, **settings: str) -> Iterator[Network]:
        """It is gone afterwards; before, also when this process dies, the command is executed."""
        me = ("--uid", str(os.getuid()), "--gid", str(os.getgid()))
        holder = subprocess.Popen(
            [
                *("bwrap", "--dev-bind", "/", "/", "--unshare-net", "--unshare-user", *me),
                *("sh", "-c", 'echo $$; read _; exec "$@"', "sh", *(at_the_end or ["true"])),
            ],
            cwd=PROJECT,
            env=os.environ | settings,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            text=True,
        )
        try:
            yield cls(int(holder.stdout.readline()))  # type: ignore[union-attr]
        finally:
            holder.communicate()

    def inside(self, *command: str) -> list[str]:
        """The command, as it is started inside."""
        enter = ("nsenter", "--user", "--preserve-credentials", "--net")
        return [*enter, "--target", str(self.holder), "--", *command]


class Cluster:
    """Nodes of one core each, and the lab's commands beside them."""

    def __init__(self, network: Network, folder: Path) -> None:
        self.network, self.folder = network, folder  # of the head's record and token

    def lab(self, *arguments: str) -> list[str]:
        """`python -m core`, inside."""
        return self.network.inside(sys.executable, "-m", "core", *arguments)

    def environment(self, **settings: str) -> dict[str, str]:
        """Of a command that uses this cluster for another store."""
        token = str(self.folder / "cluster" / "token")
        return os.environ | {"RAY_AUTH_TOKEN_PATH": token, "RAY_ADDRESS": HEAD} | settings

    def run(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """What a command says."""
        return subprocess.run(
            self.lab("cluster", *arguments),
            cwd=PROJECT,
            env=self.environment(**settings),
            capture_output=True,
            text=True,
            timeout=150,
        )

    def up(self, nodes: int) -> None:
        """The head, and as many nodes as it takes to be so many."""
        self._up()
        for _more in range(nodes - 1):
            self._up("--join", HEAD)

    def _up(self, *arguments: str) -> None:
        done = self.run("up", "--cpus", "1", *arguments, LAB_RUNS_DIR=str(self.folder))
        assert done.returncode == 0, done.stderr

    @contextmanager
    def another_node(self) -> Iterator[None]:
        """One more, which has come up when the block is over."""
        with ThreadPoolExecutor(1) as thread:
            coming = thread.submit(self._up, "--join", HEAD)
            yield
            coming.result()

    def kill_last_node(self) -> None:
        """As if its machine had failed: what Ray runs there dies, at once and unasked."""
        records = (self.folder / "cluster").glob("*.json")
        last = max(records, key=lambda record: record.stat().st_mtime_ns)
        leader = int(last.stem.rpartition(" ")[2])
        for process in [*_descendants(leader), leader]:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                continue
        last.unlink()

    @contextmanager
    def dispatching(self, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
        """A dispatcher for the store that the environment names; its process."""
        process = subprocess.Popen(
            self.lab("cluster", "dispatch", "--exit-with-parent"),
            cwd=PROJECT,
            env=self.environment(**settings),
            stdin=subprocess.PIPE,
        )
        try:
            yield process
        finally:
            process.communicate(timeout=60)


def _descendants(process: int) -> list[int]:
    children = Path(f"/proc/{process}/task/{process}/children")
    found = [int(child) for child in children.read_text().split()] if children.exists() else []
    return found + [below for child in found for below in _descendants(child)]


@contextmanager
def cluster(nodes: int) -> Iterator[Cluster]:
    """One that is gone afterwards. Only where `why_not` has no reason."""
    down = (sys.executable, "-m", "core", "cluster", "down")
    with (
        tempfile.TemporaryDirectory(prefix="lab-cluster-") as folder,
        Network.made(*down, LAB_RUNS_DIR=folder) as network,
    ):
        ours = Cluster(network, Path(folder))
        ours.up(nodes)
        yield ours

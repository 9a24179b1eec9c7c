"""A PostgreSQL server of the tests' own: on a loopback port, and on a socket in its folder."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_PROGRAMS = "lib/postgresql/*/bin"  # below /usr: where Debian puts those of a server
_START_SECONDS = 30.0
_QUICK = (  # what is written outlives a server that is killed, not a machine that fails
    *("-c", "fsync=off", "-c", "full_page_writes=off"),
    *("-c", "shared_buffers=32MB", "-c", "max_connections=200"),
)


def why_not() -> str:
    """Why there can be no server here, for whoever reads of skipped tests; empty if there can."""
    try:
        import psycopg  # noqa: F401
    except ImportError:
        return "psycopg is missing: pip install -r requirements-server.txt"
    if _program("initdb") is None:
        return "PostgreSQL's server is not installed (Debian: apt-get install postgresql)"
    return ""


def _program(name: str) -> str | None:
    paths = [str(path) for path in sorted(Path("/usr").glob(_PROGRAMS), reverse=True)]
    return shutil.which(name, path=os.pathsep.join([*paths, os.environ.get("PATH", "")]))


class Server:
    """A cluster with an address; `stop` and `start` are what a restart of the server is."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.password, self.port = folder, secrets.token_hex(16), _free_port()
        self.databases = 0
        # It refuses to run as root, who has a user for it where Debian installed it
        self.user = "postgres" if os.geteuid() == 0 else None
        if self.user:
            shutil.chown(folder, self.user, self.user)
            folder.chmod(0o711)  # its socket is for others
        password_file = folder / "password"
        password_file.write_text(self.password, encoding="utf-8")
        password_file.chmod(0o600)
        if self.user:
            shutil.chown(password_file, self.user, self.user)
        login = ("--username=lab", f"--pwfile={password_file}", "--auth=scram-sha-256")
        self._run("initdb", "-D", str(folder / "data"), *login, "--no-sync", "--encoding=UTF8")
        self.start()

    def start(self) -> None:
        """Until it answers."""
        options = (
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            f"unix_socket_directories={self.folder}",
        )
        place = ("-D", str(self.folder / "data"), "-p", str(self.port))
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(_program("postgres")), *place, *options, *_QUICK],
                stdout=subprocess.DEVNULL,
                stderr=log,
                cwd="/",
                start_new_session=True,
                user=self.user,
                group=self.user,
            )
        ends = time.monotonic() + _START_SECONDS
        while True:
            try:
                with self._connected():
                    return
            except Exception:
                if time.monotonic() > ends or self.process.poll() is not None:
                    raise
                time.sleep(0.05)

    def stop(self, how: int = signal.SIGINT) -> None:
        """At once for all who are connected; SIGQUIT is as if its machine had failed."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        self.process.wait(_START_SECONDS)

    @contextlib.contextmanager
    def database(self) -> Iterator[str]:
        """The address of a new, empty database."""
        self.databases += 1
        name = f"lab_{self.databases}"
        with self._connected() as connection:
            connection.execute(f"CREATE DATABASE {name}")
        try:
            yield self.address(name)
        finally:
            with self._connected() as connection:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def address(self, database: str) -> str:
        """As LAB_DATABASE_URL has it."""
        return f"postgresql+psycopg://lab:{self.password}@127.0.0.1:{self.port}/{database}"

    def by_socket(self, address: str) -> str:
        """The same database for processes in another network."""
        before, _, database = address.rpartition("@")
        name = database.rpartition("/")[2]
        return f"{before}@/{name}?host={self.folder}&port={self.port}"

    def _connected(self):
        import psycopg

        address = self.address("postgres").replace("+psycopg", "")
        return psycopg.connect(address, autocommit=True, connect_timeout=5)

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(_program(program)), *arguments],
            check=True,
            capture_output=True,
            cwd="/",
            user=self.user,
            group=self.user,
        )


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextlib.contextmanager
def server() -> Iterator[Server]:
    """One that is gone afterwards, with all that it held."""
    with tempfile.TemporaryDirectory(prefix="lab-postgresql-") as folder:
        cluster = Server(Path(folder))
        try:
            yield cluster
        finally:
            cluster.stop()

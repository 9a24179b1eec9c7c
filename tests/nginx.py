"""deploy/nginx.conf as it is, but on free loopback ports, with a certificate of its own."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.deploy.dockerfile import PROJECT

PROGRAM = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@contextmanager
def nginx(folder: Path, ports: dict[str, int]) -> Iterator[None]:
    """The server of a class, with each port of the file taken for the one in `ports`."""
    _make_certificate(folder)
    site = (PROJECT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    site = site.replace("/etc/ssl/lab", str(folder)).replace("lab.school.example", "localhost")
    for named, port in ports.items():
        site = re.sub(rf"\b(lab_)?{named}\b", rf"\g<1>{port}", site)
    site = re.sub(r"\blisten ", "listen 127.0.0.1:", site)
    with running(folder, site, ports["443"]):
        yield


@contextmanager
def running(folder: Path, site: str, port: int) -> Iterator[None]:
    """nginx with what stands in `site`, which answers at `port`; its files lie in the folder."""
    temporary = "".join(f"{name}_temp_path {folder}/{name};" for name in _TEMPORARY)
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log {folder}/errors; events {{}}\n"
        f"http {{ include /etc/nginx/mime.types; access_log {folder}/asked; {temporary}\n{site} }}",
        encoding="utf-8",
    )
    process = subprocess.Popen(
        [str(PROGRAM), "-c", str(folder / "nginx.conf"), "-e", str(folder / "errors")]
    )
    try:
        _wait_for(port, process, folder / "errors")
        yield
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(port: int, process: subprocess.Popen[bytes], errors: Path) -> None:
    """Until the server answers."""
    for _ in range(100):
        assert process.poll() is None, errors.read_text(encoding="utf-8")
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise AssertionError("nginx did not answer within ten seconds.")


def _make_certificate(folder: Path) -> None:
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", str(folder / "privkey.pem"), "-out", str(folder / "fullchain.pem")),
        ],
        check=True,
        capture_output=True,
    )

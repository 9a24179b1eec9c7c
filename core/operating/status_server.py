"""A small HTTP server beside the work of a process: is it well (/healthz), its figures (/metrics).

It answers from threads of its own, also while the process trains.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer

from core.operating.logs import log_error, without_secrets
from core.operating.metrics import CONTENT_TYPE
from core.specs import LabError

_LOOPBACK = "127.0.0.1"
_SILENT_SECONDS = 5.0  # that a client may say nothing
_SENTENCE = "text/plain; charset=utf-8"

Problem = Callable[[], str | None]  # why the process is not well, in one sentence
Lines = Callable[[], Iterable[str]]  # of metrics


def serve_status(address: str, problem: Problem, lines: Lines) -> StatusServer:
    """Answer at `address`, PORT or HOST:PORT, from now on. Raises LabError where that cannot be."""
    host, port = _parse(address)
    try:
        server = StatusServer(host, port, problem, lines)
    except OSError as error:
        raise LabError(
            "Health and metrics cannot be served at {host}:{port} ({reason}); choose another port.",
            host=host,
            port=port,
            reason=error.strerror or str(error),
        ) from error
    threading.Thread(target=server.serve_forever, name="status", daemon=True).start()
    return server


def _parse(address: str) -> tuple[str, int]:
    """PORT or HOST:PORT. Raises LabError."""
    host, _, port = address.rpartition(":")
    if not port.isascii() or not port.isdecimal() or not 0 <= int(port) < 2**16:
        raise LabError(
            "{address} is no port to serve health and metrics at; an example is 9100, and"
            " 0.0.0.0:9100 for other machines too.",
            address=address,
        )
    return host.strip("[]") or _LOOPBACK, int(port)


class StatusServer(ThreadingTCPServer):
    """The server; its `port` is a free one where 0 was asked for."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, host: str, port: int, problem: Problem, lines: Lines) -> None:
        self.problem, self.lines = problem, lines
        [(self.address_family, *_), *_] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        super().__init__((host, port), _Answer)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is no news."""


class _Answer(BaseHTTPRequestHandler):
    server: StatusServer
    server_version, sys_version = "lab", ""  # what it is made of is nobody's business
    timeout = _SILENT_SECONDS

    def do_GET(self) -> None:
        """/healthz or /metrics."""
        try:
            status, kind, text = self._answer()
        except Exception as error:
            log_error(error)
            status, kind, text = HTTPStatus.INTERNAL_SERVER_ERROR, _SENTENCE, "It went wrong.\n"
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _answer(self) -> tuple[HTTPStatus, str, str]:
        path = self.path.partition("?")[0]
        if path == "/healthz":
            problem = self.server.problem()
            status = HTTPStatus.SERVICE_UNAVAILABLE if problem else HTTPStatus.OK
            return status, _SENTENCE, f"{without_secrets(problem or 'ok')}\n"
        if path == "/metrics":
            return HTTPStatus.OK, CONTENT_TYPE, "".join(f"{line}\n" for line in self.server.lines())
        return HTTPStatus.NOT_FOUND, _SENTENCE, "There are /healthz and /metrics.\n"

    def log_message(self, format: str, *arguments: object) -> None:
        """Nobody reads a line for each look."""

"""An S3 server of the tests' own on a loopback port, which can also answer badly."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from threading import Thread
from typing import Any

Answer = tuple[str, list[tuple[str, str]], bytes]  # status, headers, body
Spoil = Callable[[Callable[[], Answer]], Answer]  # given what would answer rightly
BUCKET = "lab"


def why_not() -> str:
    """Why there can be no server here, for whoever reads of skipped tests; empty if there can."""
    missing = [name for name in ("moto.server", "s3fs", "flask_cors") if not _is_installed(name)]
    return f"{missing[0]} is missing: pip install -r requirements-dev.txt" if missing else ""


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ImportError:
        return False


class S3:
    """What moto answers, or makes of it: `mood` spoils the answers to requests of some methods."""

    def __init__(self, port: int, app: Any) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.app = app
        self.spoil: Spoil | None = None
        self.methods: tuple[str, ...] = ()
        self.left = 0  # answers that will be spoiled
        self.requests: list[str] = []

    def environment(self, folder: str) -> dict[str, str]:
        """What a process needs that keeps its files in this folder of the bucket."""
        return {
            "LAB_FILES_URL": f"s3://{BUCKET}/{folder}",
            "AWS_ENDPOINT_URL": self.address,
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
        }

    @contextmanager
    def mood(self, spoil: Spoil, *methods: str, answers: int = 10**9) -> Iterator[None]:
        """Inside, so many answers to these methods are spoiled."""
        self.spoil, self.methods, self.left = spoil, methods, answers
        try:
            yield
        finally:
            self.spoil = None

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        method = environ["REQUEST_METHOD"]
        self.requests.append(f"{method} {environ['PATH_INFO']}")
        answer = partial(self._answer, environ)
        if self.spoil and method in self.methods and self.left > 0:
            self.left -= 1
            answer = partial(self.spoil, answer)
        try:
            status, headers, body = answer()
        except ConnectionResetError:
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise
        start(status, headers)
        return [body]

    def _answer(self, environ: dict[str, Any]) -> Answer:
        begun: list[Any] = []
        parts = self.app(environ, lambda *what: begun.extend(what))
        body = b"".join(parts)
        return begun[0], begun[1], body


def overloaded(_answer: Callable[[], Answer]) -> Answer:
    """As S3 says it."""
    return "503 Slow Down", [("Content-Length", "0")], b""


def forbidden(_answer: Callable[[], Answer]) -> Answer:
    """To whoever has the wrong key."""
    text = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
    return "403 Forbidden", [("Content-Length", str(len(text)))], text


def broken(_answer: Callable[[], Answer]) -> Answer:
    """The line breaks before anything is said."""
    raise ConnectionResetError


def half(answer: Callable[[], Answer]) -> Answer:
    """The line breaks in the middle."""
    status, headers, body = answer()
    return status, headers, body[: len(body) // 2]


def changed(answer: Callable[[], Answer]) -> Answer:
    """As long as it should be, but not what was written."""
    status, headers, body = answer()
    kept = [(name, value) for name, value in headers if "checksum" not in name.lower()]
    return status, kept, bytes(len(body))


def slow(answer: Callable[[], Answer]) -> Answer:
    """It comes, but late."""
    time.sleep(1.5)
    return answer()


@contextmanager
def server() -> Iterator[S3]:
    """With an empty bucket. Only where `why_not` has no reason."""
    import boto3
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log(self, *_arguments: Any, **_more: Any) -> None:
            pass

    s3 = S3(0, DomainDispatcherApplication(create_backend_app))
    running = make_server("127.0.0.1", 0, s3, threaded=True, request_handler=Quiet)
    s3.address = f"http://127.0.0.1:{running.port}"
    thread = Thread(target=running.serve_forever, daemon=True)
    thread.start()
    login = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}
    client = boto3.client("s3", endpoint_url=s3.address, region_name="us-east-1", **login)
    client.create_bucket(Bucket=BUCKET)
    client.close()
    yield s3
    running.shutdown()
    thread.join()
    running.server_close()

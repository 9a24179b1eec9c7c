"""Page servers that visitors come to: one, or several behind nginx with a store on PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from core.jobs.engines.local import WorkerProcess
from tests import nginx, postgresql
from tests.browser.conftest import free_port, start_server

Process = subprocess.Popen[bytes]


@contextmanager
def servers(count: int) -> Iterator[tuple[int, list[Process]]]:
    """The port that visitors come to, and so many page servers.

    One starts its workers itself. Several are as deploy has them: a worker beside them, and a
    database, whose address stands in LAB_DATABASE_URL from then on.
    """
    with ExitStack() as at_the_end:
        settings = {}
        if count > 1:
            database = at_the_end.enter_context(postgresql.server())
            os.environ["LAB_DATABASE_URL"] = at_the_end.enter_context(database.database())
            at_the_end.callback(WorkerProcess().close)
            settings = {"LAB_START_WORKER": "0"}
        started = [at_the_end.enter_context(start_server(**settings)) for _ in range(count)]
        ports = [int(urlsplit(url).port or 80) for url, _process in started]
        if count > 1:
            folder = Path(at_the_end.enter_context(tempfile.TemporaryDirectory()))
            ports = [at_the_end.enter_context(_proxy(folder, ports))]
        yield ports[0], [process for _url, process in started]


@contextmanager
def _proxy(folder: Path, ports: Sequence[int]) -> Iterator[int]:
    """A port that leads to the others; a cookie brings who has been there to the same one.

    As deploy/nginx.conf, without TLS.
    """
    port = free_port()
    each = " ".join(f"{one} lab_{one};" for one in ports)
    site = f"""
        {_upstream("lab_any", ports, backups=())}
        {"".join(_upstream(f"lab_{one}", [one], set(ports) - {one}) for one in ports)}
        map $cookie_lab_server $lab_upstream {{ default lab_any; {each} }}
        map $upstream_addr $lab_server {{ ~:(?<port>\\d+)$ $port; }}
        map $http_upgrade $lab_connection {{ default upgrade; "" ""; }}
        server {{
            listen 127.0.0.1:{port};
            location / {{
                proxy_pass http://$lab_upstream;
                proxy_http_version 1.1;
                proxy_set_header Host $http_host;
                proxy_set_header Upgrade $http_upgrade;
                proxy_set_header Connection $lab_connection;
                proxy_buffering off;
                proxy_connect_timeout 2s;
                proxy_read_timeout 1h;
                add_header Set-Cookie "lab_server=$lab_server; Path=/" always;
            }}
        }}"""
    with nginx.running(folder, site, port):
        yield port


def _upstream(name: str, ports: Iterable[int], backups: Iterable[int]) -> str:
    """Servers that share visitors, and those who take them over."""
    members = [f"server 127.0.0.1:{port};" for port in ports]
    members += [f"server 127.0.0.1:{port} backup;" for port in backups]
    return f"upstream {name} {{ {' '.join(members)} }}\n"

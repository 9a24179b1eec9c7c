"""A provider of OpenID Connect on this machine, at which tests sign in as whoever they like."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.browser.conftest import free_port

Claims = Mapping[str, object]


@contextmanager
def identity_provider(people: Sequence[Claims]) -> Iterator[str]:
    """Its address, while it runs. Each of `people` has a `sub`, which is a button of its page."""
    port = free_port()
    users = [part for claims in people for part in ("--user-claims", json.dumps(claims))]
    process = subprocess.Popen(  # its libraries warn of each other, which is an error in a test
        [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port), *users],
        env=os.environ | {"AUTHLIB_INSECURE_TRANSPORT": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://localhost:{port}"
    try:
        _wait_until_it_answers(url)
        yield url
    finally:
        process.terminate()
        process.wait()


def _wait_until_it_answers(url: str) -> None:
    for _ in range(300):
        try:
            with urllib.request.urlopen(f"{url}/.well-known/openid-configuration", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("The provider did not answer within half a minute.")


def secrets_file(folder: Path, provider: str, lab: str, **others: str) -> Path:
    """A secrets.toml for a lab at the address `lab` that trusts this provider."""
    settings = {
        "redirect_uri": f"{lab}/oauth2callback",
        "cookie_secret": secrets.token_hex(32),
        "client_id": "lab",
        "client_secret": "nobody knows",
        "server_metadata_url": f"{provider}/.well-known/openid-configuration",
    } | others
    path = folder / "secrets.toml"
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    path.write_text("\n".join(["[auth]", *lines]) + "\n", encoding="utf-8")
    return path

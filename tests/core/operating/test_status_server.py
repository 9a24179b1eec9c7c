"""Whoever asks a process whether it is well gets an answer, or why nobody can."""

from __future__ import annotations

import http.client
import socket
import urllib.error
import urllib.request

import pytest

from core.operating.status_server import serve_status
from core.specs import LabError


def nothing():
    return None


@pytest.fixture
def served():
    servers = []

    def serve(problem=nothing, lines=tuple, address="0"):
        servers.append(serve_status(address, problem, lines))
        return servers[-1].port

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_it_tells_health_and_metrics(served):
    port = served(lines=lambda: ["a 1", "b 2"])
    assert get(port, "/healthz") == (200, "ok\n")
    assert get(port, "/metrics?name[]=a") == (200, "a 1\nb 2\n")
    assert get(port, "/")[0] == 404


def test_what_is_wrong_is_one_sentence(served):
    assert get(served(lambda: "The store is away."), "/healthz") == (503, "The store is away.\n")


def test_an_error_in_the_answer_is_told_to_whoever_runs_it(served, capsys):
    def fail():
        raise KeyError("a secret of the house")

    status, text = get(served(fail), "/healthz")
    assert status == 500 and "secret" not in text
    assert "a secret of the house" in capsys.readouterr().err


def test_only_this_machine_is_answered_and_nothing_but_questions(served):
    server = serve_status("0", nothing, tuple)
    assert server.server_address[0] == "127.0.0.1"
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("POST", "/healthz", body="x" * 100)
    assert connection.getresponse().status == 501
    connection.close()
    server.shutdown()
    server.server_close()


def test_a_client_that_says_nothing_holds_up_nobody(served):
    port = served()
    with socket.create_connection(("127.0.0.1", port)):
        assert get(port, "/healthz")[0] == 200


@pytest.mark.parametrize("address", ["", "port", "-1", "65536", "127.0.0.1", "[::1]:x", "²"])
def test_an_address_without_a_port_is_refused(address):
    with pytest.raises(LabError, match="an example is 9100"):
        serve_status(address, nothing, tuple)


def test_a_port_that_is_taken_is_one_sentence(served):
    port = served()
    with pytest.raises(LabError, match=f"127.0.0.1:{port}.*choose another port"):
        serve_status(str(port), nothing, tuple)

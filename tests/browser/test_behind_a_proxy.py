"""Two page servers behind nginx as deploy/nginx.conf has it: a path, TLS, websockets, a cookie."""

from __future__ import annotations

import shutil
import ssl
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import free_port, start_server
from tests.nginx import PROGRAM, nginx
from tests.prometheus import read_metrics

READY = '[data-testid="stApp"][data-test-script-state="notRunning"]'
PAGE = "/architecture?net=vgg11&net_ratio=4"


@dataclass
class PageServers:
    """Those behind the proxy: by their port, the process and where its metrics are."""

    url: str
    plain_port: int
    processes: dict[str, object]
    metrics: dict[str, int]

    def sessions(self, port: str) -> float:
        """Visitors of one of them."""
        address = f"http://127.0.0.1:{self.metrics[port]}/metrics"
        with urllib.request.urlopen(address, timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        return read_metrics(lines)[("lab_sessions", ())]


def machine(folder: Path, number: int) -> str:
    """Where Python finds, before all else, what makes Streamlit believe in a machine of its own."""
    path = folder / f"machine-{number}"
    path.mkdir()
    (path / "sitecustomize.py").write_text(
        "from streamlit.runtime import metrics_util\n"
        f"metrics_util._get_machine_id_v3 = lambda: {path.name!r}\n",
        encoding="utf-8",
    )
    return str(path)


@pytest.fixture(scope="module")
def servers(tmp_path_factory) -> Iterator[PageServers]:
    if PROGRAM is None or shutil.which("openssl") is None:
        pytest.skip("nginx or openssl is not on this machine (Debian: nginx-light, openssl)")
    folder: Path = tmp_path_factory.mktemp("nginx")
    shared = {"LAB_RUNS_DIR": str(folder / "runs"), "LAB_START_WORKER": "0"}
    shared |= {"STREAMLIT_BROWSER_SERVER_ADDRESS": "localhost"}
    with ExitStack() as rim:
        processes, metrics = {}, {}
        for number in range(2):
            health = free_port()
            own = {"LAB_METRICS_PORT": str(health), "PYTHONPATH": machine(folder, number)}
            url, process = rim.enter_context(start_server("lab", **shared, **own))
            port = str(urlsplit(url).port)
            processes[port], metrics[port] = process, health
        secure, plain = free_port(), free_port()
        taken = zip(("443", "80", "8501", "8502"), (secure, plain, *processes), strict=True)
        rim.enter_context(nginx(folder, {name: int(port) for name, port in taken}))
        yield PageServers(f"https://localhost:{secure}/lab", plain, processes, metrics)


@pytest.fixture
def page(browser, servers):
    context = browser.new_context(ignore_https_errors=True)
    yield context.new_page()
    context.close()


def server_of(page) -> str:
    """The page server that the visitor's cookie names."""
    [cookie] = [each for each in page.context.cookies() if each["name"] == "lab_server"]
    assert cookie["secure"] and cookie["httpOnly"]
    return cookie["value"]


def download_csv(page) -> str:
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").first.click()
    return Path(download.value.path()).read_text(encoding="utf-8")


def test_whoever_comes_without_tls_is_sent_on(servers):
    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: object) -> None:
            return None

    opener = urllib.request.build_opener(Stay)
    with pytest.raises(urllib.error.HTTPError) as answer:
        opener.open(f"http://localhost:{servers.plain_port}/lab/runs?run=1")
    with answer.value:
        assert answer.value.code == 301
        assert answer.value.headers["Location"] == "https://localhost/lab/runs?run=1"


def test_a_first_answer_names_a_server_without_telling_the_inside(servers):
    trusting = ssl._create_unverified_context()
    with urllib.request.urlopen(f"{servers.url}/", context=trusting) as answer:
        cookie = answer.headers["Set-Cookie"]
    assert "127.0.0.1" not in cookie and "Path=/lab/" in cookie and "SameSite=Lax" in cookie
    assert cookie.partition(";")[0].removeprefix("lab_server=") in servers.processes


def test_a_visitor_stays_with_one_server_and_finds_the_view_again_on_the_other(page, servers):
    """Until the first one is killed in the middle of it; the files come from where the page is."""
    refused = []

    def note(answer) -> None:
        # Streamlit looks for itself below the page first: an address may be deep
        if answer.status >= 400 and "/architecture/_stcore/" not in answer.url:
            refused.append(answer.url)

    page.on("response", note)
    page.goto(servers.url + PAGE)
    number = page.get_by_test_id("stMetricValue").first
    number.wait_for(timeout=60_000)
    page.wait_for_selector(READY)
    shown, first = number.inner_text(), server_of(page)
    before = download_csv(page)
    assert refused == []

    counting = page.context.new_page()  # with something typed that no server has yet
    counting.goto(f"{servers.url}/architecture?net_view=Explain&net_topic=Hand+count")
    count = counting.get_by_role("textbox", name="Your count, one term a line")
    count.fill("1x1x3x3 + 7")
    count.press("Control+Enter")
    verdict = counting.get_by_test_id("stAlert").last
    expect(verdict).to_contain_text("comes to 16 parameters", timeout=30_000)
    count.press("End")
    count.press_sequentially("000")
    inside = page.context.new_page()  # draws a part of it by itself
    inside.goto(f"{servers.url}/inside")
    image = inside.get_by_role("spinbutton", name="Number")
    image.wait_for(timeout=60_000)
    inside.wait_for_selector(READY)
    assert servers.sessions(first) == 3

    servers.processes[first].kill()
    servers.processes[first].wait()
    [second] = set(servers.processes) - {first}
    for _ in range(150):
        if servers.sessions(second) == 3:  # the pages have found it by themselves
            break
        page.wait_for_timeout(200)
    for tab in (page, counting, inside):
        tab.wait_for_timeout(500)
        tab.wait_for_selector(READY)
    assert server_of(page) == second
    refused.clear()  # of the page as it stood, whose pictures were the first server's
    assert page.url == servers.url + PAGE and number.inner_text() == shown
    ratio = page.get_by_role("slider", name="Ratio")
    expect(ratio).to_have_value("4")
    assert download_csv(page) == before and refused == []
    assert count.input_value() == "1x1x3x3 + 7000"
    expect(verdict).to_contain_text("comes to 16 parameters")
    image.fill("17")
    image.press("Enter")
    expect(inside.get_by_role("img", name="test image 17")).to_be_visible(timeout=15_000)
    page.reload()
    expect(number).to_have_text(shown, timeout=60_000)
    assert servers.sessions(second) == 3 and refused == []

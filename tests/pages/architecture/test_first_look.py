"""On a server that has just been started the first numbers wait for no torch."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.pages.opening import PROJECT

PROGRAM = """
import sys
from streamlit.testing.v1 import AppTest

def opened(page, parameters):
    app = AppTest.from_file("dashboard.py", default_timeout=60)
    for name, value in parameters.items():
        app.query_params[name] = value
    app.switch_page(f"pages/{page}.py").run()
    assert not app.exception, page
    print(*{"torch", "torchvision"} & set(sys.modules))
    return app

assert opened("calculators", {}).dataframe  # this page does not even want torch to come meanwhile

from pages.views.app import services

services._load_torch_meanwhile = lambda: None
for page, parameters in (
    ("architecture", {}),
    ("architecture", {"net_network": "densenet121", "net_view": "Picture"}),
    ("architecture", {"net_network": "course-inception", "net_view": "Memory"}),
    ("architecture", {"net_view": "Explain"}),
    ("compare", {"networks": "vgg16,alexnet"}),
):
    assert opened(page, parameters).metric or page == "compare", page
"""


@pytest.mark.slow
def test_defaults_are_shown_without_torch():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=PROJECT, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout.split()) == (0, []), done.stderr


def test_what_was_never_traced_waits_for_torch_behind_a_spinner(monkeypatch):
    """In this process torch is there; a network that cannot be built is still one sentence."""
    from pages.views.app import services
    from tests.pages.opening import open_page

    loaded: list[bool] = []
    monkeypatch.setattr(services, "_can_trace", lambda: False)
    monkeypatch.setattr(services, "load_torch", lambda: loaded.append(True))
    monkeypatch.setattr(services, "_load_torch_meanwhile", lambda: None)
    app = open_page("pages/architecture.py", net_network="lenet")
    assert loaded == [] and app.metric
    app = open_page("pages/architecture.py", net_network="lenet", net_size="44")
    assert loaded and app.metric

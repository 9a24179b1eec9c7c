"""The page server never loads torch; what is known is shown while its other process still does."""

from __future__ import annotations

import subprocess
import sys

import pytest

from core.torch_process import ThisProcess
from pages.views.app import with_torch
from tests.pages.opening import PROJECT, open_page

# What is tested is what is loaded, not how soon: beside browser tests on two cores torch's import
# alone may take the minute that other tests give a page.
PROGRAM = """
import sys
from streamlit.testing.v1 import AppTest
from core.torch_process import TorchProcess, torch_process

PATIENCE = 600.0  # seconds

def opened(page, parameters):
    app = AppTest.from_file("dashboard.py", default_timeout=PATIENCE)
    for name, value in parameters.items():
        app.query_params[name] = value
    app.switch_page(f"pages/{page}.py").run()
    assert not app.exception, (page, parameters, app.exception)
    loaded = {"torch", "torchvision", "timm"} & set(sys.modules)
    assert not loaded, (page, parameters, loaded)
    return app

opened("calculators", {})  # before anybody has started the process

process = torch_process()  # as the server starts it
assert isinstance(process, TorchProcess)
process._longest = PATIENCE
assert process._loaded.wait(PATIENCE)

for page, parameters in (
    ("architecture", {"net_view": "Code", "net_size": "92"}),
    ("architecture", {"net_network": "densenet121", "net_view": "Picture"}),
    ("architecture", {"net_network": "torchvision", "net_torchvision": "resnet18"}),
    ("architecture", {"net_network": "timm", "net_timm": "resnet10t", "net_channels": "1"}),
    ("architecture", {"net_view": "Explain", "net_layer": "block1.conv1"}),
    ("architecture", {"net_view": "Summary"}),
    ("architecture", {"net_view": "Time"}),
    ("compare", {"networks": "vgg16,alexnet", "cmp_view": "Sweep"}),
    ("train", {}),
    ("train", {"train_view": "Find a rate"}),
    ("train", {"train_view": "Throughput"}),
    ("residual", {}),
    ("gradients", {}),
    ("runs", {}),
):
    opened(page, parameters)

from core.zoo import libraries

libraries.version = lambda name: "9.9.9"  # the table that comes with the lab is of another
libraries._installed.cache_clear(), libraries._models.cache_clear()
app = opened("architecture", {"net_network": "torchvision", "net_torchvision": "squeezenet1_1"})
assert app.selectbox(key="net_torchvision").value == "squeezenet1_1"
"""


@pytest.mark.slow
def test_no_page_loads_torch_into_the_page_server():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=PROJECT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


class Loading:
    """A process that is still loading torch, as the page sees it."""

    def __init__(self) -> None:
        self.seconds_until_loaded, self.waited = 3.0, False

    def wait_until_loaded(self) -> None:
        self.seconds_until_loaded, self.waited = 0.0, True

    def call(self, function, *arguments):
        assert not self.seconds_until_loaded
        return ThisProcess().call(function, *arguments)


def test_only_what_was_never_traced_waits_for_torch(monkeypatch):
    process = Loading()
    monkeypatch.setattr(with_torch, "torch_process", lambda: process)
    assert open_page("pages/architecture.py", net_network="lenet").metric
    assert not process.waited
    assert open_page("pages/architecture.py", net_network="lenet", net_size="44").metric
    assert process.waited

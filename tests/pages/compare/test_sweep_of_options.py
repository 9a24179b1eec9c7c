"""The Compare page's Sweep view over options that only some of the networks have."""

from __future__ import annotations

import pytest

from pages.views.compare import sweeps
from tests.pages.opening import open_page

FILE = """
from typing import Literal
from torch import nn

class Net(nn.Module):
    def __init__(self, in_channels: int = 1, num_classes: int = 10, width: int = 8,
                 mode: Literal["plain", "double"] = "plain"):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, width * (2 if mode == "double" else 1), 3)

    def forward(self, x):
        return self.conv(x).mean((2, 3))
"""


@pytest.fixture
def lines(networks_file, monkeypatch):
    """The lines of the chart over an option, of a network of a file beside LeNet."""
    networks_file(FILE)
    shown = []
    monkeypatch.setattr(sweeps, "chart", lambda figure, **_: shown.append(figure))

    def over(option: str):
        app = open_page(
            "pages/compare.py",
            networks="nets.py:Net/1/28/1/10|lenet/1/28/1/10",
            cmp_view="Sweep",
            cmp_over=option,
            cmp_quantity="parameters",
        )
        assert not app.exception and not app.error
        return shown[-1].wide.data

    return over


def test_a_number_of_its_constructor(lines):
    [line] = lines("width")
    assert line.x == (1, 2, 4, 6, 8, 12, 16, 24, 32)
    assert line.y == tuple(10 * width for width in line.x)


def test_a_choice_of_its_constructor(lines):
    [line] = lines("mode")
    assert (line.x, line.y) == (("plain", "double"), (80, 160))


def test_a_slider_that_all_networks_have(lines):
    assert len(lines("resize")) == 2

"""A study over an argument of a network of the user's own."""

from __future__ import annotations

import pytest

from core.jobs.store import open_store
from core.studies.study import by_variant
from core.zoo.own import plain_name
from tests.pages.opening import open_page

pytestmark = pytest.mark.slow

FILE = """
from typing import Literal
from torch import nn

class Net(nn.Module):
    def __init__(self, in_channels: int = 1, num_classes: int = 10, width: int = 8,
                 mode: Literal["plain", "double"] = "plain", bias: bool = True):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, width, 3, bias=bias)
        self.head = nn.Linear(width, num_classes)

    def forward(self, x):
        return self.head(self.conv(x).mean((2, 3)))
"""


@pytest.fixture(autouse=True)
def file(networks_file):
    networks_file(FILE)


def opened(**asked: str):
    return open_page(
        "pages/residual.py", res_network="nets.py:Net", res_seeds="2", res_images="1000", **asked
    )


def queued():
    return [run.spec for run in open_store().runs()]


def test_each_value_is_a_variant_with_the_same_seeds():
    app = opened(res_argument="width")
    assert not app.exception and not app.error
    assert app.title[0].value == "Which variant is better?"
    app.text_input(key="res_values_width").set_value("4, 16, 32").run()
    app.button(key="res_train").click().run()
    assert not app.exception and not app.error
    specs = queued()
    assert {plain_name(spec.model.arch) for spec in specs} == {"nets.py:Net"}
    assert {spec.model.option("mode") for spec in specs} == {"plain"}
    assert sorted((spec.seed, spec.model.option("width")) for spec in specs) == [
        (seed, width) for seed in (0, 1) for width in (4, 16, 32)
    ]
    titles = [group.title for group in by_variant(open_store().runs(), {})]
    assert titles == ["nets.py:Net, width 4", "nets.py:Net, width 16", "nets.py:Net, width 32"]


@pytest.mark.parametrize(
    ("argument", "values"), [("mode", ["plain", "double"]), ("bias", [False, True])]
)
def test_choices_and_switches_are_compared_with_all_their_values(argument, values):
    app = opened(res_argument=argument)
    app.button(key="res_train").click().run()
    assert not app.exception and not app.error
    assert [spec.model.option(argument) for spec in reversed(queued()[-2:])] == values


@pytest.mark.parametrize("text", ["4, many", "0", "999999", ""])
def test_what_the_argument_cannot_be_is_said_and_nothing_starts(text):
    app = opened(res_argument="width")
    app.text_input(key="res_values_width").set_value(text).run()
    assert not app.exception
    assert "res_train" not in [button.key for button in app.button]
    assert text == "" or "width must be a whole number" in app.error[0].value

"""A designer's file open beside the page: saved, broken, mended, compared and trained."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.conftest import Lab, Visitor, start_server

pytestmark = pytest.mark.slow

FILE = """
import torch
from torch import nn

class Net(nn.Module):
    \"\"\"Two convolutions and a shortcut.\"\"\"

    def __init__(self, in_channels: int = 1, num_classes: int = 10, width: int = 8):
        super().__init__()
        self.stem = nn.Conv2d(in_channels, width, 3, padding=1)
        self.deep = nn.Conv2d(width, width, 3, padding=1)
        self.head = nn.Linear(width, num_classes)

    def forward(self, x):
        x = self.stem(x).relu()
        x = self.deep(x) + x
        return self.head(x.mean((2, 3)))
"""
ADDRESS = "/architecture?net_network=nets.py%3ANet&net_size=28"


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("designer") / "nets.py"
    path.write_text(FILE)
    return path


@pytest.fixture(scope="module")
def designer(file, window, tmp_path_factory) -> Iterator[Visitor]:
    """Somebody who looks at the network of the file."""
    runs = tmp_path_factory.mktemp("runs")
    with start_server(LAB_NETWORKS=str(file), LAB_RUNS_DIR=str(runs)) as (url, process):
        visitor = Visitor(window.new_page(), Lab(url, process, runs, 0.0))
        visitor.open(ADDRESS)
        yield visitor
        visitor.page.close()


def save(file: Path, old: str = "", new: str = "") -> None:
    """What an editor does."""
    changed = FILE.replace(old, new) if old else FILE
    assert changed != FILE or not old
    file.write_text(changed)


def test_a_save_is_followed_and_its_change_told(designer, file):
    designer.wait_for_metric("Parameters", "754")  # 80 + 584 + 90
    save(file, "nn.Conv2d(width, width, 3, padding=1)", "nn.Conv2d(width, width, 1)")
    designer.wait_for_metric("Parameters", "242")
    designer.page.get_by_text("−512 since save").wait_for()
    designer.page.get_by_text("layers changed by the last save").wait_for()


def test_a_pass_that_fails_is_shown_as_far_as_it_ran_until_it_is_mended(designer, file):
    save(file, "self.deep(x) + x", "torch.cat([self.deep(x), x], 1)")
    designer.page.get_by_text("ran before head failed, which was given 1×16 from mean").wait_for()
    save(file)
    designer.wait_for_metric("Parameters", "754")
    assert not designer.page.get_by_text("As far as it ran").count()


def test_an_endless_loop_is_told_and_the_page_is_well_again_after_the_next_save(designer, file):
    save(file, "x = self.deep(x) + x", "while True: pass")
    designer.page.get_by_text("took longer than 30 s").wait_for()
    save(file)
    designer.wait_for_metric("Parameters", "754")


def test_it_stands_beside_the_lab_s_networks_in_compare(designer):
    designer.open("/compare?networks=nets.py:Net/1/28/1/10|lenet/1/28/1/10&cmp_view=Sweep")
    designer.page.get_by_text("nets.py:Net").first.wait_for()
    designer.page.locator(".chart .scatterlayer .trace >> nth=1").wait_for(state="attached")

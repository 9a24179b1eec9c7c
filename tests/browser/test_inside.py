"""A learner looks inside: trains, opens a mistake, follows a number back, compares, takes along."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image

from core.analysis import analyze
from core.data.arrays import read_arrays
from core.inside.number import explain
from core.inside.one_image import see
from core.inside.shipped import SHIPPED
from core.inside.windows import window_in_image
from tests.browser.conftest import Lab, Visitor, start_server

pytestmark = pytest.mark.slow

NET = """
import torch
from torch import nn

class Mine(nn.Module):
    def __init__(self, in_channels: int = 1, num_classes: int = 10, width: int = 6):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, width, 3, padding=1)
        self.head = nn.Linear(width, num_classes)

    def forward(self, x):
        return self.head(torch.relu(self.conv(x)).mean((2, 3)))
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Iterator[Lab]:
    """A server of its own: other tests count the runs of theirs."""
    runs = tmp_path_factory.mktemp("runs")
    with start_server(LAB_RUNS_DIR=str(runs)) as (url, process):
        yield Lab(url, process, runs, 0.0)


def canvas(visitor: Visitor):
    """The enlarged map of the opened layer, which takes arrow keys."""
    return visitor.page.get_by_role("application").first


def told(visitor: Visitor) -> tuple[int, int, int, str]:
    """Channel, row, column and value, as a reader hears them."""
    text = canvas(visitor).get_attribute("aria-label")
    place = re.search(r"Channel (\d+), row (\d+), column (\d+): (\S+)", text)
    assert place, text
    return int(place[1]), int(place[2]), int(place[3]), place[4]


def number(text: str) -> float:
    return float(text.rstrip(".").replace("−", "-").replace(",", ""))


def test_a_learner_trains_opens_a_mistake_and_follows_a_number_to_the_image(visitor):
    visitor.open("/train?train_network=course-residual&train_images=1000&train_epochs=2")
    visitor.button("Start training").click()
    visitor.button("Look inside").wait_for()
    visitor.page.get_by_text("finished", exact=False).first.wait_for()
    visitor.button("Look inside").click()
    visitor.page.wait_for_url("**/inside?**")
    visitor.settle()
    run = re.search(r"in_network=run(?:%2F|/)(\d+)", visitor.page.url)
    assert run, visitor.page.url
    visitor.open(f"/inside?in_network=run/{run[1]}&in_pick=mistakes&in_layer=residual2.relu_2")
    path = "residual2.relu_2"
    while path != "stem1.conv":  # back to the image, layer by layer
        canvas(visitor).wait_for()
        visitor.button("Go to what it was summed from").press("Enter")
        visitor.page.wait_for_function(
            "path => !document.querySelector('[role=application]')?.ariaLabel.startsWith(path)",
            arg=path,
        )
        visitor.settle()
        path = canvas(visitor).get_attribute("aria-label").split(",")[0].split(" ")[0]
    assert "in_layer=stem1.conv" in visitor.page.url
    focused = visitor.page.evaluate("document.activeElement.getAttribute('role')")
    assert focused == "application"  # the button that led here has ended, keys still move
    visitor.page.get_by_text("The image", exact=True).wait_for()


def test_arrow_keys_move_the_number_and_each_is_what_the_map_holds(visitor):
    weights = SHIPPED["residual"].weights
    pixels = read_arrays("fashion-mini", "test")[0][17]
    visitor.open("/inside?in_image=17&in_layer=residual1.conv2&in_unit=3.5.5")
    canvas(visitor).focus()
    for key, place in (("ArrowRight", (3, 5, 6)), ("ArrowDown", (3, 6, 6)), ("Home", None)):
        visitor.page.keyboard.press(key)
        visitor.page.wait_for_timeout(1_500)
        channel, row, column, value = told(visitor)
        assert place is None or (channel, row, column) == place
        step = see(weights, pixels).steps["residual1.conv2"]
        assert number(value) == pytest.approx(float(step.output[0, channel, row, column]), abs=1e-3)
    explained = explain(weights, pixels, "residual1.conv2", 3, 6, 6)
    assert explained.value == pytest.approx(
        float(see(weights, pixels).steps["residual1.conv2"].output[0, 3, 6, 6])
    )


def test_layers_chosen_one_after_the_other_are_opened_and_in_the_address(visitor):
    visitor.open("/inside?in_image=17&in_layer=residual1.conv2")
    for path in ("residual2.conv1", "stem1.conv", "residual1.conv1"):
        layer = visitor.page.locator(f"[data-layer='{path}']").first
        layer.wait_for()  # what cannot be seen yet takes no key
        layer.press("Enter")
        heading = visitor.page.locator(".number figcaption").first
        heading.get_by_text(f"{path}, channel", exact=False).wait_for()
        visitor.settle()
        assert f"in_layer={path}" in visitor.page.url


def test_a_second_network_is_taken_from_the_button_of_its_view(visitor):
    visitor.open("/inside?in_image=17&in_view=Two networks")
    visitor.button("Compare with:").click()
    visitor.page.locator(".pairs").first.wait_for()
    assert "in_other=lab" in visitor.page.url


def test_the_window_in_the_picture_is_the_receptive_field(visitor):
    weights = SHIPPED["residual"].weights
    visitor.open("/inside?in_image=17&in_layer=residual1.conv2&in_unit=3.5.5")
    placed = window_in_image(analyze(weights.spec), "residual1.conv2", 3, 5, 5)
    height = placed.inside.bottom - placed.inside.top
    width = placed.inside.right - placed.inside.left
    visitor.page.get_by_text(f"sees {height}×{width} pixels", exact=False).first.wait_for()


def test_two_networks_stand_beside_each_other_and_the_view_is_taken_along(visitor):
    visitor.open("/inside?in_other=lab/scaling&in_image=3")
    visitor.page.get_by_text("constant scaling", exact=False).first.wait_for()
    visitor.open("/inside?in_image=3&in_layer=stem1.relu&in_view=Take along")
    with np.load(visitor.download("This layer as NPZ")) as file:
        arrays = {name: file[name] for name in file.files}
    weights = SHIPPED["residual"].weights
    seen = see(weights, read_arrays("fashion-mini", "test")[0][3]).steps["stem1.relu"].output
    assert any(np.array_equal(array.squeeze(), seen[0].numpy()) for array in arrays.values())
    with ZipFile(visitor.download("safetensors with code")) as file:
        assert {"model.safetensors", "network.py"} <= {Path(name).name for name in file.namelist()}


@pytest.mark.parametrize("width", [1280, 820, 400])
def test_a_number_beside_a_scale_is_not_broken_and_nothing_is_cut(visitor, width):
    visitor.page.set_viewport_size({"width": width, "height": 900})
    visitor.open("/inside?in_view=Why")
    visitor.page.locator(".why .scale").last.wait_for()
    sizes = visitor.page.evaluate(
        "[...document.querySelectorAll('.why .scale')].map("
        "one => [one.scrollWidth - one.clientWidth, one.clientHeight])"
    )
    assert all(over <= 0 and height < 24 for over, height in sizes), sizes
    upload = visitor.page.get_by_text("Upload", exact=True).bounding_box()
    picture = visitor.page.locator("[data-testid=stImage] img").first.bounding_box()
    assert upload["x"] + upload["width"] <= width
    assert picture["width"] >= 96  # 24 pixels beside a chart without room are no picture


def test_what_is_drawn_is_looked_at(visitor):
    visitor.open("/inside?in_network=lab/digits&in_source=Draw")
    visitor.button("Clear").wait_for()  # made by the canvas's script, which comes after the canvas
    box = visitor.page.locator(".canvas-holder canvas").bounding_box()
    visitor.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 40)
    visitor.page.mouse.down()
    visitor.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 40, steps=8)
    visitor.page.mouse.up()
    visitor.page.get_by_text("drawn", exact=True).wait_for()
    visitor.page.locator("[data-layer='stem1.conv']").first.wait_for()


def test_one_picture_after_the_other_leaves_the_layer_as_it_was(visitor, tmp_path):
    visitor.open("/inside?in_source=Upload")
    for level in (60, 200):
        path = tmp_path / f"gray{level}.png"
        Image.new("L", (40, 40), level).save(path)
        visitor.page.set_input_files("[data-testid=stFileUploaderDropzoneInput]", path)
        visitor.page.get_by_text(path.name).wait_for()
        canvas(visitor).wait_for()
        visitor.settle()
    layer = visitor.page.get_by_role("combobox", name="Layer")
    assert layer.input_value() == "residual2.conv2"


def test_a_file_that_cannot_be_made_says_why_beside_its_button(window, tmp_path):
    path = tmp_path / "nets.py"
    path.write_text(NET.replace("torch.relu(", "(1 + (x.sum() > 0).item()) * ("))
    with start_server(LAB_NETWORKS=str(path), LAB_RUNS_DIR=str(tmp_path / "runs")) as (
        url,
        process,
    ):
        visitor = Visitor(window.new_page(), Lab(url, process, tmp_path, 0.0))
        visitor.open(
            "/inside?in_network=new&inside_network=nets.py%3AMine&inside_size=28&in_view=Take+along"
        )
        visitor.button("ONNX").click()
        visitor.page.get_by_text("The network cannot be written as ONNX", exact=False).wait_for()
        visitor.page.close()


def test_somebody_s_own_network_can_be_looked_into(window, tmp_path):
    path = tmp_path / "nets.py"
    path.write_text(NET)
    with start_server(LAB_NETWORKS=str(path), LAB_RUNS_DIR=str(tmp_path / "runs")) as (
        url,
        process,
    ):
        visitor = Visitor(window.new_page(), Lab(url, process, tmp_path, 0.0))
        visitor.open("/inside?in_network=new&inside_network=nets.py%3AMine&inside_size=28")
        visitor.page.locator("[data-layer='conv']").first.wait_for()
        canvas(visitor).wait_for()
        visitor.page.close()

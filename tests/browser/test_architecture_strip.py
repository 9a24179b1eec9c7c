"""The strip of a network and its table of layers: to one scale, linked both ways, by keyboard."""

from __future__ import annotations

import pytest

from tests.core.jobs.tiny_runs import wait_until

OVERLAPS = """() => {
  const labels = [...document.querySelectorAll(".strip text")].map(text => {
    const none = {a: 1, b: 0, c: 0, d: 1, e: 0, f: 0}
    const turn = text.transform.baseVal.consolidate()?.matrix ?? none
    const {x, y, width, height} = text.getBBox(), inset = 2
    const corners = [[x + inset, y + inset], [x + width - inset, y + inset],
                     [x + width - inset, y + height - inset], [x + inset, y + height - inset]]
    return {text: text.textContent, corners: corners.map(([x, y]) =>
      [turn.a * x + turn.c * y + turn.e, turn.b * x + turn.d * y + turn.f])}
  })
  const sides = corners => corners.map(([x, y], i) => {
    const [u, v] = corners[(i + 1) % 4]
    return [v - y, x - u]
  })
  const along = (corners, [a, b]) => corners.map(([x, y]) => a * x + b * y)
  const apart = (one, other) => [...sides(one.corners), ...sides(other.corners)].some(axis => {
    const [p, q] = [along(one.corners, axis), along(other.corners, axis)]
    return Math.max(...p) <= Math.min(...q) || Math.max(...q) <= Math.min(...p)
  })
  return labels.flatMap((one, i) => labels.slice(i + 1).filter(other => !apart(one, other))
    .map(other => `${one.text} on ${other.text}`))
}"""


@pytest.fixture
def any_width(visitor):
    """The visitor, whose window may be made another width."""
    yield visitor
    visitor.page.set_viewport_size({"width": 1400, "height": 900})


def opened(visitor, address: str) -> None:
    """The page, once the strip is drawn."""
    visitor.open(address)
    visitor.page.locator(".strip .box").first.wait_for()


def box(visitor, name: str) -> dict[str, float]:
    """Where the box of a stage is, in pixels."""
    stage = visitor.page.locator(".strip").get_by_role("button", name=f"{name}:")
    return stage.locator(".box").bounding_box()


@pytest.mark.parametrize("width", [1400, 820, 400])
@pytest.mark.parametrize(
    "network",
    [
        "net_network=vgg11",
        "net_network=googlenet&net_size=96",
        "net_network=densenet121",
        "net_network=torchvision&net_torchvision=resnet152",
        "net_network=torchvision&net_torchvision=vit_b_16",
    ],
)
def test_no_label_of_the_strip_lies_on_another(any_width, network, width):
    any_width.page.set_viewport_size({"width": width, "height": 900})
    opened(any_width, f"/architecture?{network}")
    any_width.page.wait_for_timeout(300)
    assert any_width.page.evaluate(OVERLAPS) == []


def test_size_and_ratio_make_every_box_smaller_and_leave_the_outline_of_the_default(visitor):
    opened(visitor, "/architecture?net_network=vgg11")
    own = {name: box(visitor, name) for name in ("image", "block1", "block5")}
    assert visitor.page.locator(".strip .ghost").count() == 0
    opened(visitor, "/architecture?net_network=vgg11&net_size=96&net_ratio=4")
    for name, before in own.items():
        assert box(visitor, name)["height"] < 0.75 * before["height"]
    assert box(visitor, "block5")["width"] < 0.75 * own["block5"]["width"]
    ghost = visitor.page.locator(".strip .ghost").first.bounding_box()
    assert abs(ghost["height"] - own["image"]["height"]) < 5  # its corners stick out


def test_a_block_is_chosen_by_key_its_row_is_marked_and_its_layers_are_listed(visitor):
    opened(visitor, "/architecture")
    strip, table = visitor.page.locator(".strip"), visitor.page.locator(".layers")
    assert strip.locator('[tabindex="0"]').count() == 1
    strip.get_by_role("button", name="image:").focus()
    for _ in range(3):
        visitor.page.keyboard.press("ArrowRight")
    assert table.locator("tr.pointed").get_by_text("block3").count() == 1
    visitor.page.keyboard.press("Enter")
    table.get_by_text("block3.conv2").wait_for()
    strip.get_by_role("button", name="block3:", pressed=True).wait_for()
    assert (
        table.locator('tr[aria-selected="true"]').get_by_role("rowheader").inner_text() == "block3"
    )
    visitor.page.wait_for_url("**net_block=block3**")
    visitor.page.keyboard.press("Enter")
    table.get_by_text("block3.conv2").wait_for(state="detached")
    wait_until(lambda: "net_block" not in visitor.page.url)


def test_a_row_lights_up_its_box_and_chooses_it(visitor):
    opened(visitor, "/architecture")
    table, strip = visitor.page.locator(".layers"), visitor.page.locator(".strip")
    row = table.locator("tbody tr", has_text="block4")
    row.hover()
    assert strip.locator(".stage.pointed").get_attribute("data-name") == "block4"
    assert table.locator('[tabindex="0"]').count() == 1
    row.click()
    strip.get_by_role("button", name="block4:", pressed=True).wait_for()
    table.get_by_text("block4.conv1").wait_for()


def test_rows_are_walked_by_arrows_and_sorted_by_the_heads(visitor):
    opened(visitor, "/architecture")
    table = visitor.page.locator(".layers")
    first = table.locator("tbody tr").first
    first.focus()
    visitor.page.keyboard.press("ArrowDown")
    assert table.locator("tr:focus th").inner_text() == "block2"
    visitor.page.keyboard.press("Home")
    for key in ("ArrowUp", "ArrowRight", "ArrowRight", "ArrowRight", "Enter"):  # of parameters
        visitor.page.keyboard.press(key)
    assert first.locator("th").inner_text() == "dense1"
    assert table.locator('th[aria-sort="descending"]').inner_text().startswith("parameters")
    visitor.page.keyboard.press("Enter")
    assert first.locator("th").inner_text() == "block1"


@pytest.mark.parametrize(("width", "columns"), [(1400, 7), (400, 3)])
def test_as_many_columns_as_there_is_room_for(any_width, width, columns):
    any_width.page.set_viewport_size({"width": width, "height": 900})
    opened(any_width, "/architecture")
    table = any_width.page.locator(".layers")
    table.wait_for()
    assert table.get_by_role("columnheader").count() == columns
    assert table.evaluate("table => table.scrollWidth <= table.clientWidth")


def test_the_graph_is_whole_on_a_phone_and_can_be_made_larger(any_width):
    any_width.page.set_viewport_size({"width": 400, "height": 900})
    opened(any_width, "/architecture?net_view=Graph&net_network=course-inception")
    picture = any_width.page.locator(".picture")
    picture.locator("svg").wait_for()
    is_whole = "picture => picture.scrollWidth <= picture.clientWidth"
    assert picture.evaluate(is_whole)
    any_width.button("Larger").click()
    assert not picture.evaluate(is_whole)
    any_width.button("Whole").click()
    assert picture.evaluate(is_whole)


def test_no_chart_of_layers_is_higher_than_a_screen(visitor):
    opened(visitor, "/architecture?net_network=densenet121&net_view=Cost&net_level=every+module")
    chart = visitor.page.locator(".chart").first
    chart.locator(".main-svg").first.wait_for()
    assert chart.bounding_box()["height"] <= 900

"""The readers' questions, answered from the pages alone; the numbers are held against core."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from itertools import pairwise

import pandas as pd

from core.analysis import analyze
from core.report import formats
from core.specs import ModelSpec

VGG = ModelSpec("vgg11")


def picked(visitor, name: str):
    """An entry of a segmented control."""
    return visitor.page.get_by_role("radio", name=name, exact=True)


def choose(visitor, label: str, name: str) -> None:
    """An entry of a list, found by typing."""
    box = visitor.page.get_by_role("combobox", name=label)
    box.click()
    box.fill(name)
    visitor.page.get_by_role("option", name=name).first.wait_for()
    visitor.page.wait_for_timeout(300)  # the list is narrowed to it
    box.press("Enter")
    visitor.settle()


def test_q1_q2_q4_q16_where_vgg_s_layers_and_parameters_sit(visitor):
    """From the Overview's card; the forum's hand count is 111,980,544."""
    visitor.open()
    visitor.button("Open VGG-11").click()
    totals = analyze(VGG).totals
    visitor.wait_for_metric("Parameters", formats.short(totals.params))
    visitor.page.get_by_text("8 rows. The whole network").wait_for()
    picked(visitor, "by weight layer").click()
    visitor.page.get_by_text("11 rows. The whole network").wait_for()
    frame = pd.read_csv(visitor.download("Layers as CSV"))
    assert frame["operation"].tolist() == ["Conv2d"] * 8 + ["Linear"] * 3
    convolutions = frame.iloc[1:8]
    assert sorted(convolutions["macs"].value_counts()) == [2, 2, 3]  # equal work, block by block
    assert convolutions["params"].nunique() == 5  # but by no means equal parameters
    picked(visitor, "Cost").click()
    visitor.page.get_by_text("dense1.linear holds 79.8 % of the parameters").wait_for()

    picked(visitor, "Explain").click()
    visitor.page.get_by_text("What was built is configuration A (VGG-11)").wait_for()
    picked(visitor, "Hand count").click()
    widths = (3, 64, 128, 256, 256, 512, 512, 512, 512)
    terms = [f"3x3x{before}x{after}" for before, after in pairwise(widths)]
    area = visitor.page.get_by_role("textbox", name="Your count, one term a line")
    area.fill("\n".join([*terms, "25088x4096+4096", "total = 111,980,544"]))
    area.press("Control+Enter")
    visitor.page.get_by_text("The hand count comes to 111,980,544 parameters").wait_for()
    visitor.page.get_by_text("uses 3 input channels instead of 1").wait_for()
    frame = pd.read_csv(visitor.download("Checked count as CSV"))
    assert frame["exact"].sum() == totals.params
    assert frame["verdict"].tolist()[-3:] == ["right", "left out", "left out"]

    picked(visitor, "Other counters").click()
    frame = pd.read_csv(visitor.download("Reconciliation as CSV"))
    for _, rows in frame.groupby(["counter", "quantity"]):
        assert rows["ours"].iloc[0] + rows["amount"].sum() == rows["theirs"].iloc[0]

    choose(visitor, "Network", "VGG: VGG-19")
    visitor.page.get_by_text("What was built is configuration E (VGG-19)").wait_for()


def test_q3_q8_what_changes_at_96_pixels_and_what_memory_holds(visitor):
    visitor.open("/architecture?net_size=96&net_level=by+weight+layer")
    analysis = analyze(ModelSpec("vgg11", image_size=96))
    visitor.wait_for_metric("MACs an image", formats.short(analysis.totals.macs))
    visitor.wait_for_metric("Receptive field", formats.joined("150", "px"))
    frame = pd.read_csv(visitor.download("Layers as CSV"))
    rows = analysis.rows("weight layer")
    assert frame["layer"].tolist() == [row.path for row in rows]
    assert frame["macs"].tolist() == [row.macs for row in rows]
    assert frame["output_shape"].iloc[7] == "1×512×6×6"
    assert set(frame["image_size"]) == {96}
    picked(visitor, "Memory and time").click()
    visitor.page.wait_for_url("**net_view=Memory**")
    frame = pd.read_csv(visitor.download("Memory as CSV"))
    assert frame["inference_bytes"][0] == analysis.inference_bytes(128)
    assert frame["saved_bytes"][0] > frame["parameters_bytes"][0]  # activations dominate
    picked(visitor, "Explain").click()
    choose(visitor, "Layer", "dense1.linear")
    visitor.page.get_by_text("4608 · 4096 + 4096").wait_for()  # 512 · 3 · 3, not 512 · 7 · 7


def test_q5_q18_the_chain_of_shapes_its_time_and_its_code(visitor):
    """Where 512 comes from; then every layer is measured, and the code runs alone."""
    net = "net_network=Residual:+Course+residual+net"
    visitor.open(f"/architecture?{net}&net_view=Explain&net_layer=dense.linear")
    visitor.page.get_by_text("1×512 → 1×10").wait_for()
    picked(visitor, "Memory and time").click()
    picked(visitor, "Time").click()
    visitor.button("Measure every layer").click()
    visitor.page.get_by_text("Medians of 9 passes").wait_for()
    frame = pd.read_csv(visitor.download("Times as CSV"))
    layers = analyze(ModelSpec("course-residual", 1, 28)).layers
    assert frame["layer"].tolist() == [layer.path for layer in layers]
    assert (frame["forward_seconds"] > 0).all()
    picked(visitor, "every module").click()
    visitor.settle()
    frame = pd.read_csv(visitor.download("Layers as CSV"))
    flatten = frame[frame["operation"] == "Flatten"].iloc[0]
    assert (flatten["input_shape"], flatten["output_shape"]) == ("1×32×4×4", "1×512")

    picked(visitor, "Code").click()
    code = visitor.download("Code as .py").read_text(encoding="utf-8")
    names: dict = {"__name__": "taken_along"}
    exec(compile(code, "network.py", "exec"), names)
    parameters = sum(one.numel() for one in names["network"]().parameters())
    assert parameters == sum(layer.params for layer in layers)


def test_q10_q11_q17_small_tools_need_no_network(visitor):
    visitor.open("/calculators")
    frame = pd.read_csv(visitor.download("Bottleneck as CSV"))
    assert frame["macs"].iloc[[0, -1]].tolist() == [120_422_400, 12_443_648]
    picked(visitor, "Output size").click()
    visitor.page.get_by_text("Inception", exact=False).first.click()
    visitor.page.get_by_text("keeps the size", exact=False).first.wait_for()
    picked(visitor, "Stacked 3×3").click()
    frame = pd.read_csv(visitor.download("Comparison as CSV"))
    assert frame["receptive_field"].tolist() == [5, 5]
    assert frame["params"][0] < frame["params"][1]
    assert frame["batch_saved_bytes"][0] > frame["batch_saved_bytes"][1]  # hungrier, backward


# What else only a browser proves


def test_a_block_of_the_picture_opens_by_key_and_the_picture_is_saved(visitor):
    visitor.open("/architecture?net_view=Picture&net_network=DenseNet:+DenseNet+of+the+book")
    picture = visitor.page.locator(".picture")
    block = picture.get_by_role("button", name="dense_block2")
    block.wait_for()
    assert block.get_attribute("aria-expanded") == "false"
    block.focus()
    block.press("Enter")
    picture.get_by_role("button", name="dense_block2", expanded=True).wait_for()
    saved = visitor.download("SVG").read_text(encoding="utf-8")
    assert ElementTree.fromstring(saved).tag.endswith("svg") and "dense_block2" in saved
    assert visitor.download("PNG").read_bytes().startswith(b"\x89PNG")


def test_blocks_that_repeat_open_and_fold_by_key_and_the_graph_lies_down(visitor):
    visitor.open("/architecture?net_view=Picture&net_network=resnet110")
    picture = visitor.page.locator(".picture")
    together = picture.get_by_role("button", name="stage3.unit2–18:", expanded=False)
    together.focus()
    together.press("Enter")
    opened = picture.get_by_role("button", name="stage3.unit2–18:", expanded=True)
    opened.wait_for()
    assert picture.get_by_role("button", name="stage3.unit9:", expanded=False).count() == 1
    opened.press("Enter")
    together.wait_for()
    picture.get_by_role("button", name="stage1.unit1:", expanded=True).press("Enter")
    picture.get_by_role("button", name="stage1.unit1–18:").and_(
        picture.locator(":focus")
    ).wait_for()

    standing = ElementTree.fromstring(visitor.download("SVG").read_text(encoding="utf-8"))
    picked(visitor, "Lying").click()
    visitor.page.wait_for_url("**net_picture_direction=Lying**")
    visitor.settle()
    lying = ElementTree.fromstring(visitor.download("SVG").read_text(encoding="utf-8"))
    assert float(standing.get("height")) > 2 * float(standing.get("width"))
    assert float(lying.get("width")) > 2 * float(lying.get("height"))

"""The readers' questions, answered from the pages alone; the numbers are held against core."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pandas as pd

from core import formats
from core.analysis import analyze
from core.specs import ModelSpec

ALEXNET = ModelSpec("alexnet")


def picked(visitor, name: str):
    """An entry of a segmented control."""
    return visitor.page.get_by_role("radio", name=name, exact=True)


def explain(visitor, topic: str = "", **keys: str) -> None:
    """Open the Explain view of the Architecture page."""
    keys |= {"net_topic": topic} if topic else {}
    address = "".join(f"&{name}={value.replace(' ', '+')}" for name, value in keys.items())
    visitor.open(f"/architecture?net_view=Explain{address}")


def test_q1_q16_the_11_layers_behind_8_rows_and_whether_they_cost_the_same(visitor):
    visitor.open("/architecture")
    visitor.page.get_by_text("8 rows. The whole network").wait_for()
    picked(visitor, "by weight layer").click()
    visitor.page.get_by_text("11 rows. The whole network").wait_for()
    frame = pd.read_csv(visitor.download("Layers as CSV"))
    assert frame["operation"].tolist() == ["Conv2d"] * 8 + ["Linear"] * 3
    convolutions = frame.iloc[1:8]
    assert sorted(convolutions["macs"].value_counts()) == [2, 2, 3]  # equal work, block by block
    assert convolutions["params"].nunique() == 5  # but by no means equal parameters


def test_q2_a_hand_count_and_other_counters_are_held_against_the_exact_layers(visitor):
    """The forum's figure: 29,964,320, of AlexNet, with 3 input channels and hardly a bias."""
    explain(visitor, "Hand count", net_network="Classics: AlexNet")
    terms = ["11x11x3x96", "5x5x96x256", "3x3x256x384", "3x3x384x384", "3x3x384x256"]
    area = visitor.page.get_by_role("textbox", name="Your count, one term a line")
    area.fill("\n".join([*terms, "6400x4096+4096", "total = 29,964,320"]))
    area.press("Control+Enter")
    visitor.page.get_by_text("The hand count comes to 29,964,320 parameters").wait_for()
    visitor.page.get_by_text("uses 3 input channels instead of 1").wait_for()
    frame = pd.read_csv(visitor.download("Checked count as CSV"))
    assert frame["exact"].sum() == analyze(ALEXNET).totals.params
    assert frame["verdict"].tolist()[-3:] == ["right", "left out", "left out"]

    picked(visitor, "Other counters").click()
    frame = pd.read_csv(visitor.download("Reconciliation as CSV"))
    for _, rows in frame.groupby(["counter", "quantity"]):
        assert rows["ours"].iloc[0] + rows["amount"].sum() == rows["theirs"].iloc[0]


def test_q3_what_changes_at_96_pixels_and_what_memory_holds(visitor):
    visitor.open("/architecture?net_size=96")
    analysis = analyze(ModelSpec("vgg11", image_size=96))
    visitor.wait_for_metric("Parameters", formats.short(analysis.totals.params))
    visitor.wait_for_metric("MACs an image", formats.short(analysis.totals.macs))
    visitor.wait_for_metric("Receptive field", formats.joined("150", "px"))
    card = visitor.page.get_by_test_id("stMetric").filter(has_text="Receptive field")
    card.get_by_test_id("stTooltipIcon").hover()
    visitor.page.get_by_text("one unit sees 100 % of its side").wait_for()
    picked(visitor, "Memory").click()
    frame = pd.read_csv(visitor.download("Memory as CSV"))
    assert frame["inference_bytes"][0] == analysis.inference_bytes(128)
    assert frame["saved_bytes"][0] > frame["parameters_bytes"][0]  # activations dominate


def test_q4_what_was_built_is_named_with_its_letter(visitor):
    explain(visitor, net_network="VGG: VGG-16 from the forum", net_ratio="4")
    visitor.page.get_by_text("configuration B (VGG-13)").first.wait_for()


def test_q5_q18_the_chain_of_channels_and_where_512_comes_from(visitor):
    explain(visitor, net_network="Residual: Course residual net", net_layer="dense.linear")
    visitor.page.get_by_text("1×512 → 1×10").wait_for()
    picked(visitor, "Layers").click()
    picked(visitor, "every module").click()
    visitor.page.get_by_text("18 rows.").wait_for()
    frame = pd.read_csv(visitor.download("Layers as CSV"))
    flatten = frame[frame["operation"] == "Flatten"].iloc[0]
    assert (flatten["input_shape"], flatten["output_shape"]) == ("1×32×4×4", "1×512")


def test_q8_the_head_follows_the_size_and_a_size_that_fails_names_one_that_works(visitor):
    explain(visitor, net_layer="dense1.linear", net_size="32")
    visitor.page.get_by_text("512 · 4096 + 4096").wait_for()  # 512 · 1 · 1, not 512 · 7 · 7
    visitor.page.get_by_role("slider", name="Resize").press("ArrowLeft")
    visitor.page.get_by_text("the smallest that works is 32×32").wait_for()


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
    block = visitor.page.get_by_role("button", name="dense_block2")
    block.wait_for()
    assert block.get_attribute("aria-expanded") == "false"
    block.focus()
    block.press("Enter")
    visitor.page.get_by_role("button", name="dense_block2", expanded=True).wait_for()
    picture = visitor.download("SVG").read_text(encoding="utf-8")
    assert ElementTree.fromstring(picture).tag.endswith("svg") and "dense_block2" in picture
    assert visitor.download("PNG").read_bytes().startswith(b"\x89PNG")


def test_times_of_layers_are_measured_in_another_process_and_the_code_runs_alone(visitor):
    visitor.open("/architecture?net_network=Classics:+LeNet-5&net_view=Time")
    visitor.button("Measure every layer").click()
    visitor.page.get_by_text("Medians of 9 passes").wait_for()
    frame = pd.read_csv(visitor.download("Times as CSV"))
    layers = analyze(ModelSpec("lenet", 1, 28)).layers
    assert frame["layer"].tolist() == [layer.path for layer in layers]
    assert (frame["forward_seconds"] > 0).all()

    picked(visitor, "Code").click()
    code = visitor.download("Code as .py").read_text(encoding="utf-8")
    names: dict = {"__name__": "taken_along"}
    exec(compile(code, "lenet.py", "exec"), names)
    assert sum(one.numel() for one in names["network"]().parameters()) == 61_706

"""An analysis in a notebook: a table by itself, and pandas."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from core.analysis import analyze
from core.language import Message
from core.specs import LabError, ModelSpec


@pytest.fixture(scope="module")
def vgg():
    return analyze(ModelSpec("vgg11"))


def test_a_frame_has_a_row_a_layer_and_adds_up_to_the_totals(vgg):
    frame = vgg.to_frame()
    assert frame["layer"].tolist() == [layer.path for layer in vgg.layers]
    assert frame[["params", "macs", "flops"]].sum().tolist() == [
        vgg.totals.params,
        vgg.totals.macs,
        vgg.totals.flops,
    ]
    assert frame["output_shape"].iloc[-1] == (1, vgg.spec.num_classes)


@pytest.mark.parametrize("level", ["block", "weight layer"])
def test_a_frame_by_larger_parts(vgg, level):
    assert vgg.to_frame(level)["macs"].sum() == vgg.totals.macs
    with pytest.raises(LabError):
        vgg.to_frame("stage")


def test_a_cell_shows_the_totals_and_every_row(vgg):
    html = vgg._repr_html_()
    assert f"{vgg.totals.params:,} parameters" in html and "vgg11" in html
    rows = [re.findall(r"<td.*?>(.*?)</td>", row) for row in html.split("<tr>")[2:]]
    assert [row[0] for row in rows] == [layer.path for layer in vgg.layers]
    assert sum(int(row[5].replace(",", "")) for row in rows) == vgg.totals.macs


def test_a_deep_network_is_shown_by_larger_parts():
    html = analyze(ModelSpec("densenet121"))._repr_html_()
    assert html.count("<tr>") <= 61 and "to_frame() has each of them" in html


def test_names_are_text(vgg):
    odd = replace(vgg, noted=(Message("<b>1 < 2</b>"),))
    assert "&lt;b&gt;1 &lt; 2" in odd._repr_html_()

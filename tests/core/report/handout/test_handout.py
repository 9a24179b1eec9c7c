"""A handout opens without the lab: everything is inside, nothing is asked for, nothing is run."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from io import StringIO

import pandas as pd
import plotly.graph_objects as go
import pytest

from core.analysis import analyze
from core.language import CHINESE, in_language
from core.report.figures.axes import WideAndNarrow
from core.report.handout.document import Chart, Document, Picture, Section, Table, Text
from core.report.handout.html import handout_html
from core.report.handout.network import network_document
from core.report.handout.networks import networks_document
from core.report.tables.layers import layer_frame
from core.specs import ModelSpec
from core.zoo.catalogue import complete

WHEN = datetime(2026, 11, 27, 12, tzinfo=UTC)
EVIL = '</script><script>alert(1)</script><!-- " onerror=alert(2)'


class Page(HTMLParser):
    """What a browser finds: elements with their attributes, and the text of scripts by their id."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: dict[str | None, str] = {}
        self.text = ""
        self._script: str | None = None
        self._is_script = False
        self.feed(data.decode())

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._is_script = tag == "script"
        self._script = dict(attrs).get("id")

    def handle_endtag(self, tag):
        self._is_script = False

    def handle_data(self, data):
        if self._is_script:
            self.scripts[self._script] = self.scripts.get(self._script, "") + data
        else:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def document(**changes) -> Document:
    frame = pd.DataFrame({"name": ["=1+1", EVIL], "macs": [12_345_678, 2], "share": [0.5, None]})
    figure = go.Figure(layout=dict(title=EVIL)).add_scatter(x=[1, 2], y=[3, 4], name=EVIL)
    parts = [Text(EVIL), Chart(figure, EVIL), Table(EVIL, frame, "table", ("name", "macs")),
             Picture(EVIL, svg="<svg/>")]  # fmt: skip
    made = Document("Kind", EVIL, "file", [(EVIL, EVIL)], [Section(EVIL, parts)])
    return replace(made, **changes)


@pytest.fixture(scope="module")
def vgg() -> Document:
    return network_document(analyze(complete(ModelSpec("vgg11", image_size=96))), 128, threads=2)


def test_names_and_cells_are_text_and_never_elements():
    page = Page(handout_html(document(), WHEN))
    assert len(page.all("script")) == 5  # plotly, look, words, figures, and what draws them
    assert not any("onerror" in attributes for _, attributes in page.elements)
    figures = json.loads(page.scripts["figures"])
    assert figures[0]["name"] == figures[0]["figure"]["layout"]["title"]["text"] == EVIL
    assert page.text.count("<script>alert(1)") >= 4


def test_nothing_outside_is_asked_for(vgg):
    data = handout_html(vgg, WHEN)
    page = Page(data)
    policy = next(m["content"] for m in page.all("meta") if m.get("http-equiv"))
    assert policy.startswith("default-src 'none'")
    asking = ("img", "link", "script", "a")
    sources = [a.get("src") or a.get("href") for tag, a in page.elements if tag in asking]
    assert sources and all(source is None or source.startswith("data:") for source in sources)


def test_the_script_of_figures_holds_what_the_figures_hold():
    figure = go.Figure().add_bar(x=[1.5, 2], y=["a", "b"])
    page = Page(handout_html(document(sections=[Section("One", [Chart(figure, "bars")])]), WHEN))
    (drawn,) = json.loads(page.scripts["figures"])
    assert drawn["name"] == "bars" and drawn["figure"]["data"][0]["x"] == [1.5, 2]
    assert len([d for d in page.all("div") if d.get("class") == "chart"]) == 1


def test_a_figure_with_a_narrow_form_has_the_room_and_the_numbers_of_both():
    wide, narrow = (go.Figure().add_bar(x=[x]).update_layout(height=321) for x in (1.5, 2.5))
    chart = Chart(WideAndNarrow(wide, narrow), "bars")
    page = Page(handout_html(document(sections=[Section("One", [chart])]), WHEN))
    (drawn,) = json.loads(page.scripts["figures"])
    assert [drawn[form]["data"][0]["x"] for form in ("figure", "narrow")] == [[1.5], [2.5]]
    assert any("height:321px" in (div.get("style") or "") for div in page.all("div"))


def test_without_figures_there_is_no_script():
    assert not Page(handout_html(document(sections=[]), WHEN)).all("script")


def test_a_table_carries_all_of_its_numbers_as_csv(vgg):
    page = Page(handout_html(vgg, WHEN))
    links = {a["download"]: a["href"] for a in page.all("a") if "download" in a}
    csv = b64decode(links["vgg11-ratio1-96px-layers.csv"].partition(",")[2]).decode("utf-8-sig")
    expected = layer_frame(analyze(complete(ModelSpec("vgg11", image_size=96))))
    read = pd.read_csv(StringIO(csv))
    assert list(read.columns) == list(expected.columns)
    assert read["macs"].tolist() == expected["macs"].tolist()


def test_a_cell_that_a_spreadsheet_would_run_is_defused():
    page = Page(handout_html(document(), WHEN))
    (link,) = (a["href"] for a in page.all("a"))
    assert "'=1+1" in b64decode(link.partition(",")[2]).decode("utf-8-sig")


def test_it_says_what_it_is_of_and_what_made_it(vgg):
    page = Page(handout_html(replace(vgg, address="http://lab.example/architecture?a=1"), WHEN))
    for words in ("VGG-11, 96 px", "arXiv 1409.1556", "44.9", "CNN Architecture Lab", "2026-11-27"):
        assert words in page.text, words
    assert any(a.get("href") == "http://lab.example/architecture?a=1" for a in page.all("a"))


def test_an_address_that_is_none_becomes_no_link():
    page = Page(handout_html(document(address="javascript:alert(1)"), WHEN))
    assert not any((a.get("href") or "").startswith("javascript") for a in page.all("a"))


def test_the_same_view_gives_the_same_file(vgg):
    assert handout_html(vgg, WHEN) == handout_html(vgg, WHEN)


def test_a_long_table_says_how_much_of_it_is_shown():
    frame = pd.DataFrame({"layer": range(1000)})
    data = handout_html(document(sections=[Section("A", [Table("All", frame, "all")])]), WHEN)
    page = Page(data)
    assert re.search(r"The first \d+ of 1,000 rows", page.text)
    assert "open" not in page.all("details")[0]


def test_networks_side_by_side_have_names_and_sources():
    analyses = [analyze(complete(ModelSpec(arch))) for arch in ("alexnet", "vgg11")]
    named = [(a.spec.arch, a) for a in analyses]
    made = networks_document(named, 128, {}, "alexnet and vgg11")
    page = Page(handout_html(made, WHEN))
    assert "alexnet and vgg11" in page.text and "128,806,154" in page.text
    assert len(json.loads(page.scripts["figures"])) == 3


def test_a_handout_is_written_in_the_language_of_who_takes_it_and_its_csv_in_english():
    analysis = analyze(complete(ModelSpec("vgg11", image_size=96)))
    with in_language(CHINESE):
        page = Page(handout_html(network_document(analysis, 128, threads=2), WHEN))
    assert page.all("html")[0]["lang"] == CHINESE
    for words in ("参数和计算量的分布", "总计", "输出形状", "CNN 架构实验室"):
        assert words in page.text, words
    assert json.loads(page.scripts["spoken"])["words"]["Zoom in"] == "放大"
    link = next(a for a in page.all("a") if a["download"] == "vgg11-ratio1-96px-layers.csv")
    csv = b64decode(link["href"].partition(",")[2]).decode("utf-8-sig")
    assert csv.startswith(",".join(layer_frame(analysis).columns))


def test_a_table_shows_words_that_its_csv_does_not_have():
    frame = pd.DataFrame({"variant": ["constant scaling", "another"], "told": [True, False]})
    table = Table("All", frame, "all", words={"constant scaling": "常数缩放"})
    with in_language(CHINESE):
        page = Page(handout_html(document(sections=[Section("A", [table])]), WHEN))
    assert [cell in page.text for cell in ("常数缩放", "another", "是", "否")] == 4 * [True]
    link = next(a for a in page.all("a") if a.get("download") == "all.csv")
    csv = b64decode(link["href"].partition(",")[2]).decode("utf-8-sig")
    assert csv.splitlines() == ["variant,told", "constant scaling,True", "another,False"]

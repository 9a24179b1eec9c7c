"""The Overview page as a script: its three cards and the newest runs."""

from __future__ import annotations

import pytest

from core.report.questions.catalogue import GROUPS, QUESTIONS
from pages.views.app.messages import escaped
from tests.pages.opening import as_read, finished_run, labels, open_page

FIRST = ["Open VGG-11", "Set up the run", "Compare the blocks", "See every layer"]


def test_the_overview_says_what_the_lab_is_and_offers_three_ways_to_start():
    app = open_page()
    assert app.title[0].value == "CNN Architecture Lab"
    assert labels(app)[:4] == FIRST
    assert "No runs yet" in app.info[0].value


def test_the_overview_lists_the_newest_runs_with_their_state():
    run_id = finished_run()
    table = open_page().dataframe[0].value
    assert table["run"].tolist() == [f"train?run={run_id}"]
    assert table["state"].tolist() == ["✓ finished"]
    assert table["best accuracy"].tolist() == [81.25]


def test_the_three_ways_to_start_have_pictures_and_one_finding_is_drawn():
    app = open_page()
    pictures = [block.proto.body for block in app.get("html") if "<img" in block.proto.body]
    assert len(pictures) == 4 and all('alt="' in picture for picture in pictures)
    assert "110 layers, no shortcut: nothing of the gradient reaches layer 1" in [
        heading.value for heading in app.header
    ]


def test_every_question_stands_there_with_its_answer():
    app = open_page()
    asked = [label for label in labels(app) if label not in FIRST]
    assert asked == [escaped(question.text) for question in QUESTIONS.values()]
    assert any("11 layers have weights" in as_read(caption.value) for caption in app.caption)
    headings = [heading.value for heading in app.subheader]
    assert [group for group in headings if group in GROUPS] == list(GROUPS)


def test_words_find_questions_also_by_their_answers():
    app = open_page(find="7 × 7")
    assert escaped("Why out_channels × 7 × 7?") in labels(app)
    assert len(labels(app)) < len(FIRST) + len(QUESTIONS)
    texts = [info.value for info in open_page(find="zebra").info]
    assert any("No question has all of these words" in text for text in texts)


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=list(QUESTIONS))
def test_the_view_that_proves_it_opens_as_it_was_set(question):
    address = {**question.address, "asked": question.name}
    app = open_page(f"pages/{question.page}.py", **address)
    assert not app.exception and not app.error
    assert not any("address" in warning.value for warning in app.warning)
    told = [as_read(text.value) for text in app.markdown]
    assert f"**{escaped(question.text)}**" in told  # question and answer, above the proof


def test_an_unknown_question_in_an_address_is_passed_over():
    app = open_page("pages/calculators.py", asked="zebra")
    assert not app.exception and not app.error

"""The Overview page as a script: its three cards and the newest runs."""

from __future__ import annotations

import pytest

from core.report.questions import QUESTIONS
from pages.views.app.messages import escaped
from tests.pages.opening import finished_run, labels, open_page


def test_the_overview_says_what_the_lab_is_and_offers_three_ways_to_start():
    app = open_page()
    assert app.title[0].value == "CNN Architecture Lab"
    assert labels(app)[:3] == ["Open VGG-11", "Set up the run", "Compare the blocks"]
    assert "No runs yet" in app.info[0].value


def test_the_overview_lists_the_newest_runs_with_their_state():
    run_id = finished_run()
    table = open_page().dataframe[0].value
    assert table["run"].tolist() == [f"train?run={run_id}"]
    assert table["state"].tolist() == ["✓ finished"]
    assert table["best accuracy"].tolist() == [81.25]


def test_every_question_stands_there_with_its_answer():
    app = open_page()
    assert labels(app)[3:] == [escaped(question.text) for question in QUESTIONS]
    assert any("11 layers have weights" in caption.value for caption in app.caption)


def test_words_find_questions_also_by_their_answers():
    app = open_page(find="7 × 7")
    assert escaped("Why out_channels × 7 × 7?") in labels(app)
    assert len(labels(app)) < 3 + len(QUESTIONS)
    texts = [info.value for info in open_page(find="zebra").info]
    assert any("No question has all of these words" in text for text in texts)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.text)
def test_the_view_that_proves_it_opens_as_it_was_set(question):
    app = open_page(f"pages/{question.page}.py", **question.address)
    assert not app.exception and not app.error
    assert not any("address" in warning.value for warning in app.warning)

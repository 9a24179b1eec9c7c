"""The Overview page as a script: its three cards and the newest runs."""

from __future__ import annotations

import pytest

from core.jobs.store import open_store
from core.language import CHINESE
from core.report.questions.catalogue import GROUPS, QUESTIONS
from pages.views.app.answers import answer_to
from pages.views.app.messages import escaped
from tests.pages.opening import as_read, finished_run, labels, open_page

FIRST = ["See every layer", "Open VGG-11", "Train it now", "Compare the blocks"]


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
    first = app.header[0].value  # nothing stands above what nobody expects
    assert first == "110 layers, no shortcut: nothing of the gradient reaches layer 1"


def test_one_click_trains_a_run_and_leads_to_it():
    app = open_page()
    app.button(key="open_train").click().run()
    [run] = open_store().runs()
    assert run.spec.dataset == "fashion-mini" and run.spec.recipe.epochs == 3
    assert "".join(app.query_params["run"]) == str(run.id)


@pytest.mark.parametrize("group", GROUPS)
def test_every_question_stands_in_its_group_with_its_answer(group):
    app = open_page(group=group)
    asked = [label for label in labels(app) if label not in FIRST]
    assert asked == [escaped(question.text) for question in GROUPS[group]]
    told = [as_read(caption.value) for caption in app.caption]
    for question in GROUPS[group]:
        answer = as_read(escaped(answer_to(question)))
        assert any(text.startswith(answer) for text in told), question.name


def test_the_groups_say_how_many_questions_they_have():
    app = open_page()
    shown = app.pills(key="group").options
    assert shown == [f"{group} {len(questions)}" for group, questions in GROUPS.items()]
    app.pills(key="group").set_value("Shapes").run()
    assert "".join(app.query_params["group"]) == "Shapes"


def test_words_find_questions_of_all_groups_also_by_their_answers():
    app = open_page(find="7 × 7", group="Training")
    assert escaped("Why out_channels × 7 × 7?") in labels(app)
    number = len(labels(app)) - len(FIRST)
    assert 1 < number < len(QUESTIONS) and not app.pills
    assert f"{number} of {len(QUESTIONS)} questions" in [text.value for text in app.caption]
    headings = [heading.value for heading in app.subheader if heading.value in GROUPS]
    assert len(headings) > 1 and "".join(app.query_params["group"]) == "Training"
    texts = [info.value for info in open_page(find="zebra").info]
    assert any("No question has all of these words" in text for text in texts)


def test_each_language_has_its_own_answers_and_the_address_none():
    told = {}
    for language in ("en", CHINESE):
        app = open_page(lang=language, group="Shapes")
        told[language] = {as_read(caption.value) for caption in app.caption}
        assert "".join(app.query_params["group"]) == "Shapes"
    assert not told["en"] & told[CHINESE]
    app = open_page(lang=CHINESE, find="梯度消失")
    assert escaped("“导数至少为 1，所以梯度不会消失”：真是这样吗？") in labels(app)


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

"""The Compare page as a script: which networks it holds, and accuracy against cost."""

from __future__ import annotations

import pytest
from pandas import isna

from core.report.names_together import short_titles
from core.specs import ModelSpec
from core.training.recipes import recipe
from core.zoo.libraries import Library
from pages.views.compare import accuracy
from tests.pages.opening import as_read, finished_run, open_page

PAGE = "pages/compare.py"


def test_compare_shows_each_network_of_the_address_and_says_which_cannot_be_built():
    app = open_page(PAGE, networks="vgg11/4/96/1/10|vgg11/1/8/1/10|vgg11/4/96/1/10")
    assert app.dataframe[0].value["network"].tolist() == ["VGG-11, ratio 4, 96 px"]
    assert "32×32" in app.error[0].value
    app.button(key="cmp_leave_out").click().run()
    assert not app.error and "".join(app.query_params["networks"]) == "vgg11/4/96/1/10"


def test_the_page_is_called_after_its_networks_and_says_how_their_settings_differ():
    app = open_page(PAGE)
    assert app.title[0].value == "AlexNet and VGG-11"
    told = [as_read(caption.value) for caption in app.caption]
    assert "As published: 224 px, ratio 1, 1 channel, 10 classes." in told
    app = open_page(PAGE, networks="alexnet/1/224/1/10|vgg11/4/96/1/10")
    assert app.title[0].value == "AlexNet and VGG-11"
    assert app.dataframe[0].value["network"].tolist() == [
        "AlexNet, 224 px, ratio 1",
        "VGG-11, 96 px, ratio 4",
    ]
    told = [as_read(caption.value) for caption in app.caption]
    assert any("AlexNet: as published (224 px, ratio 1); VGG-11: 96 px" in one for one in told)
    many = "|".join(f"{name}/1/224/1/10" for name in ("alexnet", "vgg11", "vgg13", "vgg16"))
    assert open_page(PAGE, networks=many).title[0].value == "AlexNet, VGG-11 and 2 others"


def test_more_networks_than_fit_are_told():
    held = "|".join(f"vgg11/{ratio}/32/1/10" for ratio in range(1, 15))
    app = open_page(PAGE, networks=held)
    assert app.error[0].value.startswith("The address holds 14 networks; the first 12 are shown")
    assert len(app.dataframe[0].value) == 12


def test_compare_tells_networks_apart_that_differ_only_in_an_option():
    texts = [
        ModelSpec("custom-vgg", 8, 32, options={"head_width": width}).to_text()
        for width in (16, 32)
    ]
    app = open_page(PAGE, networks="|".join(texts))
    names = app.dataframe[0].value["network"].tolist()
    assert len(set(names)) == 2


def test_what_an_address_says_is_never_markdown():
    """A link must not make the page load a picture from another host."""
    evil = "![x](http://other.example/x.png)"
    app = open_page(PAGE, networks=evil)
    assert "!\\[x\\](http" in app.error[0].value


def test_without_timm_a_network_of_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(Library, "version", None)
    app = open_page(PAGE, networks="timm/resnet18/1/224/3/1000|alexnet/1/224/1/10")
    assert "timm is not installed here; " in app.error[0].value


def test_timm_s_models_are_compared_like_ours():
    pytest.importorskip("timm")
    app = open_page(PAGE, networks="timm/resnet18/1/224/1/10|alexnet/1/224/1/10")
    assert not app.error and len([b for b in app.button if b.label.endswith("✕")]) == 2


def test_torchvision_s_models_are_compared_like_ours():
    app = open_page(PAGE, networks="torchvision/resnet18/1/224/3/1000|alexnet/1/224/1/10")
    assert app.dataframe[0].value["parameters"].tolist() == [11_689_512, 46_764_746]


def test_what_can_be_compared_is_drawn_first():
    def first(**address):
        return open_page(PAGE, networks=BOTH, **address).get("segmented_control")[0].value

    assert first() == first(cmp_view="Table") == "MACs against parameters"
    finished_run(0, COURSE, recipe=BRIEF)
    assert first() == "MACs against parameters"  # with nothing to compare it with
    finished_run(0, SMALL, recipe=BRIEF)
    assert first() == first(cmp_view="Table") == "Accuracy against MACs"
    assert first(cmp_view="Stages") == "Stages"


def test_accuracy_stands_against_cost_where_there_are_runs():
    app = open_page(PAGE, cmp_view="Accuracy against MACs")
    assert "No runs of these networks yet" in app.info[0].value
    finished_run(seed=0)
    finished_run(seed=1)
    app = open_page(
        PAGE,
        networks="course-residual/1/28/1/10;as_published=False;shortcut=identity|lenet/1/28/1/10",
        cmp_view="Accuracy against MACs",
    )
    [label] = app.selectbox(key="cmp_condition").options
    assert label.startswith("fashion-mini, 5,000 images, 2 epochs, fast (batch 64, momentum 0.0, ")
    assert any("Without such a run: LeNet" in caption.value for caption in app.caption)
    assert not any("kept apart" in caption.value for caption in app.caption)
    assert "Accuracy as CSV" in [button.label for button in app.get("download_button")]


COURSE = ModelSpec("course-residual", image_size=28)
SMALL = ModelSpec("lenet", image_size=28)
BOTH = f"{COURSE.to_text()}|{SMALL.to_text()}"
LONG, BRIEF = recipe("fast", 5_000, epochs=5), recipe("fast", 5_000, epochs=2)


@pytest.fixture
def drawn(monkeypatch) -> list:
    """The points of each accuracy chart that is drawn."""
    seen: list = []
    scatter = accuracy.accuracy_scatter

    def noted(points, condition):
        seen.append((condition, {point.label: point.accuracies for point in points}))
        return scatter(points, condition)

    monkeypatch.setattr(accuracy, "accuracy_scatter", noted)
    return seen


def test_runs_of_other_epochs_are_not_pooled(drawn):
    """The condition that both networks have is the first, though the other has more runs."""
    for seed in range(3):
        finished_run(seed, COURSE, recipe=LONG, accuracies=(0.9, 0.95))
    finished_run(0, COURSE, recipe=BRIEF, accuracies=(0.5, 0.6))
    finished_run(0, SMALL, recipe=BRIEF, accuracies=(0.4, 0.7))
    app = open_page(PAGE, networks=BOTH, cmp_view="Accuracy against MACs")
    label, points = drawn[-1]
    assert label == "fashion-mini, 5,000 images, 2 epochs, fast"
    course, small = short_titles([COURSE, SMALL])
    assert points == {course: (0.6,), small: (0.7,)}
    told = "3 runs with other data, images, epochs or recipes are kept apart: choose them above."
    assert told in [caption.value for caption in app.caption]
    chosen = app.selectbox(key="cmp_condition")
    chosen.select(chosen.options[1]).run()
    label, points = drawn[-1]
    assert label == "fashion-mini, 5,000 images, 5 epochs, fast"
    assert points == {course: (0.95, 0.95, 0.95)}
    again = open_page(
        PAGE,
        networks=BOTH,
        cmp_view="Accuracy against MACs",
        cmp_condition="".join(app.query_params["cmp_condition"]),
    )
    assert not again.warning and drawn[-1] == (label, points)


def test_the_table_says_with_what_each_best_accuracy_was_reached():
    finished_run(0, COURSE, recipe=LONG, accuracies=(0.9, 0.95))
    finished_run(0, SMALL, recipe=BRIEF, accuracies=(0.4, 0.7))
    app = open_page(PAGE, networks=BOTH)
    frame = app.dataframe[0].value
    assert frame["best accuracy"].tolist() == [95.0, 70.0]
    assert frame["reached with"].tolist() == [
        "fashion-mini, 5,000 images, 5 epochs, fast",
        "fashion-mini, 5,000 images, 2 epochs, fast",
    ]
    assert any("say nothing about which network is better" in one.value for one in app.caption)


def test_a_network_that_guesses_has_no_best_accuracy(drawn):
    finished_run(0, COURSE, recipe=BRIEF, accuracies=(0.1, 0.1))
    finished_run(0, SMALL, recipe=BRIEF, accuracies=(0.4, 0.7))
    app = open_page(PAGE, networks=BOTH)
    frame = app.dataframe[0].value
    assert isna(frame["best accuracy"][0]) and frame["best accuracy"][1] == 70.0
    told = "Best accuracies with fashion-mini, 5,000 images, 2 epochs, fast."
    assert told in [as_read(caption.value) for caption in app.caption]
    app = open_page(PAGE, networks=BOTH, cmp_view="Accuracy against MACs")
    told = f"No better than guessing: {short_titles([COURSE, SMALL])[0]}."
    assert told in [caption.value for caption in app.caption]


def test_what_stands_out_is_one_sentence_and_every_network_is_told_against_the_first():
    app = open_page(PAGE, networks="vgg11/1/32/1/10|vgg11/4/32/1/10|lenet/1/32/1/10")
    told = [as_read(one.value) for one in app.markdown]
    assert any(
        one.startswith("**LeNet-5, ratio 1** has the fewest multiply-adds, **VGG-11, ratio 1** the")
        for one in told
    )
    [text] = [one for one in told if "against" in one]
    sentences = text.splitlines()
    assert len(sentences) == 2 and all("against **VGG-11, ratio 1**" in one for one in sentences)
    assert "times fewer" in text and "0.0" not in text
    told = [as_read(one.value) for one in open_page(PAGE).markdown]  # two: one sentence, no list
    assert [one.partition(":")[0] for one in told if "against" in one] == [
        "**VGG-11** against **AlexNet**"
    ]


def test_stages_and_sweeps_have_their_numbers_as_tables():
    address = {"networks": BOTH, "cmp_view": "Stages", "cmp_stage": "parameters"}
    address |= {"cmp_stage_numbers": "true"}
    stages, totals = (table.value for table in open_page(PAGE, **address).dataframe)
    for name, total in zip(totals["network"], totals["parameters"], strict=True):
        assert stages.loc[stages["network"] == name, "parameters"].sum() == total
    address = {"networks": BOTH, "cmp_view": "Sweep", "cmp_quantity": "parameters"}
    address |= {"cmp_sweep_numbers": "true"}
    sweep, totals = (table.value for table in open_page(PAGE, **address).dataframe)
    here = sweep[sweep["pixels a side"] == 28].set_index("network")["parameters"]
    assert here.to_dict() == totals.set_index("network")["parameters"].to_dict()

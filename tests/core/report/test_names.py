"""Names: whatever differs is in them, and none is longer or stranger than a file may be."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from core.jobs.store import open_store
from core.language import CHINESE, in_language
from core.report.names import (
    condition_file_name,
    condition_in_full,
    condition_label,
    file_name,
    names_file,
    network_title,
    run_file_name,
    run_titles,
    safe_name,
    study_name,
)
from core.specs import ModelSpec, RunSpec
from core.studies.conditions import Condition, condition_of, most_shared
from core.training.recipes import recipe
from core.zoo.catalogue import CATALOGUE, complete
from core.zoo.variants import VARIANTS

COURSE = ModelSpec("course-residual", image_size=28)
RUN = RunSpec(COURSE, "fashion-mini", recipe("fast", 5_000, 5), 5_000)
OTHERS = (  # each differs from RUN in one thing
    replace(RUN, seed=3),
    replace(RUN, device="cuda"),
    replace(RUN, train_images=1_000, recipe=recipe("fast", 5_000, 5)),
    replace(RUN, dataset="mnist"),
    replace(RUN, recipe=recipe("fast", 5_000, 2)),
    replace(RUN, recipe=recipe("published-course", 5_000, 5)),
    replace(RUN, recipe=recipe("fast", 5_000, 5, batch_size=128)),
    replace(RUN, recipe=recipe("fast", 5_000, 5, learning_rate=0.01)),
    replace(RUN, recipe=replace(RUN.recipe, momentum=0.8)),
    replace(RUN, recipe=replace(RUN.recipe, initialization="default")),
    replace(RUN, recipe=replace(RUN.recipe, bfloat16=False)),
)
SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,119}")


def variations(model: ModelSpec) -> list[ModelSpec]:
    """Networks that differ from it in one thing each, none built like another."""
    others = [
        replace(model, ratio=3),
        replace(model, image_size=77),
        replace(model, image_size=(77, 78)),
        replace(model, in_channels=7),
        replace(model, num_classes=23),
    ]
    for option in CATALOGUE[model.arch].options:
        others += [
            replace(model, options=tuple((dict(model.options) | {option.name: value}).items()))
            for value in option.spread()
        ]
    return list(dict.fromkeys(map(complete, [model, *others])))


@pytest.mark.parametrize("arch", CATALOGUE)
def test_different_networks_have_different_titles_and_files(arch):
    models = variations(CATALOGUE[arch].default)
    assert len({network_title(model) for model in models}) == len(models)
    names = [file_name(model) for model in models]
    assert len(set(names)) == len(models) and all(SAFE.fullmatch(name) for name in names)


def test_no_two_networks_of_the_catalogue_share_a_title():
    assert len({row.title for row in CATALOGUE.values()}) == len(CATALOGUE)


def test_a_title_is_for_people_and_claims_nothing_without_effect():
    options = {"shortcut": "conv", "factor": 0.7, "dropout": 0.1}
    model = replace(COURSE, ratio=2, options=tuple(options.items()))
    assert network_title(model) == "Course residual net, conv shortcut, ratio 2, 28 px"
    assert file_name(model) == "course-residual-shortcut-conv-ratio2-28px"
    assert file_name(ModelSpec("vgg11", 4, 96)) == "vgg11-ratio4-96px"


def test_networks_of_libraries_and_files_are_called_as_they_are():
    model = ModelSpec("torchvision/resnet18", 1, 96, 3, 10)
    assert network_title(model) == "torchvision/resnet18, 96 px, 3 channels, 10 classes"
    own = [
        ModelSpec(f"{name}:Net", image_size=28) for name in ("a b.py", "a-b.py", "a_b.py", "ä.py")
    ]
    names = [file_name(model) for model in own]
    assert len(set(names)) == 4 and all(SAFE.fullmatch(name) for name in names)


def test_a_long_name_is_cut_and_keeps_its_own_end():
    names = [safe_name("x" * 300, end) for end in ("a", "b")]
    assert names[0] != names[1] and all(len(name) == 120 for name in names)
    compared = names_file("comparison", [CATALOGUE[arch].default for arch in list(CATALOGUE)[:12]])
    assert SAFE.fullmatch(compared)


def test_a_file_name_is_no_path_and_no_hidden_file():
    for text in ("../../etc/passwd", "..", "/", "", "C:\\x", "a\x00b", "‮.csv"):
        assert SAFE.fullmatch(safe_name(text)), text


def test_files_are_named_in_english_whatever_the_reader_speaks():
    store = open_store()
    run = store.get(store.enqueue(RUN))
    named = run_file_name(run), condition_file_name("accuracy", condition_of(RUN))
    with in_language(CHINESE):
        assert condition_label(condition_of(RUN)) == "fashion-mini、5,000 张图像、5 轮、fast"
        assert (run_file_name(run), condition_file_name("accuracy", condition_of(RUN))) == named


@pytest.mark.parametrize("other", OTHERS)
def test_two_runs_of_one_network_are_told_apart_in_a_chart_and_as_files(other):
    store = open_store()
    first, second = (store.get(store.enqueue(spec)) for spec in (RUN, other))
    without_number = [title.partition(" · ")[2] for title in run_titles([first, second])]
    assert len(set(without_number)) == 2
    assert all(title.startswith(network_title(COURSE)) for title in without_number)
    files = [run_file_name(replace(run, id=1)) for run in (first, second)]
    assert len(set(files)) == 2 and all(SAFE.fullmatch(name) for name in files)


def test_runs_that_differ_in_nothing_are_called_by_number_and_network_alone():
    store = open_store()
    runs = [store.get(store.enqueue(RUN)) for _ in range(2)]
    assert run_titles(runs) == [f"{run.id} · {network_title(COURSE)}" for run in runs]


# Conditions


def test_a_condition_is_told_with_what_its_recipe_does_not_set_itself():
    assert condition_label(condition_of(RUN)) == "fashion-mini, 5,000 images, 5 epochs, fast"
    changed = replace(RUN, recipe=recipe("fast", 5_000, 5, 64, 0.07))
    told = "fashion-mini, 5,000 images, 5 epochs, fast (batch 64, rate 0.07)"
    assert condition_label(condition_of(changed)) == told


def test_in_full_a_recipe_tells_batch_rate_and_schedule_each_once():
    changed = replace(RUN, recipe=recipe("fast", 5_000, 5, 64))
    told = "fashion-mini, 5,000 images, 5 epochs, fast (batch 64, rate 0.05, one-cycle schedule)"
    assert condition_in_full(condition_of(changed)) == told
    of_its_own = replace(RUN, recipe=replace(changed.recipe, momentum=0.5))
    assert condition_in_full(condition_of(of_its_own)).startswith(told.removesuffix(")"))
    with in_language(CHINESE):
        told = "fashion-mini、5,000 张图像、5 轮、fast（批量大小 64、学习率 0.05、单周期调度）"
        assert condition_in_full(condition_of(changed)) == told


def test_seeds_and_devices_make_no_other_condition_and_all_else_does():
    is_same = [condition_of(other) == condition_of(RUN) for other in OTHERS]
    assert is_same == [True, True] + [False] * (len(OTHERS) - 2)
    labels = {condition_label(condition_of(other)) for other in OTHERS}
    assert len(labels) == len(OTHERS) - 1
    assert condition_of(replace(RUN, train_images=None)) == condition_of(RUN)


def test_the_first_condition_is_that_of_most_networks_then_runs_then_the_newest():
    a, b, c = (Condition("mnist", images, RUN.recipe) for images in (1, 2, 3))
    assert most_shared([{a: [0] * 9, b: [0]}, {b: [0]}]) == [b, a]
    assert most_shared([{a: [0], b: [0, 0]}, {c: [0]}]) == [b, c, a]
    assert most_shared([{a: [0], b: [0]}]) == [b, a]
    assert most_shared([{}, {}]) == []


def test_a_study_is_called_after_what_it_compares():
    def models(*names: str) -> list[ModelSpec]:
        units = [VARIANTS[name].options for name in names]
        return [ModelSpec("course-residual", image_size=28, options=unit) for unit in units]

    four = models("identity", "constant-scaling", "conv", "none")
    assert study_name(four, ["a", "b", "c", "d"], 5) == "Study: four shortcuts, 5 seeds"
    mixed = models("conv", "conv-published")
    assert study_name(mixed, ["a", "b"], 1) == "Study: two blocks, 1 seed"
    assert study_name(mixed[:1], ["conv shortcut"], 3) == "Study: conv shortcut, 3 seeds"
    others = [ModelSpec("lenet"), *four] * 2
    assert study_name(others, ["x"] * 10, 2) == "Study: 10 networks, 2 seeds"

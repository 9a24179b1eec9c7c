"""Specs: frozen, validated, JSON both ways."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, replace
from itertools import permutations
from time import process_time

import pytest

from core.specs import (
    MAX_BATCH_SIZE,
    MAX_EPOCHS,
    MAX_IMAGE_SIZE,
    MAX_IN_CHANNELS,
    MAX_LEARNING_RATE,
    MAX_NUM_CLASSES,
    MAX_RATIO,
    MAX_SEED,
    MAX_TRAIN_IMAGES,
    LabError,
    ModelSpec,
    Recipe,
    RunSpec,
    first_line,
    parse_image_size,
)
from core.zoo.catalogue import complete
from core.zoo.families.vgg import parse_conv_arch

OPTIONS = {"shortcut": "conv", "as_published": True, "head_width": 512, "rate": 0.5}
MODEL = ModelSpec("vgg11", 4, 96, 3, 12, options=tuple(OPTIONS.items()))
RECIPE = Recipe("fast", 5, 32, 0.05, momentum=0.9, nesterov=True, schedule="one-cycle")
RUN = RunSpec(MODEL, "fashion-mini", RECIPE, train_images=400, device="cuda:1", seed=7)
SPECS = [
    ModelSpec("lenet"),
    MODEL,
    Recipe("published-vgg", 5, 128, 0.05),
    RECIPE,
    replace(RECIPE, optimizer="muon", label_smoothing=0.1),
    RunSpec(ModelSpec("lenet"), "mnist", RECIPE),
    RUN,
]
by_class = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: type(spec).__name__)


def sentence(caught) -> str:
    """The message, which is one line that ends like a sentence."""
    text = str(caught.value)
    assert "\n" not in text and text.endswith(".")
    return text


# JSON


@by_class
def test_json_leads_back_to_an_equal_spec(spec):
    again = type(spec).from_json(spec.to_json())
    assert again == spec and hash(again) == hash(spec)
    assert again.to_json() == spec.to_json()


@by_class
def test_json_is_one_line_that_every_language_reads(spec):
    def refuse(word):
        raise AssertionError(f"{word} is not JSON")

    text = spec.to_json()
    assert "\n" not in text
    assert json.loads(text, parse_constant=refuse) == spec.to_dict()


def test_a_recipe_without_what_is_new_is_written_as_older_labs_wrote_it():
    """By the text of its settings the store finds a run's like, whichever lab has trained it."""
    written = (
        '{"batch_size": 32, "bfloat16": false, "epochs": 5, "initialization": "default",'
        ' "learning_rate": 0.05, "max_gradient_norm": 0.0, "momentum": 0.9, "name": "fast",'
        ' "nesterov": true, "normalize": false, "schedule": "one-cycle", "weight_decay": 0.0}'
    )
    assert RECIPE.to_json() == written
    assert Recipe.from_json(written) == RECIPE
    assert written in RUN.to_json()
    assert repr(RECIPE) == (
        "Recipe(name='fast', epochs=5, batch_size=32, learning_rate=0.05, momentum=0.9,"
        " nesterov=True, weight_decay=0.0, max_gradient_norm=0.0, schedule='one-cycle',"
        " initialization='default', normalize=False, bfloat16=False)"
    )
    assert "optimizer='muon'" in repr(replace(RECIPE, optimizer="muon"))


def test_json_of_a_network_shows_its_options_by_name():
    assert json.loads(MODEL.to_json()) == {
        "arch": "vgg11",
        "ratio": 4,
        "image_size": 96,
        "in_channels": 3,
        "num_classes": 12,
        "options": OPTIONS,
    }


def test_options_in_any_order_make_the_same_network():
    specs = {replace(MODEL, options=order) for order in permutations(OPTIONS.items())}
    specs.add(replace(MODEL, options=OPTIONS))
    assert specs == {MODEL}
    assert {spec.to_json() for spec in specs} == {MODEL.to_json()}


def test_other_options_make_another_network():
    assert replace(MODEL, options={**OPTIONS, "head_width": 513}) != MODEL


def test_an_option_left_at_its_default_is_none():
    assert MODEL.option("shortcut") == "conv"
    assert MODEL.option("depth") is None


@pytest.mark.parametrize("cls", [ModelSpec, Recipe, RunSpec])
@pytest.mark.parametrize(
    "text",
    ["", "{", "vgg11", "{'arch': 'vgg11'}", "[" * 100_000, '{"ratio": ' + "1" * 5_000 + "}"],
    ids=["nothing", "cut", "a word", "Python", "nested without end", "a number without end"],
)
def test_text_that_is_no_json_is_one_sentence(cls, text):
    with pytest.raises(LabError, match=f"{cls.__name__} is not valid JSON") as caught:
        cls.from_json(text)
    assert len(sentence(caught)) < 300


@pytest.mark.parametrize("cls", [ModelSpec, Recipe, RunSpec])
@pytest.mark.parametrize("text", ["[]", "null", "3", '"vgg11"', "true"])
def test_json_of_something_else_is_one_sentence(cls, text):
    with pytest.raises(
        LabError, match=f"{cls.__name__} is a JSON object with the fields"
    ) as caught:
        cls.from_json(text)
    sentence(caught)


@by_class
def test_a_missing_field_is_named(spec):
    values = spec.to_dict()
    first = next(iter(values))
    del values[first]
    with pytest.raises(LabError, match=f"incomplete.*'{first}'") as caught:
        type(spec).from_dict(values)
    sentence(caught)


@by_class
def test_an_unknown_field_is_named(spec):
    with pytest.raises(LabError, match=r"but no 'color'") as caught:
        type(spec).from_dict(spec.to_dict() | {"color": 1})
    sentence(caught)


def test_the_parts_of_a_run_are_checked_too():
    values = RUN.to_dict()
    for part, cls in (("model", "ModelSpec"), ("recipe", "Recipe")):
        with pytest.raises(LabError, match=f"{cls} has .* but no 'color'"):
            RunSpec.from_dict(values | {part: values[part] | {"color": 1}})
        with pytest.raises(LabError, match=f"{cls} is a JSON object"):
            RunSpec.from_dict(values | {part: "fast"})


@by_class
def test_specs_cannot_be_changed(spec):
    with pytest.raises(FrozenInstanceError):
        spec.ratio = 2


# Bounds

WHOLE = [  # a spec, its field, the smallest and the largest value
    (MODEL, "ratio", 1, MAX_RATIO),
    (MODEL, "image_size", 1, MAX_IMAGE_SIZE),
    (MODEL, "in_channels", 1, MAX_IN_CHANNELS),
    (MODEL, "num_classes", 1, MAX_NUM_CLASSES),
    (RECIPE, "epochs", 1, MAX_EPOCHS),
    (RECIPE, "batch_size", 1, MAX_BATCH_SIZE),
    (RUN, "train_images", 1, MAX_TRAIN_IMAGES),
    (RUN, "seed", 0, MAX_SEED),
]
NUMBERS = [
    (RECIPE, "learning_rate", 1e-9, MAX_LEARNING_RATE),
    (replace(RECIPE, nesterov=False), "momentum", 0.0, 1.0),
    (RECIPE, "weight_decay", 0.0, 10.0),
    (RECIPE, "max_gradient_norm", 0.0, 1e6),
    (RECIPE, "label_smoothing", 0.0, 1.0),
]
field_name = {"ids": lambda value: value if isinstance(value, str) else ""}


@pytest.mark.parametrize(("spec", "field", "low", "high"), WHOLE + NUMBERS, **field_name)
def test_both_bounds_are_allowed(spec, field, low, high):
    for value in (low, high):
        assert getattr(replace(spec, **{field: value}), field) == value


@pytest.mark.parametrize(("spec", "field", "low", "high"), WHOLE, **field_name)
def test_whole_numbers_stay_within_bounds(spec, field, low, high):
    for value in (low - 1, high + 1, -(10**30), float(low), "4", True, [4], {}, float("nan")):
        with pytest.raises(
            LabError, match=f"{field} must be a whole number from {low:,}"
        ) as caught:
            replace(spec, **{field: value})
        assert f"to {high:,}, not {value!r}" in sentence(caught)


@pytest.mark.parametrize(("spec", "field", "low", "high"), NUMBERS, **field_name)
def test_numbers_stay_within_bounds(spec, field, low, high):
    wrong = (low - 1e-9, high * 1.001, -1, float("nan"), float("inf"), 10**400, "0.1", True, None)
    for value in wrong:
        with pytest.raises(LabError, match=f"{field} must be a number from {low:g} to") as caught:
            replace(spec, **{field: value})
        sentence(caught)


@pytest.mark.parametrize(
    ("spec", "field", "values", "words"),
    [
        (MODEL, "arch", ("", None, 11), "arch must be the name of a network"),
        (RECIPE, "name", ("", None, 1), "A recipe needs a name"),
        (RECIPE, "nesterov", (1, "yes", None), "nesterov must be true or false"),
        (RECIPE, "normalize", (0, "", None), "normalize must be true or false"),
        (RECIPE, "schedule", ("cosine", None, []), "schedule must be one of constant, one-cycle"),
        (RECIPE, "initialization", ("he", 1, {}), "initialization must be one of default, xavier"),
        (RECIPE, "optimizer", ("adam", None, []), "optimizer must be one of sgd, muon"),
        (RUN, "dataset", ("", None, 3), "dataset must be the name of a data set"),
        (RUN, "device", ("", None, 0), "device must be cpu, cuda or mps"),
        (RUN, "model", (None, "vgg11", 3), "ModelSpec is a JSON object"),
        (RUN, "recipe", (None, "fast", 3), "Recipe is a JSON object"),
        (MODEL, "options", (None, 3, "conv", [1], [("a",)]), "options must be an object"),
    ],
    **field_name,
)
def test_words_of_the_wrong_kind_are_one_sentence(spec, field, values, words):
    for value in values:
        with pytest.raises(LabError, match=words) as caught:
            replace(spec, **{field: value})
        sentence(caught)


@pytest.mark.parametrize("value", [None, [1], {"a": 1}, (1,)])
def test_an_options_value_is_a_plain_one(value):
    with pytest.raises(LabError, match="Option shortcut must be a word, a number or true/false"):
        ModelSpec("lenet", options={"shortcut": value})


def test_an_option_is_given_once():
    with pytest.raises(LabError, match="once"):
        ModelSpec("lenet", options=(("a", 1), ("a", 2)))


def test_nesterov_needs_a_momentum():
    with pytest.raises(LabError, match="momentum above 0"):
        replace(RECIPE, momentum=0.0)


def test_all_training_images_are_none():
    assert replace(RUN, train_images=None).train_images is None


@pytest.mark.parametrize(
    "spec",
    [
        ModelSpec("vgg11", 4, 96, 3, 7),
        ModelSpec("custom-vgg", options={"conv_arch": "1x64 2x128", "last_activation": "none"}),
    ],
)
def test_a_network_as_one_line_reads_back(spec):
    assert ModelSpec.from_text(spec.to_text()) == spec


@pytest.mark.parametrize("text", ["", "vgg11", "vgg11/1/2/3", "vgg11/a/2/3/4", "vgg11/-1/2/3/4"])
def test_a_line_that_is_no_network_gets_one_sentence_with_an_example(text):
    with pytest.raises(LabError, match="vgg11/4/96/1/10"):
        ModelSpec.from_text(text)


# Bounds on what an address may hold


@pytest.mark.parametrize(
    "make",
    [
        lambda n: "vgg11/" + "1" * n + "/96/1/10",
        lambda n: "/" * n,
        lambda n: "custom-vgg/1/224/1/10;conv_arch=" + "1x4 " * (n // 4),
        lambda n: "vgg11/1/224/1/10" + ";a=1" * (n // 4),
        lambda n: "v" * n + "/1/224/1/10",
    ],
    ids=["digits", "slashes", "blocks", "options", "a name"],
)
def test_a_megabyte_of_address_is_refused_at_once_and_in_short(make):
    before = process_time()
    with pytest.raises(LabError, match=r"A network has up to 4,000 characters, not") as caught:
        ModelSpec.from_text(make(10**6))
    assert process_time() - before < 0.1 and len(str(caught.value)) < 100


@pytest.mark.parametrize(
    ("arch", "option"),
    [
        ("vgg11", ("9" * 10**6, 1)),
        ("custom-vgg", ("conv_arch", "1 " * 500_000)),
        ("custom-vgg", ("conv_arch", "1" * 10**6)),
        ("custom-vgg", ("head_width", "1" * 10**6)),
        ("custom-vgg", ("head_width", 10**5000)),
        ("custom-vgg", ("last_activation", "n" * 10**6)),
        ("resnet20", ("factor", "1" * 10**6)),
        ("resnet20", ("batch_norm", "t" * 10**6)),
        ("v" * 10**6, ("depth", 1)),
        ("torchvision/" + "v" * 10**6, ("depth", 1)),
    ],
    ids=lambda value: str(value[0])[:20],
)
def test_a_megabyte_of_an_option_is_one_short_sentence(arch, option):
    complete(ModelSpec("vgg11")), suppressed(arch)
    before = process_time()
    with pytest.raises(LabError) as caught:
        complete(ModelSpec(arch, options=dict([option])))
    assert process_time() - before < 0.5 and len(str(caught.value)) < 600


def suppressed(arch: str) -> None:
    """Torchvision is imported before the clock runs."""
    if arch.startswith("torchvision/"):
        with pytest.raises(LabError):
            complete(ModelSpec("torchvision/none"))


@pytest.mark.parametrize(
    "make", [lambda n: "1" * n, lambda n: "1" + " " * n + "x", lambda n: "1x" * (n // 2)]
)
def test_conv_arch_reads_nothing_that_is_too_long(make):
    before = process_time()
    for length in (400, 10**6):
        with pytest.raises(LabError, match="conv_arch .* cannot be read"):
            parse_conv_arch(make(length))
    assert process_time() - before < 0.1


def test_an_image_may_have_height_and_width_apart():
    spec = ModelSpec("vgg11", image_size=(480, 640))
    assert spec.sides == (480, 640) and spec.pixels == "480×640"
    assert ModelSpec.from_json(spec.to_json()) == spec
    assert spec.to_text() == "vgg11/1/480x640/1/10" and ModelSpec.from_text(spec.to_text()) == spec
    assert hash(spec) == hash(replace(spec, image_size=[480, 640]))
    assert spec.scaled_to(240).image_size == (240, 320)


def test_equal_sides_are_one_number():
    assert ModelSpec("vgg11", image_size=(96, 96)) == ModelSpec("vgg11", image_size=96)
    assert parse_image_size("96x96") == parse_image_size(" 96 ") == 96


@pytest.mark.parametrize("text", ["", "96x", "x96", "96x96x3", "-4", "1e3", "96,96", "0", "4000x8"])
def test_what_is_no_size_is_one_sentence(text):
    with pytest.raises(LabError):
        parse_image_size(text)


def test_deterministic_kernels_are_asked_for_on_cuda_alone():
    """A CPU's always are, so that equal specs are equal runs."""
    run = RunSpec(ModelSpec("lenet"), "mnist", Recipe("fast", 1, 32, 0.1), deterministic=True)
    assert not run.deterministic
    assert replace(run, device="cuda:1", deterministic=True).deterministic
    with pytest.raises(LabError, match="deterministic must be true or false"):
        replace(run, deterministic="yes")


def test_a_run_that_asks_for_no_such_kernels_is_written_as_before():
    run = RunSpec(ModelSpec("lenet"), "mnist", Recipe("fast", 1, 32, 0.1), device="cuda")
    assert "deterministic" not in run.to_json()
    fixed = replace(run, deterministic=True)
    assert RunSpec.from_json(fixed.to_json()) == fixed != run


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("\n  mat1 and mat2 differ.\nmore\n"), "mat1 and mat2 differ"),
        (KeyError(), "KeyError"),
        (RuntimeError(" \n"), "RuntimeError"),
        (RuntimeError("x" * 1_000), "x" * 1_000),
    ],
)
def test_of_an_error_its_first_line_is_told(error, told):
    assert first_line(error) == told

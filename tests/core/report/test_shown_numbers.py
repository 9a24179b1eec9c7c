"""An explained number as people see it: what is shown adds up to the value that is shown."""

from __future__ import annotations

from collections.abc import Iterator
from math import e, exp, log

import numpy as np
import pytest

from core.inside.maps import as_maps
from core.inside.number import explain
from core.inside.number_records import (
    PADDED,
    Applied,
    Copied,
    Explanation,
    Gated,
    Joined,
    Normalized,
    Pooled,
    Products,
    Reads,
    Shared,
    Source,
    Term,
    Unit,
)
from core.inside.one_image import see
from core.inside.weights import Weights
from core.report.number import shown_number
from core.report.sentences.number import decimals_for, fixed, number_sentence, rounded_to_sum
from core.report.tables.number import number_frame
from core.specs import ModelSpec
from core.zoo.catalogue import complete

HERE = Unit("conv", 0, 0, 0)


def number_of(text: str) -> float:
    return float(text.replace("−", "-"))


def reads(values: np.ndarray) -> Reads:
    """Of a corner whose first row is padding."""
    count, height, width = values.shape
    rows = np.array([PADDED, *range(height - 1)])
    source = Source("relu", (count, 9, 9), (count, 9, 9))
    return Reads(source, np.arange(count), rows, np.arange(width), values)


def products(channels: int = 3, bias: float | None = -0.0901) -> Products:
    random = np.random.default_rng(3)
    values = random.normal(size=(channels, 5, 5))
    values[:, 0] = 0
    return Products(reads(values), random.normal(size=(channels, 5, 5)) / 20, bias)


@pytest.fixture(scope="module")
def explanations() -> list[Explanation]:
    """Numbers of every row of a network, with products of all sizes."""

    def every() -> Iterator[Explanation]:
        for arch in ("course-residual", "course-inception"):
            spec = complete(ModelSpec(arch, image_size=28))
            pixels = np.random.default_rng(1).integers(0, 256, (1, 28, 28), dtype=np.uint8)
            for path, step in see(Weights(spec), pixels).steps.items():
                channels, rows, columns = as_maps(step.output[0]).shape
                for place in ((0, 0, 0), (channels // 2, rows // 2, columns // 3)):
                    yield explain(Weights(spec), pixels, path, *place)

    return list(every())


def test_parts_that_are_shown_add_up_to_the_number_that_is_shown(explanations) -> None:
    for one in explanations:
        if not isinstance(one.how, Products):
            continue
        shown = shown_number(one)
        parts = [grid["sum"] for grid in shown["grids"]]
        parts += [shown["rest"]["sum"]] if shown["rest"] else []
        parts += [shown["bias"]["text"]] if shown["bias"] else []
        decimals = len(shown["total"].partition(".")[2])
        assert shown["total"] == fixed(one.value, decimals)
        assert fixed(sum(map(number_of, parts)), decimals) == shown["total"], one.unit
        for grid in shown["grids"]:
            total = sum(number_of(cell["text"]) for cell in grid["product"])
            assert fixed(total, decimals) == grid["sum"], one.unit
            for cell in grid["product"]:
                assert abs(number_of(cell["text"]) - cell["full"]) < 1.51 * 10**-decimals


def test_terms_that_are_shown_add_up(explanations) -> None:
    for one in explanations:
        if isinstance(one.how, Joined):
            shown = [number_of(term["text"]) for term in shown_number(one)["terms"]]
            decimals = decimals_for([one.value, *(term.value for term in one.how.terms)])
            assert fixed(sum(shown), decimals) == fixed(one.value, decimals)


def test_the_products_of_the_table_add_up_to_the_value(explanations) -> None:
    for one in explanations:
        frame = number_frame(one)
        if isinstance(one.how, Products | Pooled) or getattr(one.how, "sign", "") == "+":
            expected = pytest.approx(one.value, rel=1e-5, abs=1e-5)
            assert frame["product"].astype(float).sum() == expected, one.unit
        assert (frame["value"] == one.value).all() and len(frame) >= 1


def test_the_table_names_padding_and_bias() -> None:
    frame = number_frame(Explanation(HERE, "Conv2d", products().total, products()))
    assert frame["layer"].value_counts().to_dict() == {"relu": 60, "padding": 15, "bias": 1}
    assert frame.loc[frame["layer"] == "padding", ["channel", "row"]].isna().all(axis=None)


def test_a_remainder_goes_to_those_that_are_nearest() -> None:
    assert rounded_to_sum([0.4, 0.4, 0.2], 1.0, 0) == [1.0, 0.0, 0.0]
    assert rounded_to_sum([-0.39112, -0.09014], -0.48126, 4) == pytest.approx([-0.3911, -0.0902])
    assert rounded_to_sum([0.7, 0.6, -0.3], 1.0, 0) == [1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("numbers", "decimals"),
    [([0.48], 4), ([5.0, 0.1], 4), ([52.0], 3), ([0.012], 5), ([123456.0], 0), ([0.0], 4)],
)
def test_about_four_digits_are_shown(numbers: list[float], decimals: int) -> None:
    assert decimals_for(numbers) == decimals


@pytest.mark.parametrize(
    ("how", "value", "says"),
    [
        (products(1), -0.4812, "−0.4812 = 25 products (−0.3911) + bias (−0.0901)."),
        (products(2, None), -0.4812, "−0.4812 = the sum of 50 products."),
        (
            Pooled(reads(np.array([[[-np.inf, -np.inf], [0.5, 0.7312]]])), None),
            0.7312,
            "0.7312 is the largest of 2 numbers: relu, channel 0, row 0, column 1.",
        ),
        (
            Pooled(reads(np.array([[[0.0, 0.0], [0.5, 0.7]]])), 4.0),
            0.3,
            "0.3000 = the sum of 4 numbers (1.2000) ÷ 4, their mean.",
        ),
        (
            Shared(Term(1.0, HERE), 3, log(e + e**2 + 1), False),
            e / (e + e**2 + 1),
            "0.2447 = e^1.0000 ÷ 11.107, the sum of e^x over 3 numbers.",
        ),
        (
            Shared(Term(-10.0, HERE), 2, 15.0, False),
            exp(-25.0),
            "0.000000000014 = e^(−10.000) ÷ e^15.000, the sum of e^x over 2 numbers.",
        ),
        (
            Shared(Term(1.0, HERE), 3, log(e + e**2 + 1), True),
            1 - log(e + e**2 + 1),
            "−1.4076 = 1.0000 − 2.4076, the logarithm of the sum of e^x over 3 numbers.",
        ),
        (
            Gated(Term(0.5, HERE), Term(-0.2, HERE)),
            0.5 / (1 + exp(0.2)),
            "0.2251 = 0.5000 × sigmoid(−0.2000).",
        ),
        (
            Applied("ReLU", Term(-0.5, HERE), 0.0),
            0.0,
            "0.0000 = ReLU(−0.5000): what is below zero becomes 0.",
        ),
        (
            Normalized(Term(2.0, HERE), -1.0, 2.0, 0.5, -0.25, 0),
            0.5,
            "0.5000 = (2.0000 − mean (−1.0000)) ÷ spread 2.0000 × scale 0.5000 + shift (−0.2500).",
        ),
        (
            Joined("+", (Term(0.75, HERE), Term(-0.25, HERE))),
            0.5,
            "0.5000 = 0.7500 + (−0.2500).",
        ),
        (Joined("×", (Term(0.5, None), Term(3.0, HERE))), 1.5, "1.5000 = 0.5000 × 3.0000."),
        (
            Copied(Term(0.5, Unit("image", 0, 2, 3))),
            0.5,
            "0.5000 is copied from the image, channel 0, row 2, column 3.",
        ),
        (Copied(Term(0.0, None)), 0.0, "0.0000 was put there by padding."),
        (None, 0.5, "0.5000: how Odd computes a number is not explained here."),
    ],
)
def test_how_a_number_came_about_in_one_sentence(how, value: float, says: str) -> None:
    assert number_sentence(Explanation(HERE, "Odd", value, how)) == says

"""Hand counts as a careful reader would write them, for the tests of the checker."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

import pytest

from core.analysis.records import Analysis, LayerCost
from core.explain.hand_count import check as hand_count
from core.explain.hand_count.check import HandCount, check
from core.report.sentences.hand_count import hand_count_sentences
from core.specs import ModelSpec
from core.zoo.catalogue import CATALOGUE

every_network = pytest.mark.parametrize("name", CATALOGUE)

ALEXNET, VGG, RESNET = ModelSpec("alexnet"), ModelSpec("vgg11"), ModelSpec("resnet18")


# A hand count as a careful reader would write it


@dataclass(frozen=True)
class Term:
    """One line: factors in the usual order, a bias, perhaps a claimed result."""

    path: str
    roles: tuple[str, ...]
    factors: tuple[int, ...]
    bias: int
    result: int | None = None

    @property
    def value(self) -> int:
        return prod(self.factors) + self.bias

    @property
    def text(self) -> str:
        return "x".join(map(str, self.factors)) + (f"+{self.bias}" if self.bias else "")

    def line(self, named: bool) -> str:
        claimed = "" if self.result is None else f" = {self.result}"
        return (f"{self.path}: " if named else "") + self.text + claimed

    def with_factor(self, role: str, size: int) -> Term:
        place = self.roles.index(role)
        return replace(self, factors=(*self.factors[:place], size, *self.factors[place + 1 :]))


CONVOLUTION = ("kernel height", "kernel width", "input channels", "output channels")


def term_of(layer: LayerCost, quantity: str) -> Term:
    bias = layer.biases if quantity == "parameters" else 0
    weight = layer.weight_shape
    if layer.kind == "convolution":
        roles: tuple[str, ...] = CONVOLUTION
        factors: tuple[int, ...] = (*weight[2:], weight[1], weight[0])
        if quantity == "MACs":
            roles += ("output height", "output width")
            factors += layer.output_shape[2:]
        return Term(layer.path, roles, factors, bias)
    if layer.kind == "linear":
        return Term(layer.path, ("inputs", "outputs"), weight[::-1], bias)
    return Term(layer.path, ("parameters a channel", "channels"), (2, *weight), 0)


def terms_of(analysis: Analysis, quantity: str = "parameters") -> list[Term]:
    count = "params" if quantity == "parameters" else "macs"
    found = [term_of(layer, quantity) for layer in analysis.layers if getattr(layer, count)]
    assert sum(term.value for term in found) == getattr(analysis.totals, count)
    return found


def pasted(written: list[Term], named: bool = False, total: int | None = None) -> str:
    lines = [term.line(named) for term in written]
    return "\n".join(lines + ([] if total is None else [f"total = {total:,}"]))


def checked(text: str, analysis: Analysis, quantity: str = "parameters") -> HandCount:
    """The check, with what must always hold."""
    found = check(text, analysis, quantity)
    totals = analysis.totals
    assert found.exact == (totals.params if quantity == "parameters" else totals.macs)
    assert found.exact - found.claimed == found.parts.total
    assert found.parts.extra_terms <= 0
    counted = [term.layer for term in found.terms if term.layer]
    assert len(set(counted)) == len(counted)
    assert not set(counted) & {layer.path for layer in found.missing}
    for sentence in hand_count_sentences(found):
        assert sentence.endswith(".") and "\n" not in sentence and "None" not in sentence
    return found


def wrong_terms(found: HandCount) -> list[hand_count.TermCheck]:
    return [term for term in found.terms if term.verdict != "right"]

"""A checked hand count in plain sentences. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from core.explain.hand_count.check import BIAS, Addition, HandCount, Slip, TermCheck
from core.explain.hand_count.matching import Quantity
from core.explain.hand_count.terms import SHOWN
from core.report import formats

_LISTED = 4  # up to this number of alike terms or layers have a sentence each; more share one

_PHRASES = {  # what a term uses, by role
    "input channels": "{} input channels",
    "input channels a group": "{} input channels a group",
    "output channels": "{} output channels",
    "kernel height": "a kernel {} high",
    "kernel width": "a kernel {} wide",
    "kernel area": "a kernel of {} numbers",
    "output height": "an output {} high",
    "output width": "an output {} wide",
    "output area": "{} output pixels",
    "inputs": "{} inputs",
    "outputs": "{} outputs",
    "channels of the map": "{} channels of the flattened map",
    "map height": "a flattened map {} high",
    "map width": "a flattened map {} wide",
    "map area": "a flattened map of {} pixels",
    "tokens": "{} tokens",
    "channels": "{} channels",
    "parameters a channel": "{} parameters a channel",
    "value": "{}",
    BIAS: "a bias of {}",
}
_SIDES = {"kernel": "a {} kernel", "output": "an output of {}", "map": "a flattened map of {}"}


def hand_count_sentences(count: HandCount) -> tuple[str, ...]:
    """The whole report in plain sentences, the totals first. Plain text: it quotes lines."""
    return tuple(_sentences_of(count))


def _sentences_of(count: HandCount) -> Iterator[str]:
    """The overview, then what is off: lines, terms, layers, results and the sum."""
    yield _overview(count)
    for line in count.unreadable:
        yield f"Line {line.line}, “{line.text}”, was left out of the check. {line.reason}"
    yield from _term_sentences(count)
    yield from _missing_sentences(count)
    for slip in count.line_slips:
        text = f"{slip.text} " if len(slip.text) <= SHOWN else ""
        yield f"Line {slip.line}: {text}comes to {slip.written:,}, not {slip.claimed:,}."
    if count.addition and count.addition.difference:
        yield _addition_sentence(count.addition)
    if not count.right:
        yield _parts_sentence(count)


def _overview(count: HandCount) -> str:
    """Both totals, and how many terms are right."""
    if count.right:
        return f"Everything is right: {count.exact:,} {count.quantity}, layer by layer."
    right = sum(term.verdict == "right" for term in count.terms)
    off = count.exact - count.claimed
    compared = f"{abs(off):,} {'too few' if off > 0 else 'too many'}" if off else "the same"
    return (
        f"The hand count comes to {count.claimed:,} {count.quantity}, the network has"
        f" {count.exact:,}: {compared}. Terms that are right: {right} of {len(count.terms)}."
    )


def _term_sentences(count: HandCount) -> Iterator[str]:
    """One sentence a term that is not right; many that only lack their bias share one."""
    bare = [term for term in count.terms if term.verdict == "without bias"]
    together = len(bare) > _LISTED
    if together:
        numbers = list(dict.fromkeys(term.line for term in bare))
        lines = f"line{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))}"
        yield (
            f"{len(bare)} terms leave out the bias, {sum(t.missing_bias for t in bare):,}"
            f" parameters altogether ({lines})."
        )
    for term in count.terms:
        if term.verdict == "extra":
            yield _extra_sentence(term)
        elif term.verdict == "wrong" or (term.verdict == "without bias" and not together):
            clauses = "; ".join(_clauses_of(term.slips, count.quantity))
            yield (
                f"Line {term.line}, {term.text} for {term.layer}: {clauses}."
                f" It comes to {term.written:,}, the layer has {term.exact:,}."
            )


def _extra_sentence(term: TermCheck) -> str:
    """A term without a layer."""
    named = f" (“{term.name[:SHOWN]}”)" if term.name else ""
    if term.repeats:
        why = f"counts again what line {term.repeats} counts"
    else:
        why = "belongs to no layer of this network"
    return f"Line {term.line}, {term.text}{named}, {why}: {term.written:,} too many."


def _clauses_of(slips: Sequence[Slip], quantity: Quantity) -> Iterator[str]:
    """What is off in one term, a kernel's or a map's two sides together."""
    rest = list(slips)
    for side, phrase in _SIDES.items():
        pair = [slip for slip in rest if slip.role in (f"{side} height", f"{side} width")]
        if len(pair) == 2 and all(slip.written is not None for slip in pair):
            rest = [slip for slip in rest if slip not in pair]
            written, exact = (
                "×".join(str(getattr(slip, which)) for slip in pair)
                for which in ("written", "exact")
            )
            yield f"uses {phrase.format(written)} instead of {exact}"
    for slip in rest:
        yield _clause(slip, quantity)


def _clause(slip: Slip, quantity: Quantity) -> str:
    """One difference in words."""
    if slip.role == BIAS and slip.written is None:
        return f"leaves out the bias of {slip.exact:,}"
    if slip.role == BIAS and not slip.exact:
        why = "MACs leave out" if quantity == "MACs" else "the layer does not have"
        return f"adds a bias of {slip.written:,} that {why}"
    if slip.written is None:
        return f"leaves out the factor {slip.exact:,} ({slip.role})"
    if slip.exact is None:
        return f"has a factor {slip.written:,} too many"
    written = _PHRASES.get(slip.role, "{}").format(f"{slip.written:,}")
    return f"{'says' if slip.role == 'value' else 'uses'} {written} instead of {slip.exact:,}"


def _missing_sentences(count: HandCount) -> Iterator[str]:
    """The layers that no term counts; many of a kind share one sentence."""
    kinds = dict.fromkeys(layer.kind for layer in count.missing)
    for kind in kinds:
        layers = [layer for layer in count.missing if layer.kind == kind]
        if len(layers) <= _LISTED:
            for layer in layers:
                value = f"{layer.value:,} {count.quantity}"
                formula = f"{layer.filled} = " if layer.filled != str(layer.value) else ""
                yield f"No term counts {layer.path}: {formula}{value}."
            continue
        total = sum(layer.value for layer in layers)
        yield (
            f"No term counts {len(layers)} layers of the kind {kind}, from {layers[0].path} to"
            f" {layers[-1].path}: {total:,} {count.quantity}."
        )


def _addition_sentence(addition: Addition) -> str:
    """By how much the sum is off, and what explains it."""
    off = addition.difference
    text = (
        f"The terms add up to {addition.terms:,}, not to {addition.claimed:,}: the sum is"
        f" {abs(off):,} too {'small' if off > 0 else 'large'}"
    )
    if not addition.pieces:
        return f"{text}."
    named = " and ".join(f"{piece.text} on line {piece.line}" for piece in addition.pieces)
    return f"{text}, exactly {named}, {'left out' if off > 0 else 'added twice'}."


def _parts_sentence(count: HandCount) -> str:
    """What the difference between both totals is made of."""
    parts = {
        "layers that are missing": count.parts.missing_layers,
        "biases left out": count.parts.missing_biases,
        "wrong terms": count.parts.wrong_terms,
        "terms without a layer": count.parts.extra_terms,
        "results of lines": count.parts.products,
        "the addition": count.parts.addition,
    }
    made_of = [f"{formats.signed(value)} from {name}" for name, value in parts.items() if value]
    if not made_of:
        return "The total is exact nevertheless."
    return f"Exact minus claimed, {formats.signed(count.parts.total)}, is {', '.join(made_of)}."

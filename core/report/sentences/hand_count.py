"""A checked hand count in plain sentences. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from core.explain.hand_count.check import (
    BIAS,
    Addition,
    HandCount,
    LineSlip,
    Slip,
    TermCheck,
)
from core.explain.hand_count.matching import Quantity
from core.explain.hand_count.terms import SHOWN
from core.language import N_, _, comma, listed, ngettext, paragraph, semicolon
from core.report import formats

_LISTED = 4  # up to this number of alike terms or layers have a sentence each; more share one

_AMOUNTS: dict[Quantity, str] = {
    "parameters": N_("{number:,} parameters"),
    "MACs": N_("{number:,} MACs"),
}
_PHRASES = {  # what a term uses, by role
    N_("input channels"): N_("{value} input channels"),
    N_("input channels a group"): N_("{value} input channels a group"),
    N_("output channels"): N_("{value} output channels"),
    N_("kernel height"): N_("a kernel {value} high"),
    N_("kernel width"): N_("a kernel {value} wide"),
    N_("kernel area"): N_("a kernel of {value} numbers"),
    N_("output height"): N_("an output {value} high"),
    N_("output width"): N_("an output {value} wide"),
    N_("output area"): N_("{value} output pixels"),
    N_("inputs"): N_("{value} inputs"),
    N_("outputs"): N_("{value} outputs"),
    N_("channels of the map"): N_("{value} channels of the flattened map"),
    N_("map height"): N_("a flattened map {value} high"),
    N_("map width"): N_("a flattened map {value} wide"),
    N_("map area"): N_("a flattened map of {value} pixels"),
    N_("tokens"): N_("{value} tokens"),
    N_("channels"): N_("{value} channels"),
    N_("parameters a channel"): N_("{value} parameters a channel"),
    N_("value"): "{value}",
    BIAS: N_("a bias of {value}"),
}
_SIDES = {
    "kernel": N_("a {value} kernel"),
    "output": N_("an output of {value}"),
    "map": N_("a flattened map of {value}"),
}


def hand_count_sentences(count: HandCount) -> tuple[str, ...]:
    """The whole report in plain sentences, the totals first. Plain text: it quotes lines."""
    return tuple(_sentences_of(count))


def _sentences_of(count: HandCount) -> Iterator[str]:
    """The overview, then what is off: lines, terms, layers, results and the sum."""
    yield _overview(count)
    for line in count.unreadable:
        yield paragraph(
            _("Line {line}, “{text}”, was left out of the check.", line=line.line, text=line.text),
            str(line.reason),
        )
    yield from _term_sentences(count)
    yield from _missing_sentences(count)
    for slip in count.line_slips:
        yield _line_sentence(slip)
    if count.addition and count.addition.difference:
        yield _addition_sentence(count.addition)
    if not count.right:
        yield _parts_sentence(count)


def _line_sentence(slip: LineSlip) -> str:
    """A line whose result is not what it comes to."""
    values = {"line": slip.line, "written": slip.written, "claimed": slip.claimed}
    if len(slip.text) > SHOWN:
        return _("Line {line}: comes to {written:,}, not {claimed:,}.", **values)
    return _("Line {line}: {text} comes to {written:,}, not {claimed:,}.", text=slip.text, **values)


def _amount(number: int, quantity: Quantity) -> str:
    return _(_AMOUNTS[quantity], number=number)


def _overview(count: HandCount) -> str:
    """Both totals, and how many terms are right."""
    if count.right:
        return _(
            "Everything is right: {amount}, layer by layer.",
            amount=_amount(count.exact, count.quantity),
        )
    off = count.exact - count.claimed
    if off:
        compared = _("{off:,} too few", off=off) if off > 0 else _("{off:,} too many", off=-off)
    else:
        compared = _("the same")
    return _(
        "The hand count comes to {claimed}, the network has {exact:,}: {compared}. Terms that are"
        " right: {right} of {terms}.",
        claimed=_amount(count.claimed, count.quantity),
        exact=count.exact,
        compared=compared,
        right=sum(term.verdict == "right" for term in count.terms),
        terms=len(count.terms),
    )


def _term_sentences(count: HandCount) -> Iterator[str]:
    """One sentence a term that is not right; many that only lack their bias share one."""
    bare = [term for term in count.terms if term.verdict == "without bias"]
    together = len(bare) > _LISTED
    if together:
        numbers = list(dict.fromkeys(term.line for term in bare))
        yield ngettext(
            "{terms} terms leave out the bias, {biases:,} parameters altogether (line {lines}).",
            "{terms} terms leave out the bias, {biases:,} parameters altogether (lines {lines}).",
            len(numbers),
            terms=len(bare),
            biases=sum(term.missing_bias for term in bare),
            lines=comma().join(map(str, numbers)),
        )
    for term in count.terms:
        if term.verdict == "extra":
            yield _extra_sentence(term)
        elif term.verdict == "wrong" or (term.verdict == "without bias" and not together):
            yield _(
                "Line {line}, {text} for {layer}: {clauses}. It comes to {written:,}, the layer"
                " has {exact:,}.",
                line=term.line,
                text=term.text,
                layer=term.layer,
                clauses=semicolon().join(_clauses_of(term.slips, count.quantity)),
                written=term.written,
                exact=term.exact,
            )


def _extra_sentence(term: TermCheck) -> str:
    """A term without a layer."""
    text = term.text
    if term.name:
        text = _("{text} (“{name}”)", text=text, name=term.name[:SHOWN])
    if term.repeats:
        return _(
            "Line {line}, {text}, counts again what line {repeats} counts: {written:,} too many.",
            line=term.line,
            text=text,
            repeats=term.repeats,
            written=term.written,
        )
    return _(
        "Line {line}, {text}, belongs to no layer of this network: {written:,} too many.",
        line=term.line,
        text=text,
        written=term.written,
    )


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
            yield _("uses {used} instead of {exact}", used=_(phrase, value=written), exact=exact)
    for slip in rest:
        yield _clause(slip, quantity)


def _clause(slip: Slip, quantity: Quantity) -> str:
    """One difference in words."""
    if slip.role == BIAS and slip.written is None:
        return _("leaves out the bias of {exact:,}", exact=slip.exact)
    if slip.role == BIAS and not slip.exact:
        if quantity == "MACs":
            return _("adds a bias of {written:,} that MACs leave out", written=slip.written)
        return _("adds a bias of {written:,} that the layer does not have", written=slip.written)
    if slip.written is None:
        return _("leaves out the factor {exact:,} ({role})", exact=slip.exact, role=_(slip.role))
    if slip.exact is None:
        return _("has a factor {written:,} too many", written=slip.written)
    written, exact = f"{slip.written:,}", f"{slip.exact:,}"
    if slip.role == "value":
        return _("says {written} instead of {exact}", written=written, exact=exact)
    phrase = _PHRASES.get(slip.role, "{value}")
    return _("uses {used} instead of {exact}", used=_(phrase, value=written), exact=exact)


def _missing_sentences(count: HandCount) -> Iterator[str]:
    """The layers that no term counts; many of a kind share one sentence."""
    kinds = dict.fromkeys(layer.kind for layer in count.missing)
    for kind in kinds:
        layers = [layer for layer in count.missing if layer.kind == kind]
        if len(layers) <= _LISTED:
            for layer in layers:
                amount = _amount(layer.value, count.quantity)
                if layer.filled != str(layer.value):
                    amount = f"{layer.filled} = {amount}"
                yield _("No term counts {layer}: {amount}.", layer=layer.path, amount=amount)
            continue
        yield _(
            "No term counts {layers} layers of the kind {kind}, from {first} to {last}: {amount}.",
            layers=len(layers),
            kind=_(kind),
            first=layers[0].path,
            last=layers[-1].path,
            amount=_amount(sum(layer.value for layer in layers), count.quantity),
        )


def _addition_sentence(addition: Addition) -> str:
    """By how much the sum is off, and what explains it."""
    is_small = addition.difference > 0
    values = {
        "terms": addition.terms,
        "claimed": addition.claimed,
        "off": abs(addition.difference),
        "pieces": listed(
            [
                _("{text} on line {line}", text=piece.text, line=piece.line)
                for piece in addition.pieces
            ]
        ),
    }
    if is_small and addition.pieces:
        return _(
            "The terms add up to {terms:,}, not to {claimed:,}: the sum is {off:,} too small,"
            " exactly {pieces}, left out.",
            **values,
        )
    if addition.pieces:
        return _(
            "The terms add up to {terms:,}, not to {claimed:,}: the sum is {off:,} too large,"
            " exactly {pieces}, added twice.",
            **values,
        )
    if is_small:
        return _(
            "The terms add up to {terms:,}, not to {claimed:,}: the sum is {off:,} too small.",
            **values,
        )
    return _(
        "The terms add up to {terms:,}, not to {claimed:,}: the sum is {off:,} too large.",
        **values,
    )


def _parts_sentence(count: HandCount) -> str:
    """What the difference between both totals is made of."""
    parts = {
        N_("{value} from layers that are missing"): count.parts.missing_layers,
        N_("{value} from biases left out"): count.parts.missing_biases,
        N_("{value} from wrong terms"): count.parts.wrong_terms,
        N_("{value} from terms without a layer"): count.parts.extra_terms,
        N_("{value} from results of lines"): count.parts.products,
        N_("{value} from the addition"): count.parts.addition,
    }
    made_of = [_(part, value=formats.signed(value)) for part, value in parts.items() if value]
    if not made_of:
        return _("The total is exact nevertheless.")
    return _(
        "Exact minus claimed, {total}, is {parts}.",
        total=formats.signed(count.parts.total),
        parts=comma().join(made_of),
    )

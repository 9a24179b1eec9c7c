"""The residual units that the lab compares: one table for the zoo, the pages and the titles.

Shortcuts after figure 2 and table 1 of Identity Mappings in Deep Residual Networks (arXiv
1603.05027), activation orders after its figure 4. Imports no torch, so that a table of runs can
name them.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.specs import ModelSpec, OptionValue

NETWORKS = ("course-residual", "resnet20", "resnet56", "resnet110")  # that have these options


@dataclass(frozen=True)
class Shortcut:
    """What carries a unit's input x past its residual branch F."""

    name: str  # the value of the option `shortcut`
    title: str
    formula: str  # of the sum, before what comes after it; a: factor, b: gate_bias, p: dropout


@dataclass(frozen=True)
class Order:
    """Where a unit has its activations: before or after its convolutions and the addition."""

    name: str  # the value of the option `order`
    title: str
    branch: tuple[str, ...]  # the residual branch F, in order
    after: tuple[str, ...]  # what follows the addition
    needs_norm: bool = False  # without BatchNorm it would be the original


SHORTCUTS: dict[str, Shortcut] = {
    row.name: row
    for row in (
        Shortcut("identity", "plain residual", "x + F(x)"),
        Shortcut("constant-scaling", "constant scaling", "a · (x + F(x))"),
        Shortcut("scaled-shortcut", "scaled shortcut", "a · x + F(x)"),
        Shortcut(
            "exclusive-gating",
            "exclusive gating",
            "(1 − g) · x + g · F(x), g = σ(conv1×1(x) + b)",
        ),
        Shortcut(
            "shortcut-gating", "shortcut-only gating", "(1 − g) · x + F(x), g = σ(conv1×1(x) + b)"
        ),
        Shortcut("conv", "conv shortcut", "conv1×1(x) + F(x)"),
        Shortcut("dropout", "dropout shortcut", "dropout(x, p) + F(x)"),
        Shortcut("none", "no shortcut", "F(x)"),
    )
}

ORDERS: dict[str, Order] = {
    row.name: row
    for row in (
        Order("original", "original", ("conv1", "BN", "ReLU", "conv2", "BN"), ("ReLU",)),
        Order(
            "bn-after-addition",
            "BN after addition",
            ("conv1", "BN", "ReLU", "conv2"),
            ("BN", "ReLU"),
            needs_norm=True,
        ),
        Order(
            "relu-before-addition",
            "ReLU before addition",
            ("conv1", "BN", "ReLU", "conv2", "BN", "ReLU"),
            (),
        ),
        Order(
            "relu-only-pre-activation",
            "ReLU-only pre-activation",
            ("ReLU", "conv1", "BN", "ReLU", "conv2", "BN"),
            (),
        ),
        Order(
            "full-pre-activation",
            "full pre-activation",
            ("BN", "ReLU", "conv1", "BN", "ReLU", "conv2"),
            (),
        ),
    )
}


@dataclass(frozen=True)
class Variant:
    """One residual unit as the pages compare them."""

    name: str
    title: str
    shortcut: str  # a name in SHORTCUTS
    as_published: bool = False  # with the homework's mistake: conv2 reads x, conv1 is never trained
    formula: str = ""
    order: str = "original"  # a name in ORDERS
    batch_norm: bool = False

    @property
    def options(self) -> tuple[tuple[str, OptionValue], ...]:
        """The network's options for this unit, as ModelSpec keeps them; defaults are left out."""
        chosen: dict[str, OptionValue] = {
            "as_published": self.as_published,
            "shortcut": self.shortcut,
        }
        if self.order != "original":
            chosen["order"] = self.order
        if self.batch_norm:
            chosen["batch_norm"] = True
        return tuple(sorted(chosen.items()))


def formula_of(order: Order, batch_norm: bool, branch: str = "x + F(x)") -> str:
    """`ReLU(x + F(x)), F = conv1 → ReLU → conv2`."""
    kept = [part for part in order.branch if batch_norm or part != "BN"]
    text = branch
    for part in order.after:
        if batch_norm or part != "BN":
            text = f"{part}({text})"
    return f"{text}, F = {' → '.join(kept)}"


VARIANTS: dict[str, Variant] = {
    variant.name: variant
    for variant in (
        Variant("identity", "plain residual", "identity", False, "ReLU(x + conv2(ReLU(conv1(x))))"),
        Variant(
            "constant-scaling",
            "constant scaling",
            "constant-scaling",
            False,
            "ReLU(0.5 · (x + conv2(ReLU(conv1(x)))))",
        ),
        Variant(
            "constant-scaling-published",
            "constant scaling, as published",
            "constant-scaling",
            True,
            "ReLU(0.5 · (x + conv2(x))); conv1 is dead",
        ),
        Variant("conv", "conv shortcut", "conv", False, "ReLU(conv1×1(x) + conv2(ReLU(conv1(x))))"),
        Variant(
            "conv-published",
            "conv shortcut, as published",
            "conv",
            True,
            "ReLU(conv1×1(x) + conv2(x)); conv1 is dead",
        ),
        Variant("none", "no shortcut", "none", False, "ReLU(conv2(ReLU(conv1(x))))"),
        *(
            Variant(name, SHORTCUTS[name].title, name, False, f"ReLU({SHORTCUTS[name].formula})")
            for name in ("scaled-shortcut", "exclusive-gating", "shortcut-gating", "dropout")
        ),
        *(
            Variant(
                f"bn-{order.name}",
                f"{order.title}, BatchNorm" if order.name == "original" else order.title,
                "identity",
                False,
                formula_of(order, batch_norm=True),
                order.name,
                batch_norm=True,
            )
            for order in ORDERS.values()
        ),
    )
}
SHORTCUT_TITLES = {row.name: row.title for row in SHORTCUTS.values()}
# The homework's two blocks, as published, compute y = conv2(x): what conv1 gave is thrown away.
WITH_MISTAKE = tuple(v.shortcut for v in VARIANTS.values() if v.as_published)


def variant_of(model: ModelSpec) -> Variant | None:
    """The variant whose unit a network has; None for a network without such units."""
    if model.arch not in NETWORKS:
        return None
    shortcut = model.option("shortcut") or "identity"
    wrong = bool(model.option("as_published")) and shortcut in WITH_MISTAKE
    order, norm = model.option("order") or "original", model.option("batch_norm")
    has_norm = model.arch != "course-residual" if norm is None else bool(norm)
    wanted = (shortcut, wrong, order)
    same = [v for v in VARIANTS.values() if (v.shortcut, v.as_published, v.order) == wanted]
    exact = [v for v in same if v.batch_norm == has_norm]
    return next(iter(exact or same), None)

"""The residual units that the lab compares: one table for the zoo, the pages and the pictures.

Shortcuts after figure 2 and table 1 of Identity Mappings in Deep Residual Networks (arXiv
1603.05027), activation orders after its figure 4. Imports no torch, so that a table of runs can
name them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import takewhile

from core.language import N_, Message, _, comma, lazy
from core.specs import ModelSpec, OptionValue

_PAPER = "arXiv 1603.05027"

# What the options say where nobody has chosen; the paper's own best settings, its table 1
DEFAULTS = {
    "factor": 0.5,  # a, of the scaled shortcuts
    "gate_bias": -6.0,  # b, of the gates before training
    "dropout": 0.5,  # p, share of the shortcut's values that a training step drops
}

NETWORKS = {  # that have these units: whether they have BatchNorm where nobody has chosen
    "course-residual": False,
    "resnet20": True,
    "resnet56": True,
    "resnet110": True,
    "resnet-cifar": True,
}


@dataclass(frozen=True)
class Shortcut:
    """What carries a unit's input x past its residual branch F."""

    name: str  # the value of the option `shortcut`
    title: str
    sum: str  # what is added up, in words of F(x); a: factor, b: gate_bias, p: dropout
    source: str
    where: str = ""  # what the letters of the sum are at their defaults
    on_shortcut: tuple[str, ...] = ()  # what x passes on its way to the addition
    on_branch: tuple[str, ...] = ()  # what F(x) passes after its last layer
    has_gate: bool = False  # g = σ(conv1×1(x) + b)
    setting: str = ""  # the option that has a part in it


SHORTCUTS: dict[str, Shortcut] = {
    row.name: row
    for row in (
        Shortcut("identity", N_("plain residual"), "x + F(x)", f"{_PAPER}, figure 2(a)"),
        Shortcut(
            "constant-scaling",
            N_("constant scaling"),
            "a·x + (1 − a)·F(x)",
            f"{_PAPER}, figure 2(b)",
            where="a = 0.5",
            on_shortcut=("× a",),
            on_branch=("× (1−a)",),
            setting="factor",
        ),
        Shortcut(
            "scaled-shortcut",
            N_("scaled shortcut"),
            "a·x + F(x)",
            f"{_PAPER}, section 3.1",
            where="a = 0.5",
            on_shortcut=("× a",),
            setting="factor",
        ),
        Shortcut(
            "exclusive-gating",
            N_("exclusive gating"),
            "(1 − g)·x + g·F(x)",
            f"{_PAPER}, figure 2(c)",
            where=N_("g = σ(conv1×1(x) + b), b = −6 at the start"),
            on_shortcut=("× (1−g)",),
            on_branch=("× g",),
            has_gate=True,
            setting="gate_bias",
        ),
        Shortcut(
            "shortcut-gating",
            N_("shortcut-only gating"),
            "(1 − g)·x + F(x)",
            f"{_PAPER}, figure 2(d)",
            where=N_("g = σ(conv1×1(x) + b), b = −6 at the start"),
            on_shortcut=("× (1−g)",),
            has_gate=True,
            setting="gate_bias",
        ),
        Shortcut(
            "conv",
            N_("conv shortcut"),
            "conv1×1(x) + F(x)",
            f"{_PAPER}, figure 2(e)",
            on_shortcut=("conv 1×1",),
        ),
        Shortcut(
            "dropout",
            N_("dropout shortcut"),
            "dropout(x) + F(x)",
            f"{_PAPER}, figure 2(f)",
            where=N_("p = 0.5 in training"),
            on_shortcut=("dropout",),
            setting="dropout",
        ),
        Shortcut("none", N_("no shortcut"), "F(x)", "arXiv 1512.03385, section 4.2, plain nets"),
    )
}


@dataclass(frozen=True)
class Order:
    """Where a unit has its activations: before or after its convolutions and the addition."""

    name: str  # the value of the option `order`
    title: str
    branch: tuple[str, ...]  # the residual branch F, in order
    after: tuple[str, ...]  # what follows the addition
    source: str

    def layers(self, batch_norm: bool, adds: bool) -> tuple[str, ...]:
        """What a unit does, in order: BN only with `batch_norm`, an addition only if it `adds`."""
        parts = (*self.branch, *(("+",) if adds else ()), *self.after)
        return _kept(parts, batch_norm)

    @property
    def before(self) -> tuple[str, ...]:
        """What the branch does to x before its first convolution."""
        return tuple(takewhile(lambda part: not part.startswith("conv"), self.branch))


def _kept(parts: tuple[str, ...], batch_norm: bool | None) -> tuple[str, ...]:
    """The parts as they are with `batch_norm`, else those that are no BatchNorm."""
    return tuple(part for part in parts if batch_norm or part != "BN")


ORDERS: dict[str, Order] = {
    row.name: row
    for row in (
        Order(
            "original",
            N_("original"),
            ("conv1", "BN", "ReLU", "conv2", "BN"),
            ("ReLU",),
            f"{_PAPER}, figure 4(a)",
        ),
        Order(
            "bn-after-addition",
            N_("BN after addition"),
            ("conv1", "BN", "ReLU", "conv2"),
            ("BN", "ReLU"),
            f"{_PAPER}, figure 4(b)",
        ),
        Order(
            "relu-before-addition",
            N_("ReLU before addition"),
            ("conv1", "BN", "ReLU", "conv2", "BN", "ReLU"),
            (),
            f"{_PAPER}, figure 4(c)",
        ),
        Order(
            "relu-only-pre-activation",
            N_("ReLU-only pre-activation"),
            ("ReLU", "conv1", "BN", "ReLU", "conv2", "BN"),
            (),
            f"{_PAPER}, figure 4(d)",
        ),
        Order(
            "full-pre-activation",
            N_("full pre-activation"),
            ("BN", "ReLU", "conv1", "BN", "ReLU", "conv2"),
            (),
            f"{_PAPER}, figure 4(e)",
        ),
    )
}


def order_built(name: str, batch_norm: bool, shortcut: str, is_chain: bool) -> str:
    """The first order that builds the same: some are alike without BatchNorm, or an addition.

    With `is_chain` stem, units and head are one chain of layers where nothing is added, in any
    order.
    """
    adds = shortcut != "none"
    if is_chain and not adds:
        return "original"
    layers = ORDERS[name].layers(batch_norm, adds)
    return next(row.name for row in ORDERS.values() if row.layers(batch_norm, adds) == layers)


@dataclass(frozen=True)
class Variant:
    """One residual unit as the pages compare them; the options it leaves out stay as they are."""

    name: str
    called: str  # a template: what its title begins with
    shortcut: str  # a name in SHORTCUTS
    as_published: bool = False  # with the homework's mistake: conv2 reads x, conv1 is never trained
    order: str = "original"  # a name in ORDERS
    batch_norm: bool | None = None  # None: as the network has it
    unusual: tuple[Message, ...] = ()  # what else its title tells

    @property
    def title(self) -> str:
        """What it is called in the reader's language."""
        return comma().join(map(str, self.said))

    @property
    def said(self) -> tuple[Message, ...]:
        """The parts of its title."""
        return lazy(self.called), *self.unusual

    @property
    def options(self) -> tuple[tuple[str, OptionValue], ...]:
        """The network's options for this unit, as ModelSpec keeps them; defaults are left out."""
        options: dict[str, OptionValue] = {
            "as_published": self.as_published,
            "shortcut": self.shortcut,
        }
        if self.order != "original":
            options["order"] = self.order
        if self.batch_norm is not None:
            options["batch_norm"] = self.batch_norm
        return tuple(sorted(options.items()))

    def options_in(self, arch: str) -> tuple[tuple[str, OptionValue], ...]:
        """As `options`, of a network of NETWORKS: only the course net has a homework."""
        is_course = arch == "course-residual"
        return tuple(pair for pair in self.options if is_course or pair[0] != "as_published")

    def in_network(self, arch: str) -> Variant:
        """As the units of this network are: with BatchNorm where the network has it."""
        return replace(self, batch_norm=_norm_of(self, arch))

    @property
    def branch(self) -> tuple[str, ...]:
        """What the residual branch really does, in order."""
        if self.as_published:
            return ("conv2",)
        return _kept(ORDERS[self.order].branch, self.batch_norm)

    @property
    def after(self) -> tuple[str, ...]:
        """What follows the addition, in order."""
        return _kept(ORDERS[self.order].after, self.batch_norm)

    @property
    def formula(self) -> str:
        """`ReLU(x + conv2(ReLU(conv1(x))))`, and what its letters are."""
        row = SHORTCUTS[self.shortcut]
        residual = nested(self.branch, "x")
        text = nested(self.after, row.sum.replace("F(x)", residual))
        if row.where:
            text = f"{text}, {_(row.where)}"
        return _("{formula}; conv1 is dead", formula=text) if self.as_published else text

    @property
    def source(self) -> str:
        """Paper and figure."""
        if self.as_published:
            return _("homework of the course note on ResNet, as published")
        orders = self.order != "original"
        return ORDERS[self.order].source if orders else SHORTCUTS[self.shortcut].source


def nested(parts: tuple[str, ...], text: str) -> str:
    """`ReLU(conv1(x))` of ("conv1", "ReLU") and x."""
    for part in parts:
        text = f"{part}({text})"
    return text


VARIANTS: dict[str, Variant] = {
    row.name: row
    for row in (
        Variant("identity", N_("plain residual"), "identity"),
        Variant("constant-scaling", N_("constant scaling"), "constant-scaling"),
        Variant(
            "constant-scaling-published",
            N_("constant scaling, as published"),
            "constant-scaling",
            as_published=True,
        ),
        Variant("conv", N_("conv shortcut"), "conv"),
        Variant("conv-published", N_("conv shortcut, as published"), "conv", as_published=True),
        Variant("none", N_("no shortcut"), "none"),
        *(
            Variant(name, SHORTCUTS[name].title, name)
            for name in ("scaled-shortcut", "exclusive-gating", "shortcut-gating", "dropout")
        ),
        Variant("bn-original", N_("plain residual with BatchNorm"), "identity", batch_norm=True),
        *(
            Variant(f"bn-{order.name}", order.title, "identity", order=order.name, batch_norm=True)
            for order in ORDERS.values()
            if order.name != "original"
        ),
    )
}
SHORTCUT_TITLES = {row.name: row.title for row in SHORTCUTS.values()}
# The homework's two blocks, as published, compute y = conv2(x): what conv1 gave is thrown away.
WITH_MISTAKE = tuple(v.shortcut for v in VARIANTS.values() if v.as_published)


def variants_of(arch: str) -> tuple[str, ...]:
    """The variants that a network can be, none twice under two names; () without such units."""
    if arch not in NETWORKS:
        return ()
    seen: dict[tuple[str, bool, str, bool], str] = {}
    for variant in VARIANTS.values():
        if variant.as_published and arch != "course-residual":
            continue
        unit = (variant.shortcut, variant.as_published, variant.order, _norm_of(variant, arch))
        seen.setdefault(unit, variant.name)
    return tuple(seen.values())


def variant_of(model: ModelSpec) -> Variant | None:
    """The variant that a network's unit is, or comes nearest; None without such units.

    Its title also says what else is not as usual: `no shortcut, no BatchNorm`.
    """
    if model.arch not in NETWORKS:
        return None
    shortcut = str(model.option("shortcut") or "identity")
    wrong = bool(model.option("as_published")) and shortcut in WITH_MISTAKE
    asked = model.option("batch_norm")
    has_norm = NETWORKS[model.arch] if asked is None else bool(asked)
    order = str(model.option("order") or "original")
    if order in ORDERS:
        order = order_built(order, has_norm, shortcut, is_chain=model.arch != "course-residual")
    near = [
        variant
        for variant in map(VARIANTS.__getitem__, variants_of(model.arch))
        if (variant.order, variant.as_published) == (order, wrong)
        and variant.shortcut in (shortcut, "identity")
    ]
    if not near or shortcut not in SHORTCUTS:
        return None
    best = max(near, key=lambda v: (v.shortcut == shortcut, _norm_of(v, model.arch) == has_norm))
    told = has_norm or NETWORKS[model.arch]
    return replace(
        best,
        unusual=tuple(_unusual(model, best, has_norm)),
        shortcut=shortcut,
        batch_norm=has_norm if told else best.batch_norm,
    )


def _norm_of(variant: Variant, arch: str) -> bool:
    """Whether the units of a network have BatchNorm when they are this variant."""
    return NETWORKS[arch] if variant.batch_norm is None else variant.batch_norm


def _unusual(model: ModelSpec, variant: Variant, has_norm: bool) -> Iterator[Message]:
    """What the title of the nearest variant does not tell of a network's unit."""
    shortcut = SHORTCUTS[str(model.option("shortcut") or "identity")]
    if variant.shortcut != shortcut.name:
        yield lazy(shortcut.title)
    if has_norm != _norm_of(variant, model.arch):
        yield lazy("BatchNorm") if has_norm else lazy("no BatchNorm")
    value = model.option(shortcut.setting) if shortcut.setting else None
    if value is not None and float(value) != DEFAULTS[shortcut.setting]:
        name = lazy(shortcut.setting.replace("_", " "))
        yield lazy("{name} {value:g}", name=name, value=float(value))

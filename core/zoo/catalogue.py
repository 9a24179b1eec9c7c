"""Every network of the lab: CATALOGUE holds a row each. No torch; `core.zoo.building` has it."""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches

from core.language import lazy
from core.specs import SHOWN, LabError, ModelSpec, OptionValue, shown
from core.zoo import libraries, own
from core.zoo.architecture import Architecture
from core.zoo.families import (
    alexnet,
    cifar_resnet,
    densenet,
    inception,
    lenet,
    residual,
    resnet,
    vgg,
)

CATALOGUE: dict[str, Architecture] = {
    row.name: row
    for family in (lenet, alexnet, vgg, inception, residual, cifar_resnet, resnet, densenet)
    for row in family.ARCHITECTURES
}


def find(arch: str) -> Architecture:
    """The catalogue's row for `arch`, or that of `torchvision/NAME` and `my_nets.py:NAME`.

    Raises LabError with the nearest names, or where the library is not installed.
    """
    if arch in CATALOGUE:
        return CATALOGUE[arch]
    if own.is_own(arch):
        return own.architecture(arch)
    if library := libraries.library_of(arch):
        return libraries.architecture(arch, library)
    near = get_close_matches(arch[:SHOWN].lower(), CATALOGUE, n=3, cutoff=0.5) or list(CATALOGUE)
    raise LabError(
        "There is no network named {arch}; try {near}.", arch=shown(arch), near=", ".join(near)
    )


def complete(spec: ModelSpec) -> ModelSpec:
    """`spec` with every option of its architecture, checked, defaults filled in.

    An option without effect beside the others is at its default, so that equal networks have equal
    specs. Raises LabError for an unknown network, an unknown option or a value it cannot take.
    """
    architecture = find(spec.arch)
    known = {option.name: option for option in architecture.options}
    given = dict(spec.options)
    if unknown := sorted(set(given) - set(known)):
        about = {"title": lazy(architecture.title), "unknown": shown(unknown[0])}
        if not known:
            raise LabError("{title} has no option {unknown}; it has no options.", **about)
        raise LabError(
            "{title} has no option {unknown}; it has {known}.", known=", ".join(known), **about
        )
    options: dict[str, OptionValue] = {}
    for name, option in known.items():
        value = option.check(given.get(name, option.default))
        options[name] = option.in_effect(value, options)
    return replace(spec, options=tuple(options.items()))


def effective_options(spec: ModelSpec) -> dict[str, OptionValue]:
    """The options of a network of the catalogue that have an effect beside the others, complete.

    Those of other networks as the spec has them. Raises LabError as `complete`.
    """
    if spec.arch not in CATALOGUE:
        return dict(spec.options)
    options = dict(complete(spec).options)
    return {
        option.name: options[option.name]
        for option in CATALOGUE[spec.arch].options
        if option.has_effect(options)
    }

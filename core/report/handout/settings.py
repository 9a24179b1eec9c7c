"""What made a handout, as rows of name and value."""

from __future__ import annotations

from core.jobs.store import Run
from core.language import _
from core.report import formats
from core.report.names import condition_in_full, network_source
from core.specs import ModelSpec, OptionValue
from core.studies.conditions import condition_of
from core.zoo.architecture import Option
from core.zoo.catalogue import effective_options, find

Setting = tuple[str, str]


def network_settings(spec: ModelSpec) -> list[Setting]:
    """The network's name in the lab, where it comes from, and all that it was built with."""
    row = find(spec.arch)
    settings = [
        (_("Network"), _("{name} ({words})", name=_(row.title), words=spec.arch)),
        (_("Source"), network_source(spec.arch)),
    ]
    if "ratio" in row.takes:
        settings.append((_("Ratio"), str(spec.ratio)))
    settings += [
        (_("Image"), f"{spec.in_channels} × {spec.size_label} px"),
        (_("Classes"), str(spec.num_classes)),
    ]
    values = effective_options(spec)
    options = (option for option in row.options if option.name in values)
    return settings + [(_(option.title), _shown(option, values[option.name])) for option in options]


def _shown(option: Option, value: OptionValue) -> str:
    """As its control shows it."""
    if isinstance(value, bool):
        return formats.yes_or_no(value)
    return _(dict(option.choices).get(str(value), str(value)))


def run_settings(run: Run) -> list[Setting]:
    """Network, data, the whole recipe, device, seed."""
    return [
        *network_settings(run.spec.model),
        (_("Data and recipe"), condition_in_full(condition_of(run.spec))),
        (_("Device"), run.spec.device),
        (_("Seed"), str(run.spec.seed)),
        (_("State"), _(str(run.state))),
    ]

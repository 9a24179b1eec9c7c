"""What the commands read: types of values, and the flags that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial, wraps
from pathlib import Path
from typing import Any

import click

from core.specs import ImageSize, LabError, ModelSpec, RunSpec, parse_image_size
from core.training.recipes import recipe
from core.zoo.catalogue import complete, find
from core.zoo.own import name_files, own_files

Function = Callable[..., Any]
OUTPUTS = ("table", "csv", "json")
SEPARATOR = "\0"  # which no argument of a process can contain


class RunNumber(click.ParamType[int]):
    """A number that a run may have; stores count in 64 bits."""

    name = "run"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number; a usage error for anything else."""
        try:
            number = int(value)
        except ValueError:
            number = 0
        if not 0 < number < 2**63:
            self.fail(f"there is no run {value} (`runs` lists those there are)", param, ctx)
        return number


class Several(click.ParamType[tuple[Any, ...]]):
    """Every value up to the next flag: `--depths 20 56 110` gives (20, 56, 110)."""

    def __init__(self, each: click.ParamType[Any]) -> None:
        self.each, self.name = each, each.name

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Any, ...]:
        """Each of the values; the default is a tuple already."""
        texts = value.split(SEPARATOR) if isinstance(value, str) else value
        return tuple(self.each.convert(text, param, ctx) for text in texts)


class _Size(click.ParamType[ImageSize]):
    """`224`, or `480x640` for height and width."""

    name = "size"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> ImageSize:
        """As specs have it."""
        try:
            return parse_image_size(value) if isinstance(value, str) else value
        except LabError as error:
            self.fail(str(error), param, ctx)


class Command(click.Command):
    """A command whose options may take `Several` values, which click knows of arguments only."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does, after `--depths 20 56` has become a flag with one value."""
        several = {
            flag for param in self.params if isinstance(param.type, Several) for flag in param.opts
        }
        joined: list[str] = []
        for argument in args:
            if joined[-2:-1] and joined[-2] in several and not argument.startswith("--"):
                joined[-1] += SEPARATOR + argument
            else:
                joined.append(argument)
        return super().parse_args(ctx, joined)


def command(name: str, summary: str) -> Callable[[Function], Command]:
    """Makes a function a command: the summary is its line in the list, the docstring its help."""
    return click.command(
        name, cls=Command, short_help=summary, context_settings={"show_default": True}
    )


@dataclass(frozen=True)
class NetworkFlags:
    """The flags that make a ModelSpec; what is left out comes from the network's own default."""

    arch: str
    ratio: int | None = None
    size: ImageSize | None = None
    in_channels: int | None = None
    classes: int | None = None
    option: tuple[str, ...] = ()

    def model_spec(self) -> ModelSpec:
        """The network that the flags describe, every option filled in. Raises LabError."""
        default = find(_named(self.arch)).default
        given = {
            "ratio": self.ratio,
            "image_size": self.size,
            "in_channels": self.in_channels,
            "num_classes": self.classes,
        }
        changes: dict[str, Any] = {
            name: value for name, value in given.items() if value is not None
        }
        options = [_name_and_value(text) for text in self.option]
        defaults = [pair for pair in default.options if pair[0] not in dict(options)]
        return complete(replace(default, **changes, options=(*defaults, *options)))


@dataclass(frozen=True)
class RunFlags(NetworkFlags):
    """The flags that make a RunSpec."""

    dataset: str = "fashion-mini"
    train_images: int | None = None
    recipe: str = "fast"
    epochs: int | None = None
    batch_size: int | None = None
    lr: float | None = None
    seed: int = 0
    device: str | None = None
    deterministic: bool = False

    def run_spec(self, devices: Sequence[str] = ()) -> RunSpec:
        """The run that the flags describe; by default on the first of `devices`. Raises LabError.

        Without any of them: of the devices of this machine.
        """
        from core.data.catalogue import find_dataset  # numpy: a third of a second
        from core.training.devices import available_devices  # torch

        info = find_dataset(self.dataset)
        images = info.train_images if self.train_images is None else self.train_images
        return RunSpec(
            self.model_spec(),
            self.dataset,
            recipe(self.recipe, images, self.epochs, self.batch_size, self.lr),
            images,
            self.device or (devices or available_devices())[0],
            self.seed,
            self.deterministic,
        )


def _named(arch: str) -> str:
    """The network's name; a file that stands before a colon is named first. Raises LabError."""
    path, colon, name = arch.rpartition(":")
    if not (colon and path.endswith(".py")):
        return arch
    name_files([Path(path)])
    return next(
        f"{known}:{name}" for known, file in own_files().items() if file == Path(path).resolve()
    )


def _name_and_value(text: str) -> tuple[str, str]:
    """NAME=VALUE as a pair. Raises LabError."""
    name, equals, value = text.partition("=")
    if not name.strip() or not equals:
        raise LabError(f"An option is given as NAME=VALUE, like shortcut=conv, not {text!r}.")
    return name.strip(), value.strip()


NETWORK_OPTIONS = (
    click.option("--ratio", type=int, metavar="N", help="divides the channel counts"),
    click.option(
        "--size", type=_Size(), metavar="PIXELS", help="a side of the image, or height x width"
    ),
    click.option("--in-channels", type=int, metavar="N", help="1 gray, 3 color"),
    click.option("--classes", type=int, metavar="N", help="outputs of the network"),
    click.option(
        "--option",
        multiple=True,
        metavar="NAME=VALUE",
        help="an option of the network; may be given several times",
    ),
)

device_option = click.option(
    "--device", show_default="the fastest of this machine", help="cpu, cuda, mps"
)

RUN_OPTIONS = (
    click.option(
        "--dataset",
        default=RunFlags.dataset,
        help="fashion-mini (shipped), mnist or fashion-mnist (downloaded once)",
    ),
    click.option(
        "--train-images", type=int, metavar="N", show_default="all", help="the first N of them"
    ),
    click.option(
        "--recipe",
        default=RunFlags.recipe,
        help="fast, one-cycle, published-vgg or published-course",
    ),
    click.option("--epochs", type=int, metavar="N", show_default="the recipe's"),
    click.option("--batch-size", type=int, metavar="N", show_default="the recipe's"),
    click.option("--lr", type=float, metavar="RATE", help="learning rate, of one-cycle the peak"),
    click.option("--seed", type=int, default=RunFlags.seed, metavar="N"),
    device_option,
    click.option(
        "--deterministic",
        is_flag=True,
        help="on CUDA: kernels that add in a fixed order, so that equal runs have equal bits",
    ),
)

output_option = click.option("--format", "output", type=click.Choice(OUTPUTS), default="table")
csv_option = partial(click.option, "--csv", type=click.Path(path_type=Path), metavar="FILE")
run_argument = click.argument("run", type=RunNumber(), metavar="RUN", help="its number, see `runs`")


def network_flags(arch: str | None = None, shown: str | None = None) -> Callable[..., Any]:
    """Gives a command `network`, its NetworkFlags; with `arch` the name may be left out."""
    return _together("network", NetworkFlags, (_arch(arch, shown), *NETWORK_OPTIONS))


def given_network_flags(function: Function) -> Function:
    """Gives a command `network`, its NetworkFlags, whose name is an option and may be left out."""
    about = "a name as `list` has it, torchvision/NAME, timm/NAME or my_nets.py:Net"
    name = click.option("--network", "arch", default="", metavar="NAME", help=about)
    decorated: Function = _together("network", NetworkFlags, (name, *NETWORK_OPTIONS))(function)
    return decorated


def run_flags(arch: str | None = None) -> Callable[..., Any]:
    """Gives a command `flags`, its RunFlags; with `arch` the name may be left out."""
    return _together("flags", RunFlags, (_arch(arch), *NETWORK_OPTIONS, *RUN_OPTIONS))


def _arch(default: str | None, shown: str | None = None) -> Callable[[Function], Function]:
    """The network's name."""
    about = "a name that `python -m core list` shows, torchvision/NAME, timm/NAME or my_nets.py:Net"
    if default is None:
        return click.argument("arch", metavar="ARCH", help=about)
    return click.argument(
        "arch", metavar="[ARCH]", default=default, help=f"{about}; default: {shown or default}"
    )


def _together(
    name: str, record: type[NetworkFlags], flags: Sequence[Callable[[Function], Function]]
) -> Callable[[Function], Function]:
    """Adds the flags to a command, which gets their values as one argument, a `record`."""
    names = [field.name for field in fields(record)]

    def decorate(function: Function) -> Function:
        @wraps(function)
        def with_record(**values: Any) -> Any:
            own = {field: values.pop(field) for field in names}
            return function(**{name: record(**own)}, **values)

        decorated: Function = with_record
        for flag in reversed(flags):
            decorated = flag(decorated)
        return decorated

    return decorate

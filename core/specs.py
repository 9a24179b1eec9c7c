"""What a person chooses: a network, a recipe, a run. Frozen, validated, JSON both ways.

Nothing here imports torch, so a page can read, compare and link specs before a network exists.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import wraps
from operator import attrgetter
from typing import Any, Self

from core.language import N_, Message, lazy

OptionValue = bool | int | float | str
ImageSize = int | tuple[int, int]  # pixels: a side of a square, or height and width

MAX_RATIO = 1024
MAX_IMAGE_SIZE = 1024  # pixels a side
MAX_IN_CHANNELS = 1024
MAX_NUM_CLASSES = 100_000
MAX_EPOCHS = 1_000
MAX_BATCH_SIZE = 65_536
MAX_TRAIN_IMAGES = 10_000_000
MAX_LEARNING_RATE = 100.0
MAX_SEED = 2**31 - 1
MAX_SEEDS = 100  # of each variant of a study
MAX_SPEC_TEXT = 4_000  # characters of a network in one line, as addresses hold it
SHOWN = 60  # characters of a refused value that an error repeats
TOLD = 200  # characters of what a library or somebody's own network says of its failure

SCHEDULES = (N_("constant"), N_("one-cycle"))
INITIALIZATIONS = ("default", "xavier")
OPTIMIZERS = ("sgd", "muon")
_NUMBERS = re.compile(r"\d{1,9}")


class LabError(ValueError):
    """One sentence for the person in front: what was wrong and what would work.

    Written as `core.language._` is, a template with named values, and put into words by `str` in
    the language of whoever reads it: it may have crossed from another process.
    """

    def __init__(self, said: str | Message, /, **values: object) -> None:
        super().__init__(said)
        self.message = said if isinstance(said, Message) else Message(said, values)

    def __str__(self) -> str:
        return str(self.message)


def first_line(error: BaseException) -> str:
    """The first line of what a library's error says, without its full stop; its kind where it says
    nothing.
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__).rstrip(".!")


def shown(value: Any) -> str | Message:
    """A refused value as an error repeats it: short, whatever a visitor has sent."""
    if isinstance(value, str):
        return repr(value[:SHOWN])
    if isinstance(value, int) and abs(value) >= 10**SHOWN:
        return lazy("a huge number")
    return repr(value)[:SHOWN]


def check_whole(name: str, value: Any, low: int, high: int) -> None:
    """Raise LabError unless `value` is a whole number from `low` to `high`."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise LabError(
            "{name} must be a whole number from {low:,} to {high:,}, not {value}.",
            name=name,
            low=low,
            high=high,
            value=shown(value),
        )


def check_number(name: str, value: Any, low: float, high: float) -> None:
    """Raise LabError unless `value` is a finite number from `low` to `high`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise LabError(
            "{name} must be a number from {low:g} to {high:g}, not {value}.",
            name=name,
            low=low,
            high=high,
            value=shown(value),
        )


def check_image_size(value: Any) -> ImageSize:
    """The size as specs hold it: one number where height and width agree. Raises LabError."""
    is_pair = isinstance(value, list | tuple) and len(value) == 2
    height, width = value if is_pair else (value, value)
    for side in (height, width):
        check_whole("image_size", side, 1, MAX_IMAGE_SIZE)
    return height if height == width else (height, width)


def parse_image_size(text: str) -> ImageSize:
    """`224`, or `480x640` for height and width. Raises LabError for what is no size."""
    if not re.fullmatch(r"[0-9]{1,9}([xX×][0-9]{1,9})?", text.strip()):
        raise LabError(
            "A size is pixels a side, 224, or height and width, 480x640, not {text}.",
            text=shown(text),
        )
    sides = [int(side) for side in re.split("[xX×]", text.strip())]
    return check_image_size(sides if len(sides) > 1 else sides[0])


def image_size_text(size: ImageSize) -> str:
    """The inverse of `parse_image_size`."""
    return str(size) if isinstance(size, int) else "x".join(map(str, size))


def check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    """Raise LabError unless `value` is one of `choices`."""
    if value not in choices:
        raise LabError(
            "{name} must be one of {choices}, not {value}.",
            name=name,
            choices=", ".join(choices),
            value=shown(value),
        )


def check_flag(name: str, value: Any) -> None:
    """Raise LabError unless `value` is true or false."""
    if not isinstance(value, bool):
        raise LabError("{name} must be true or false, not {value}.", name=name, value=shown(value))


@dataclass(frozen=True)
class Spec:
    """What the specs below share: JSON both ways, and one clear error for a broken one."""

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, strings and objects, ready for `json.dumps`; a spec in it by its own."""
        values = asdict(self)
        for name in values:
            match getattr(self, name):
                case Spec() as spec:
                    values[name] = spec.to_dict()
                case (Spec(), *_) as specs:
                    values[name] = [spec.to_dict() for spec in specs]
        return values

    def to_json(self) -> str:
        """One line of JSON with sorted keys, equal for equal specs."""
        return json.dumps(self.to_dict(), sort_keys=True)

    @classmethod
    def from_dict(cls, values: Any) -> Self:
        """The inverse of `to_dict`; raises LabError for unknown or missing fields."""
        known = [field.name for field in fields(cls)]
        if not isinstance(values, Mapping):
            raise LabError(
                "{name} is a JSON object with the fields {known}.",
                name=cls.__name__,
                known=", ".join(known),
            )
        if unknown := sorted(set(map(str, values)) - set(known)):
            raise LabError(
                "{name} has {known}, but no {unknown}.",
                name=cls.__name__,
                known=", ".join(known),
                unknown=shown(unknown[0]),
            )
        try:
            return cls(**values)
        except TypeError as error:
            raise LabError(
                "{name} is incomplete: {error}.", name=cls.__name__, error=str(error)
            ) from error

    @classmethod
    def read(cls, value: Any) -> Self:
        """The spec itself, or the one whose values these are; raises LabError as `from_dict`."""
        return value if isinstance(value, cls) else cls.from_dict(value)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The inverse of `to_json`; raises LabError when `text` is no such JSON."""
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:  # also too long a number, too deep a nesting
            raise LabError(
                "{name} is not valid JSON: {error}.", name=cls.__name__, error=str(error)
            ) from error
        return cls.from_dict(values)


@dataclass(frozen=True)
class ModelSpec(Spec):
    """One network as configured: the cache key, the URL and the JSON in the store.

    `options` may be given as a mapping; it is kept as sorted pairs so that equal specs hash equal.
    Which options an architecture has, and their values, `core.zoo.build` checks.
    """

    arch: str  # a name in core.zoo.CATALOGUE
    ratio: int = 1  # divides the channel counts of convolutions
    image_size: ImageSize = 224  # pixels a side, or height and width
    in_channels: int = 1  # 1 gray, 3 color
    num_classes: int = 10
    options: tuple[tuple[str, OptionValue], ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.arch, str) or not self.arch:
            raise LabError("arch must be the name of a network, not {arch}.", arch=repr(self.arch))
        check_whole("ratio", self.ratio, 1, MAX_RATIO)
        object.__setattr__(self, "image_size", check_image_size(self.image_size))
        check_whole("in_channels", self.in_channels, 1, MAX_IN_CHANNELS)
        check_whole("num_classes", self.num_classes, 1, MAX_NUM_CLASSES)
        pairs = self.options.items() if isinstance(self.options, Mapping) else self.options
        try:
            options = tuple(sorted((str(name), value) for name, value in pairs))
        except (TypeError, ValueError) as error:
            raise LabError("options must be an object of names and values.") from error
        if len({name for name, _ in options}) != len(options):
            raise LabError("Each option may be given once.")
        for name, value in options:
            if not isinstance(value, bool | int | float | str):
                raise LabError("Option {name} must be a word, a number or true/false.", name=name)
        object.__setattr__(self, "options", options)

    @property
    def sides(self) -> tuple[int, int]:
        """Height and width of the image, pixels."""
        size = self.image_size
        return (size, size) if isinstance(size, int) else size

    def scaled_to(self, height: int) -> Self:
        """The same with images of this height and as wide as it has them. Raises LabError."""
        own_height, own_width = self.sides
        width = max(1, round(own_width * height / own_height))
        return replace(self, image_size=(height, width))

    @property
    def size_label(self) -> str:
        """`224`, or `480×640`: for people."""
        return image_size_text(self.image_size).replace("x", "×")

    @property
    def pixels(self) -> str:
        """`224×224`: height and width for people."""
        return "×".join(map(str, self.sides))

    def option(self, name: str) -> OptionValue | None:
        """The value chosen for option `name`, None where it was left at its default."""
        return dict(self.options).get(name)

    def to_text(self) -> str:
        """`vgg11/4/96/1/10`: name, ratio, size, channels, classes, then options `;name=value`."""
        size = image_size_text(self.image_size)
        head = (self.arch, self.ratio, size, self.in_channels, self.num_classes)
        return "/".join(map(str, head)) + "".join(f";{k}={v}" for k, v in self.options)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """The inverse of `to_text`; option values stay words until `core.zoo.complete`.

        Raises LabError when `text` is no such line.
        """
        if len(text) > MAX_SPEC_TEXT:
            raise LabError(
                "A network has up to {most:,} characters, not {count:,}.",
                most=MAX_SPEC_TEXT,
                count=len(text),
            )
        head, *options = text.split(";")
        parts = head.rsplit("/", 4)  # torchvision/resnet50 has one of its own
        if len(parts) != 5 or not all(_NUMBERS.fullmatch(part) for part in (parts[1], *parts[3:])):
            raise LabError(
                "{text} is no network; an example is vgg11/4/96/1/10.", text=repr(text[:60])
            )
        pairs = [option.partition("=") for option in options]
        ratio, channels, classes = int(parts[1]), int(parts[3]), int(parts[4])
        named = tuple((name, value) for name, _, value in pairs)
        return cls(parts[0], ratio, parse_image_size(parts[2]), channels, classes, named)

    def to_dict(self) -> dict[str, Any]:
        """As `Spec.to_dict`, with `options` as an object."""
        return asdict(self) | {"options": dict(self.options)}


# How older stores and scripts, and the columns of CSV files, spell fields of a recipe
OLD_NAMES = {"initialisation": "initialization", "normalise": "normalize"}
_SINCE = {"optimizer": "sgd", "label_smoothing": 0.0}  # fields that older labs did not have


def _accept_old_names(cls: type[Recipe]) -> type[Recipe]:
    """Let stores and scripts from before the American spelling make and read recipes."""
    make = cls.__init__

    @wraps(make)
    def make_with_new_names(self: Recipe, *values: Any, **named: Any) -> None:
        make(self, *values, **{OLD_NAMES.get(name, name): value for name, value in named.items()})

    cls.__init__ = make_with_new_names  # type: ignore[method-assign]
    for old, new in OLD_NAMES.items():
        setattr(cls, old, property(attrgetter(new)))
    return cls


@_accept_old_names
@dataclass(frozen=True)
class Recipe(Spec):
    """How a network is trained: an optimizer with these settings, the same for every network."""

    name: str  # of a row in core.training.recipes, or one of somebody's own
    epochs: int
    batch_size: int  # images a step
    learning_rate: float  # the constant rate, or the peak of one-cycle
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0
    max_gradient_norm: float = 0.0  # longer gradients are shortened to this; 0: left alone
    schedule: str = "constant"  # constant, one-cycle
    initialization: str = "default"  # default: PyTorch's; xavier: uniform, convolutions and linear
    normalize: bool = False  # pixels to zero mean and unit deviation of the data set
    bfloat16: bool = False  # forward pass in bfloat16 where the device gains by it
    optimizer: str = "sgd"  # sgd; muon: the weights of convolutions by Muon, all others by SGD
    label_smoothing: float = 0.0  # share of each target that is spread evenly over all classes

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise LabError("A recipe needs a name.")
        check_whole("epochs", self.epochs, 1, MAX_EPOCHS)
        check_whole("batch_size", self.batch_size, 1, MAX_BATCH_SIZE)
        check_number("learning_rate", self.learning_rate, 1e-9, MAX_LEARNING_RATE)
        check_number("momentum", self.momentum, 0.0, 1.0)
        check_flag("nesterov", self.nesterov)
        check_number("weight_decay", self.weight_decay, 0.0, 10.0)
        check_number("max_gradient_norm", self.max_gradient_norm, 0.0, 1e6)
        check_choice("schedule", self.schedule, SCHEDULES)
        check_choice("initialization", self.initialization, INITIALIZATIONS)
        check_flag("normalize", self.normalize)
        check_flag("bfloat16", self.bfloat16)
        check_choice("optimizer", self.optimizer, OPTIMIZERS)
        check_number("label_smoothing", self.label_smoothing, 0.0, 1.0)
        if self.nesterov and not self.momentum:
            raise LabError("Nesterov momentum needs a momentum above 0.")

    def to_dict(self) -> dict[str, Any]:
        """As `Spec.to_dict`; as older labs wrote it, where nothing is set that they did not know.

        By such a text the store finds runs that may be averaged, whichever lab has trained them.
        """
        return {name: v for name, v in asdict(self).items() if v != _SINCE.get(name, ...)}

    def __repr__(self) -> str:
        """Likewise: addresses name the condition of an accuracy by a hash of it."""
        return f"Recipe({', '.join(f'{name}={v!r}' for name, v in self.to_dict().items())})"

    @classmethod
    def from_dict(cls, values: Any) -> Self:
        """As `Spec.from_dict`, also for what an older lab has written."""
        if isinstance(values, Mapping):
            values = {OLD_NAMES.get(name, name): value for name, value in values.items()}
        return super().from_dict(values)


@dataclass(frozen=True)
class RunSpec(Spec):
    """One training run: everything that decides its curve."""

    model: ModelSpec
    dataset: str  # a name in core.data.DATASETS
    recipe: Recipe
    train_images: int | None = None  # the first so many of the shuffled training set; None: all
    device: str = "cpu"  # cpu, cuda, cuda:1, mps
    seed: int = 0
    deterministic: bool = False  # on CUDA: kernels that add in a fixed order

    def __post_init__(self) -> None:
        object.__setattr__(self, "model", ModelSpec.read(self.model))
        object.__setattr__(self, "recipe", Recipe.read(self.recipe))
        if not isinstance(self.dataset, str) or not self.dataset:
            raise LabError(
                "dataset must be the name of a data set, not {dataset}.", dataset=repr(self.dataset)
            )
        if self.train_images is not None:
            check_whole("train_images", self.train_images, 1, MAX_TRAIN_IMAGES)
        if not isinstance(self.device, str) or not self.device:
            raise LabError(
                "device must be cpu, cuda or mps, not {device}.", device=repr(self.device)
            )
        check_whole("seed", self.seed, 0, MAX_SEED)
        check_flag("deterministic", self.deterministic)
        if not self.is_on_cuda:  # a CPU's kernels are; others have none
            object.__setattr__(self, "deterministic", False)

    @property
    def is_on_cuda(self) -> bool:
        """Whether it computes on one of NVIDIA's cards."""
        return self.device.startswith("cuda")

    def to_dict(self) -> dict[str, Any]:
        """Without what was not asked for, as labs wrote it that did not know it."""
        values = super().to_dict()
        if not self.deterministic:
            del values["deterministic"]
        return values

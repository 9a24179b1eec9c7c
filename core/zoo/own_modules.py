"""Files of networks, imported: what they give, and a network built. Runs somebody else's code."""

from __future__ import annotations

import enum
import importlib
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import torch
from torch import nn

from core.language import N_, Message, lazy
from core.specs import LabError, ModelSpec, OptionValue, check_image_size
from core.zoo.architecture import Option
from core.zoo.own import Contents, OwnNetwork, file_of, source_of

_SIZES = ("image_size", "in_channels", "num_classes", "ratio")  # a page has controls for these
_BESIDE = "__beside__"  # of a file's module: names of those that it has imported from its folder
_SAID, _TOLD = 300, 6_000  # characters of an error that are repeated: its sentence, its traceback
_TIMES, _FEWEST = 4, 16  # a control goes to so many times the default, and at least so far


def describe(path: str) -> Contents:
    """The networks of a file; its problem where it cannot be imported."""
    file = Path(path)
    try:
        with explained(file, lazy("{name} cannot be imported", name=file.name)):
            module = _imported(file, file.read_bytes())
            found = [
                _described(name, value)
                for name, value in vars(module).items()
                if _gives_network(name, value, module)
            ]
    except LabError as error:
        return Contents(problem=error.message)
    return Contents(tuple(network for network in found if network))


def build(spec: ModelSpec) -> nn.Module:
    """The network of `spec`, from its file as it is now, or from the source that a run has kept.

    Raises LabError with the user's own traceback for what its constructor raises.
    """
    file, name = file_of(spec.arch), _name_in_file(spec)
    with explained(file, lazy("{name} cannot be built", name=name)):
        make = getattr(_imported(file, source_of(spec.arch).text), name)
        network = make(**_arguments(make, spec))
    if not isinstance(network, nn.Module):
        raise LabError(
            "{arch} gives {type}, not an nn.Module.", arch=spec.arch, type=type(network).__name__
        )
    return network


def _arguments(make: Callable[..., Any], spec: ModelSpec) -> dict[str, Any]:
    """What the constructor is called with: sizes that it has, and options in their own types."""
    chosen: dict[str, Any] = dict(spec.options)
    hints = _hints(make)
    for name, parameter in _parameters(make).items():
        if name in _SIZES:
            chosen[name] = getattr(spec, name)
            if name == "image_size":
                chosen[name] = _sides_for(spec, parameter.default, hints.get(name))
        elif name in chosen:
            chosen[name] = _own_type(hints.get(name), chosen[name])
    return chosen


def call_of(spec: ModelSpec) -> str:
    """`nets.Net(in_channels=1, way=nets.Way.LONG)`: the network where its file is `nets`.

    Raises LabError as `build`.
    """
    make = getattr(_imported(file_of(spec.arch), source_of(spec.arch).text), _name_in_file(spec))
    given = [f"{name}={_as_code(value)}" for name, value in _arguments(make, spec).items()]
    return f"nets.{_name_in_file(spec)}({', '.join(given)})"


def _name_in_file(spec: ModelSpec) -> str:
    return spec.arch.rpartition(":")[2]


def _as_code(value: Any) -> str:
    return f"nets.{value}" if isinstance(value, enum.Enum) else repr(value)


def _sides_for(spec: ModelSpec, default: Any, hint: Any) -> Any:
    """The image's size as the constructor expects it: a pair where its default is one."""
    if isinstance(default, tuple):
        return spec.sides
    if isinstance(spec.image_size, tuple) and int in (hint, type(default)):
        raise LabError(
            "{arch} takes image_size as one number: give it a square image, or let its image_size"
            " be a tuple (height, width) too.",
            arch=spec.arch,
        )
    return spec.image_size


def _own_type(hint: Any, value: OptionValue) -> Any:
    """An option as the constructor expects it."""
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return hint[str(value)]
    if get_origin(hint) is Literal:
        return next((one for one in get_args(hint) if str(one) == str(value)), value)
    return value


# Importing -------------------------------------------------------------------------------------


def _imported(file: Path, source: bytes) -> ModuleType:
    """The file as a new module; what lies beside it is imported anew too.

    Python would keep that compiled, and take it for what is saved within the same second.
    """
    _forget_what_lay_beside()
    module = ModuleType(file.stem)
    module.__file__ = str(file)
    sys.modules[file.stem] = module
    before = set(sys.modules)
    sys.path.insert(0, str(file.parent))
    importlib.invalidate_caches()  # a neighbor may be new
    writes_none, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        exec(compile(source, str(file), "exec"), module.__dict__)
    finally:
        sys.dont_write_bytecode = writes_none
        sys.path.remove(str(file.parent))
        new = {name: one for name, one in sys.modules.items() if name not in before}
        beside = {name for name, one in new.items() if _lies_in(one, file.parent)}
        setattr(module, _BESIDE, [name for name in new if name.partition(".")[0] in beside])
    return module


def _forget_what_lay_beside() -> None:
    """Other files import equal names: a kept source has its own `blocks`, as the file itself."""
    for module in list(sys.modules.values()):
        if isinstance(module, ModuleType):
            for name in vars(module).get(_BESIDE, ()):
                sys.modules.pop(name, None)


def _lies_in(module: ModuleType, folder: Path) -> bool:
    """Whether it is a file, or a package, of the folder."""
    places = getattr(module, "__path__", None) or [getattr(module, "__file__", None) or ""]
    return any(Path(place).parent == folder for place in places)


@contextmanager
def explained(file: Path, what: Message) -> Iterator[None]:
    """An error inside becomes a LabError: one sentence, then the traceback from the file on."""
    try:
        yield
    except LabError:
        raise
    except BaseException as error:  # also SystemExit, which a file may raise
        if isinstance(error, KeyboardInterrupt):
            raise
        raise LabError(explanation(error, file, what)) from error


def explanation(error: BaseException, file: Path, what: Message) -> Message:
    """One sentence with the line, then the user's own traceback."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(file.parent)
    ]
    line = frames[-1].lineno if frames else getattr(error, "lineno", None)
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    lines = text.strip().splitlines() or [""]
    said = f"{type(error).__name__}: {lines[0][:_SAID]}".rstrip(": .")
    told = "".join(traceback.format_list(frames) + traceback.format_exception_only(error))
    values = {"what": what, "error": said, "traceback": told.strip()[:_TOLD]}
    if not line:
        return lazy("{what}: {error}.\n\n{traceback}", **values)
    where = Path(frames[-1].filename if frames else file).name
    return lazy(
        "{what}: {error} ({file}, line {line}).\n\n{traceback}", file=where, line=line, **values
    )


# What it gives ---------------------------------------------------------------------------------


def _gives_network(name: str, value: Any, module: ModuleType) -> bool:
    """Whether it is a class or function of this file that gives a network when called alone."""
    if name.startswith("_") or getattr(value, "__module__", "") != module.__name__:
        return False
    if isinstance(value, type):
        return issubclass(value, nn.Module)
    if not inspect.isfunction(value):
        return False
    given = _hints(value).get("return")
    return isinstance(given, type) and issubclass(given, nn.Module)


def _described(name: str, make: Callable[..., Any]) -> OwnNetwork | None:
    """What its signature tells; None where it needs an argument that nobody can give."""
    options, sizes, hints = [], [], _hints(make)
    for parameter in _parameters(make).values():
        default = None if parameter.default is parameter.empty else parameter.default
        if parameter.name in _SIZES:
            sizes.append((parameter.name, _size(parameter.name, default)))
        elif parameter.default is parameter.empty:
            return None
        elif option := _option(parameter.name, default, hints.get(parameter.name)):
            options.append(option)
    about = (inspect.getdoc(make) or "").strip().splitlines() if make.__doc__ else []
    is_inherited = isinstance(make, type) and make.__doc__ == nn.Module.__doc__
    return OwnNetwork(
        name, "" if is_inherited or not about else about[0], tuple(options), tuple(sizes)
    )


def _size(name: str, default: Any) -> Any:
    """A default that a spec can have; a pair only of an image's height and width."""
    if name == "image_size" and isinstance(default, tuple):
        with suppress(LabError):
            return check_image_size(default)
    is_whole = isinstance(default, int) and not isinstance(default, bool)
    return default if is_whole else None


def _parameters(make: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The arguments that can be given by name."""
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    signature = inspect.signature(make)
    return {name: one for name, one in signature.parameters.items() if one.kind in named}


def _hints(make: Callable[..., Any]) -> dict[str, Any]:
    """Its annotations; none where they cannot be read."""
    function = make.__init__ if isinstance(make, type) else make  # type: ignore[misc]
    try:
        return get_type_hints(function)
    except Exception:  # an annotation may be anything
        return {}


def _option(name: str, default: Any, hint: Any) -> Option | None:
    """The control of an argument; None for one that stays at its default."""
    title = name.replace("_", " ").capitalize()
    about = N_("An argument of its constructor.")
    if isinstance(hint, type) and issubclass(hint, enum.Enum) and isinstance(default, hint):
        choices = tuple((one.name, one.name.replace("_", " ").lower()) for one in hint)
        return Option(name, title, about, default.name, choices)
    if get_origin(hint) is Literal:
        choices = tuple((str(one), str(one)) for one in get_args(hint))
        return Option(name, title, about, str(default), choices)
    if isinstance(default, bool):
        return Option(name, title, about, default)
    if isinstance(default, int | float):
        low, high = _range(default)
        return Option(name, title, about, default, minimum=low, maximum=high)
    return Option(name, title, about, default) if isinstance(default, str) else None


def _range(default: int | float) -> tuple[int, int]:
    """From where to where a control goes: some way around the default."""
    if isinstance(default, float):
        reach = max(1, int(_TIMES * abs(default)))
        return (0 if default >= 0 else -reach), reach
    high = max(_FEWEST, _TIMES * abs(default))
    return min(1, default if default >= 0 else -high), high


# What it reads ---------------------------------------------------------------------------------


def inputs_of(network: nn.Module, shape: tuple[int, ...]) -> tuple[torch.Tensor, ...]:
    """An image for each argument that its forward pass needs: a siamese net gets two."""
    needed: list[object] = [
        one
        for one in inspect.signature(network.forward).parameters.values()
        if one.default is one.empty and one.kind in (one.POSITIONAL_OR_KEYWORD, one.POSITIONAL_ONLY)
    ]
    return tuple(torch.empty((1, *shape), device="meta") for _ in needed or [None])

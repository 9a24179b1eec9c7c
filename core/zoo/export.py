"""A network as PyTorch code to take along: one file that runs without the lab.

The built network is read back: its layers become one expression, the classes that the lab wrote
itself are copied in, so that `state_dict` has the same names and weights fit both ways.
"""

from __future__ import annotations

import ast
import inspect
import json
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from core.language import ENGLISH, in_language
from core.specs import ModelSpec
from core.zoo.building import build_on_meta
from core.zoo.catalogue import complete, find
from core.zoo.libraries import Library, library_of
from core.zoo.own import is_own, source_of

WIDTH = 100  # columns a line

_AMBIENT = {"device", "dtype"}  # arguments that say where a layer lives, not what it is
_PAIRED = {"kernel_size", "stride", "padding", "dilation", "output_padding", "output_size"}
_ALWAYS_WRITTEN = {"p"}  # dropout: a reader wants to see the probability even at its default

_IMPORTS = {  # every import that the file can need, in the order of isort, and the name it gives
    "from collections import OrderedDict": "OrderedDict",
    "from itertools import pairwise": "pairwise",
    "import timm": "timm",
    "import torch": "torch",
    "from torch import Tensor, nn": "Tensor",
    "from torch import nn": "nn",
    "from torch.nn import functional as F": "F",
    "from torchvision.models import get_model": "get_model",
}
_STANDARD = ("from collections import OrderedDict", "from itertools import pairwise")
_FUNCTIONS = {"torchvision": "get_model", "timm": "timm.create_model"}  # that build a model by name


def source_code(spec: ModelSpec) -> str:
    """A Python file with `network()`, which builds the network of `spec` with the same names.

    Of a network in a file of the user's own: that file; of a run's network, the source it kept.
    Options that `spec` leaves out have their defaults. Run as a script it prints the number of
    parameters and the shapes of one random image and its scores. Raises LabError as
    `core.zoo.build` does.
    """
    spec = complete(spec)
    if is_own(spec.arch):
        return source_of(spec.arch).text.decode("utf-8", "replace")
    model = build_on_meta(spec)
    if library := library_of(spec.arch):
        classes, expression = [], _call_of(library, spec)
    else:
        classes = _sources(model)
        expression = _expression(model, _shapes_of_stages(model, spec))
    built = list(_lay_out(expression, 4, "return "))
    body = "\n\n\n".join([*classes, _function(spec, built), _script(spec)])
    return f"{_header(spec, model)}\n\n{imports(body, bool(classes))}\n\n\n{body}\n"


@dataclass(frozen=True)
class CodeFiles:
    """A network as files of code, and the lines that build it beside them."""

    files: tuple[tuple[str, bytes], ...]  # by their names within one folder
    building: str  # gives `model`


def code_files(spec: ModelSpec) -> CodeFiles:
    """`network.py`; of the user's own network its file with what it imports from beside it.

    Raises LabError as `core.zoo.build` does.
    """
    spec = complete(spec)
    if not is_own(spec.arch):
        code = (("network.py", source_code(spec).encode()),)
        return CodeFiles(code, "from network import network\n\nmodel = network()")
    from core.zoo.own_modules import call_of  # runs the file

    files = source_of(spec.arch).files
    module = files[0][0].removesuffix(".py")
    building = f'import importlib\n\nnets = importlib.import_module("{module}")'
    return CodeFiles(files, f"{building}\nmodel = {call_of(spec)}")


# The parts of the file


def _header(spec: ModelSpec, model: nn.Module) -> str:
    """The comment at the top: what the network is and how large."""
    with in_language(ENGLISH):
        architecture = find(spec.arch)
    channels = "1 channel" if spec.in_channels == 1 else f"{spec.in_channels} channels"
    ratio = f"Ratio: {spec.ratio} (divides the channels of the convolutions)"
    lines = [
        f"{architecture.title} ({architecture.year})" if architecture.year else architecture.title,
        "",
        f"Source: {architecture.source}",
        *([] if library_of(spec.arch) else [ratio]),
        f"Image: {spec.pixels} pixels, {channels}",
        f"Classes: {spec.num_classes}",
        *(f"{name}: {value}" for name, value in spec.options),
        f"Parameters: {sum(parameter.numel() for parameter in model.parameters()):,}",
        "",
        "Written by the CNN Architecture Lab.",
    ]
    return "\n".join(map(comment, lines))


def comment(text: str) -> str:
    """`text` as a comment that no line break and no control character in it can end."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return textwrap.fill(printable, WIDTH, initial_indent="# ", subsequent_indent="#   ") or "#"


def imports(body: str, with_annotations: bool) -> str:
    """The imports that `body` uses, and no other."""
    used = names(body)
    needed = [line for line, name in _IMPORTS.items() if name in used]
    if "from torch import Tensor, nn" in needed:
        needed.remove("from torch import nn")
    standard = [line for line in needed if line in _STANDARD]
    installed = [line for line in needed if line not in _STANDARD]
    future = ["from __future__ import annotations"] if with_annotations else []
    return "\n\n".join("\n".join(group) for group in (future, standard, installed) if group)


def _function(spec: ModelSpec, body: list[str]) -> str:
    """The function that builds the network."""
    image = _shape_text((1, spec.in_channels, *spec.sides))
    return "\n".join(
        [
            "def network() -> nn.Module:",
            f'    """{image} to (N, {spec.num_classes}): one score a class."""',
            *body,
        ]
    )


def _script(spec: ModelSpec) -> str:
    """What the file does when it is run."""
    shape = ", ".join(map(str, (1, spec.in_channels, *spec.sides)))
    return textwrap.dedent(
        f"""\
        if __name__ == "__main__":
            model = network().eval()
            print(f"{{sum(parameter.numel() for parameter in model.parameters()):,}} parameters")
            image = torch.rand({shape})
            with torch.no_grad():
                scores = model(image)
            print(f"{{tuple(image.shape)}} to {{tuple(scores.shape)}}")"""
    )


def _call_of(library: Library, spec: ModelSpec) -> Expression:
    """A library's own model, untrained."""
    given = [f"{name}={_literal(value)}" for name, value in library.keywords(spec).items()]
    arguments = [_literal(library.model_name(spec.arch)), *given]
    return Expression(_FUNCTIONS[library.name], tuple(Expression(text) for text in arguments))


# The network as an expression


@dataclass(frozen=True)
class Expression:
    """A call, or with `_arguments` None a text that stands for itself."""

    text: str  # what stands before the bracket: "conv1=nn.Conv2d"
    arguments: tuple[Expression, ...] | None = None
    comment: str = ""  # stands on a line of its own above

    @property
    def one_line(self) -> str:
        """The whole expression on one line."""
        if self.arguments is None:
            return self.text
        return f"{self.text}({', '.join(argument.one_line for argument in self.arguments)})"

    @property
    def is_commented(self) -> bool:
        """Whether a comment stands anywhere inside, so that it needs several lines."""
        return any(inner.comment or inner.is_commented for inner in self.arguments or ())


def _expression(module: nn.Module, comments: dict[nn.Module, str], keyword: str = "") -> Expression:
    """The call that builds `module` with the same names inside; `keyword` stands before it."""
    children = _written_children(module)
    is_numbered = [name for name, _ in children] == [str(i) for i in range(len(children))]
    inside = tuple(
        _expression(child, comments, "" if is_numbered else f"{name}=") for name, child in children
    )
    if isinstance(module, nn.Sequential) and not is_numbered:
        inside = (Expression("OrderedDict", inside),)
    call = f"{keyword}{_call_name(module)}"
    return Expression(call, (*_arguments(module), *inside), comments.get(module, ""))


def _call_name(module: nn.Module) -> str:
    """`nn.Conv2d` for PyTorch's classes, `Branches` for the lab's own."""
    return f"nn.{type(module).__name__}" if _is_pytorchs(module) else type(module).__name__


def _is_pytorchs(module: nn.Module) -> bool:
    """Whether the class comes with PyTorch."""
    return getattr(nn, type(module).__name__, None) is type(module)


def _written_children(module: nn.Module) -> list[tuple[str, nn.Module]]:
    """The children that are handed to the constructor by name; other modules make their own."""
    parameters = inspect.signature(type(module)).parameters.values()
    takes_children = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    if takes_children or isinstance(module, nn.Sequential):
        return list(module.named_children())
    return []


def _arguments(module: nn.Module) -> Iterator[Expression]:
    """The constructor's arguments, read from the attributes of the same name.

    Those without a default stand by position where they may, the others only where they differ.
    """
    for name, parameter in inspect.signature(type(module)).parameters.items():
        if name in _AMBIENT or parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        value = _argument(module, name)
        is_required = parameter.default is parameter.empty
        if is_required and parameter.kind is not parameter.KEYWORD_ONLY:
            yield Expression(_literal(value))
        elif is_required or value != parameter.default or name in _ALWAYS_WRITTEN:
            yield Expression(f"{name}={_literal(value)}")


def _argument(module: nn.Module, name: str) -> Any:
    """The value that the constructor got, in its shortest form: 3 for the kernel (3, 3)."""
    value = getattr(module, name)
    if name == "bias" and (value is None or isinstance(value, Tensor)):
        return value is not None
    if name in _PAIRED and isinstance(value, tuple) and len(set(value)) == 1:
        return value[0]
    return value


def _literal(value: Any) -> str:
    """`value` as Python code; texts in double quotes, as ruff and black write them."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _shapes_of_stages(model: nn.Module, spec: ModelSpec) -> dict[nn.Module, str]:
    """The shapes before and after each child of `model`, which must be on the meta device."""
    shapes: dict[nn.Module, str] = {}

    def note(stage: nn.Module, images: tuple[Tensor], output: Tensor) -> None:
        shapes[stage] = f"{_shape_text(images[0].shape)} to {_shape_text(output.shape)}"

    for stage in model.children():
        stage.register_forward_hook(note)
    with torch.no_grad():
        model.eval()(torch.empty(1, spec.in_channels, *spec.sides, device="meta"))
    return shapes


def _shape_text(shape: tuple[int, ...]) -> str:
    """(1, 64, 112, 112) as "(N, 64, 112, 112)"."""
    return f"({', '.join(['N', *map(str, shape[1:])])})"


def _lay_out(node: Expression, indent: int, before: str = "", after: str = "") -> Iterator[str]:
    """The lines of `node`: one where it fits, else one argument a line, as ruff formats it."""
    margin = " " * indent
    if node.comment:
        yield f"{margin}# {node.comment}"
    line = f"{margin}{before}{node.one_line}{after}"
    if not node.arguments or (len(line) <= WIDTH and not node.is_commented):
        yield line
        return
    yield f"{margin}{before}{node.text}("
    comma = "," if len(node.arguments) > 1 else ""
    for inner in node.arguments:
        yield from _lay_out(inner, indent + 4, after=comma)
    yield f"{margin}){after}"


# The lab's own classes


def _sources(model: nn.Module) -> list[str]:
    """The source of each class of the lab in `model`, once, after the functions that it calls."""
    by_name: dict[str, str] = {}
    for module in written(model):
        if not _is_pytorchs(module) and type(module).__name__ not in by_name:
            _collect(type(module), by_name)
    return list(by_name.values())


def written(module: nn.Module) -> Iterator[nn.Module]:
    """The modules whose constructor stands in the code."""
    yield module
    for _, child in _written_children(module):
        yield from written(child)


def _collect(definition: Any, by_name: dict[str, str]) -> None:
    """Add the source of a class or function, after that of what it uses from its own file."""
    source = inspect.getsource(definition).rstrip()
    neighbors = vars(sys.modules[definition.__module__])
    for name in names(source):
        needed = neighbors.get(name)
        is_new = name not in by_name and needed is not definition
        if is_new and getattr(needed, "__module__", None) == definition.__module__:
            _collect(needed, by_name)
    by_name[definition.__name__] = source


def names(source: str) -> dict[str, None]:
    """The plain names that a piece of code uses, each once."""
    tree = ast.parse(source)
    return {node.id: None for node in ast.walk(tree) if isinstance(node, ast.Name)}

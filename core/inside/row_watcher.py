"""A network that runs while somebody looks at rows of its analysis, or changes what they read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from torch import Tensor, nn

from core.analysis.module_watcher import ModuleWatcher
from core.analysis.operations import name_and_kind
from core.analysis.tensors import storage_key, tensors_in
from core.inside.parts_records import Operand
from core.specs import LabError

Look = Callable[[Tensor], None]


class RowWatcher(ModuleWatcher):
    """One forward pass: `looks` are called with the results of their rows.

    `zeros` are operands of operations that are read as zeros. A path is that of the analysis, so
    only operations on what was computed from the image count. Hooks of the network are run.
    """

    def __init__(
        self,
        network: nn.Module,
        looks: Mapping[str, Look] | None = None,
        zeros: Iterable[Operand] = (),
    ) -> None:
        super().__init__(network.named_modules(), with_hooks=True)
        self.network = network
        self.looks = dict(looks or {})
        self.zeros = {operand.row: operand for operand in zeros}
        self.of_image: dict[int, Tensor] = {}  # storage → what was computed from the image in it
        self.leaf = ""

    def run(self, images: Tensor, needs_all: bool = True) -> Any:
        """What the network makes of the images (N, C, H, W).

        Raises LabError where a row that is asked for has not run, if all of them are needed: some
        do nothing in evaluation.
        """
        self.of_image[storage_key(images)] = images
        try:
            with self.watching():
                result = self.network(images)
        finally:
            self.of_image.clear()
        if needs_all and (missed := [*self.looks, *self.zeros]):
            raise LabError(
                "{missed} did not run for these images, so nothing can be said of it.",
                missed=missed[0],
            )
        return result

    def open_leaf(self, name: str, module: nn.Module, inputs: list[Tensor]) -> None:
        """Note where it is."""
        self.leaf = self.unique_path(name)

    def close_leaf(self, module: nn.Module, outputs: list[Tensor]) -> None:
        """Show what it gives."""
        self.of_image |= {storage_key(output): output for output in outputs}
        if outputs and (look := self.looks.pop(self.leaf, None)):
            look(outputs[0])

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run the operation; one that a module runs itself is looked at, or reads zeros."""
        kwargs = kwargs or {}
        if self.in_leaf:
            return func(*args, **kwargs)
        read = [
            tensor
            for tensor in tensors_in([*args, *kwargs.values()])
            if storage_key(tensor) in self.of_image
        ]
        name, _, is_work = name_and_kind(func)
        path = self.operation_path(name) if read and is_work else ""
        if operand := self.zeros.pop(path, None):
            args = _with_zeros(operand, read, args, func._schema.is_mutable)
        result = func(*args, **kwargs)
        output = next(iter(tensors_in(result)), None)
        if output is not None and read:
            self.of_image[storage_key(output)] = output
            if look := self.looks.pop(path, None):
                look(output)
        return result


class _Reached(BaseException):  # no error: what runs the pass must not take it for one
    """The pass has come to the row: what is behind it need not run."""

    def __init__(self, output: Tensor) -> None:
        super().__init__()
        self.output = output


class _Stopper(RowWatcher):
    """Runs up to what a row, or a module, gives."""

    def __init__(self, network: nn.Module, row: str, module: str) -> None:
        super().__init__(network, {} if module else {row: self.stop})
        self.module = module

    @staticmethod
    def stop(output: Tensor) -> None:
        raise _Reached(output)

    def call(self, module: nn.Module, *args: Any, **kwargs: Any) -> Any:
        """As ever, but for the module whose result is wanted."""
        output = super().call(module, *args, **kwargs)
        if self.module and self.names.get(id(module)) == self.module:
            raise _Reached(tensors_in(output)[0])
        return output


def result_of(network: nn.Module, images: Tensor, row: str, module: str = "") -> Tensor:
    """What the row gives, or `module` where that gives its result; nothing behind it is run.

    Raises LabError where it does not run.
    """
    try:
        _Stopper(network, row, module).run(images)
    except _Reached as reached:
        return reached.output
    raise LabError("{row} did not run for these images, so it gives nothing.", row=row)


def _with_zeros(
    operand: Operand, read: list[Tensor], args: tuple[Any, ...], is_in_place: bool
) -> tuple[Any, ...]:
    """The arguments with zeros for the operand. Raises LabError where there are other operands."""
    if len(read) != operand.count:
        raise LabError(
            "{row} read {count} results, not {expected} as in the analysis, so it is unknown which"
            " of them is the part.",
            row=operand.row,
            count=len(read),
            expected=operand.count,
        )
    left_out = read[operand.index]
    if is_in_place and left_out is args[0]:
        left_out.zero_()  # it is written over anyway
        return args

    def replaced(value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return type(value)(replaced(one) for one in value)
        return left_out.new_zeros(left_out.shape) if value is left_out else value

    return tuple(map(replaced, args))

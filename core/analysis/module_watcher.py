"""Follows the forward pass of a network: which layer runs now, and under which path it is listed.

`ModuleWatcher` is what the analysis and the stopwatch of layer times have in common, so that both
give a layer the same path. Modules are followed where torch keeps their compiled form, which it
calls in place of `forward`; operations by a TorchDispatchMode, which sees each one after autograd
has recorded it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from core.analysis.tensors import tensors_in

_PARAMETRIZATIONS = ".parametrizations."  # inside a layer whose weight is computed from others
_LIBRARY_HOOKS = "torch.nn.utils."


class ModuleWatcher(TorchDispatchMode):
    """Calls `open_leaf` and `close_leaf` around each module that has no module inside.

    A subclass fills in these two, and `__torch_dispatch__` for the operations, of which those
    outside of a leaf have a path of their own: `operation_path`. A layer whose weight is
    parametrized is a leaf like any other.
    """

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """No: torch would import its compiler, 6 s, to keep it away from a mode it never sees."""
        return False

    def __init__(
        self, named_modules: Iterable[tuple[str, nn.Module]], with_hooks: bool = False
    ) -> None:
        super().__init__()
        self.forward_of = _run_with_hooks if with_hooks else _run_forward
        named_modules = list(named_modules)
        self.modules = [module for _, module in named_modules]
        self.names = {
            id(module): name
            for name, module in named_modules
            if _PARAMETRIZATIONS not in f".{name}." or name.startswith("parametrizations.")
        }
        parents = {name.rpartition(".")[0] for name in self.names.values() if name}
        self.leaves = {key: name for key, name in self.names.items() if name not in parents}
        self.stack: list[nn.Module] = []
        self.in_leaf = False
        self.uses: dict[str, int] = {}

    def open_leaf(self, name: str, module: nn.Module, inputs: list[Tensor]) -> None:
        """A module without modules inside begins; `name` as in `named_modules`."""

    def close_leaf(self, module: nn.Module, outputs: list[Tensor]) -> None:
        """It has ended."""

    def call(self, module: nn.Module, *args: Any, **kwargs: Any) -> Any:
        """Run a module, watched, in place of its own `__call__`."""
        if id(module) not in self.names:  # part of how a weight is computed
            return self.forward_of(module, args, kwargs)
        self.stack.append(module)
        name = self.leaves.get(id(module))
        is_leaf = name is not None and not self.in_leaf
        try:
            if is_leaf:
                self.in_leaf = True
                self.open_leaf(str(name), module, tensors_in([*args, *kwargs.values()]))
            output = self.forward_of(module, args, kwargs)
            if is_leaf:
                self.close_leaf(module, tensors_in(output))
        finally:
            self.in_leaf &= not is_leaf
            self.stack.pop()
        return output

    def operation_path(self, operation: str) -> str:
        """The path of an operation that a module runs itself: `residual1.add`."""
        return self.unique_path(self.path_of(operation))

    def path_of(self, operation: str) -> str:
        """The same, without a number for the second use."""
        module = self.names[id(self.stack[-1])] if self.stack else ""
        return f"{module}.{operation}" if module else operation

    def unique_path(self, path: str) -> str:
        """`path`; the second use of `relu` is `relu_2`."""
        uses = self.uses[path] = self.uses.get(path, 0) + 1
        return path if uses == 1 else f"{path}_{uses}"

    @contextmanager
    def watching(self) -> Iterator[None]:
        """While open, every call of a module and every operation of this thread is watched."""
        before = [module.__dict__.get(_CALL) for module in self.modules]
        for module in self.modules:
            module.__dict__[_CALL] = partial(self.call, module)
        try:
            with self:
                yield
        finally:
            for module, call in zip(self.modules, before, strict=True):
                module.__dict__.pop(_CALL)
                if call is not None:
                    module.__dict__[_CALL] = call


_CALL = "_compiled_call_impl"  # what nn.Module.__call__ runs instead, where a module has it


def _run_with_hooks(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """As torch runs it: some networks read what their own hooks have kept."""
    return module._call_impl(*args, **kwargs)


def _run_forward(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The module's forward, without hooks but those by which torch computes a weight.

    A visitor's hooks never see what only the lab has run.
    """
    for hook in module._forward_pre_hooks.values():
        if computes_weights(hook):
            hook(module, args)
    return module.forward(*args, **kwargs)


def computes_weights(hook: Any) -> bool:
    """Whether it is one by which torch computes a layer's weight; others are a visitor's."""
    return type(hook).__module__.startswith(_LIBRARY_HOOKS)


ForwardHook = Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]


@contextmanager
def forward_hooks(hooks: Mapping[nn.Module, ForwardHook]) -> Iterator[None]:
    """While open, each of these modules calls its hook with its inputs and its output."""
    handles = [module.register_forward_hook(hook) for module, hook in hooks.items()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()

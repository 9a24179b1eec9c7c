"""Follows the forward pass of a network: which layer runs now, and under which path it is listed.

`ModuleWatcher` is what the analysis and the stopwatch of layer times have in common, so that both
give a layer the same path. Modules are followed by hooks, the operations inside them by a
TorchDispatchMode, which sees each one after autograd has recorded it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.module import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
)
from torch.utils._python_dispatch import TorchDispatchMode

from core.analysis.tensors import tensors_in


class ModuleWatcher(TorchDispatchMode):
    """Calls `open_leaf` and `close_leaf` around each module that has no module inside.

    A subclass fills in these two, and `__torch_dispatch__` for the operations, of which those
    outside of a leaf have a path of their own: `operation_path`.
    """

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """No: torch would import its compiler, 6 s, to keep it away from a mode it never sees."""
        return False

    def __init__(self, named_modules: Iterable[tuple[str, nn.Module]]) -> None:
        super().__init__()
        self.names = {id(module): name for name, module in named_modules}
        parents = {name.rpartition(".")[0] for name in self.names.values() if name}
        self.leaves = {key: name for key, name in self.names.items() if name not in parents}
        self.stack: list[nn.Module] = []
        self.in_leaf = False
        self.uses: dict[str, int] = {}

    def open_leaf(self, name: str, module: nn.Module, inputs: list[Tensor]) -> None:
        """A module without modules inside begins; `name` as in `named_modules`."""

    def close_leaf(self, outputs: list[Tensor]) -> None:
        """It has ended."""

    def enter(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        """Before a module's forward."""
        if id(module) not in self.names:
            return
        self.stack.append(module)
        name = self.leaves.get(id(module))
        if name is not None and not self.in_leaf:
            self.in_leaf = True
            self.open_leaf(name, module, tensors_in(args))

    def leave(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        """After a module's forward."""
        if not self.stack or self.stack[-1] is not module:
            return
        self.stack.pop()
        if self.in_leaf and id(module) in self.leaves:
            self.in_leaf = False
            self.close_leaf(tensors_in(output))

    def operation_path(self, operation: str) -> str:
        """The path of an operation that a module runs itself: `residual1.add`."""
        module = self.names[id(self.stack[-1])] if self.stack else ""
        return self.unique_path(f"{module}.{operation}" if module else operation)

    def unique_path(self, path: str) -> str:
        """`path`; the second use of `relu` is `relu_2`."""
        uses = self.uses[path] = self.uses.get(path, 0) + 1
        return path if uses == 1 else f"{path}_{uses}"

    @contextmanager
    def watching(self) -> Iterator[None]:
        """While open, every module call and operation in this thread reaches the watcher."""
        hooks = [
            register_module_forward_pre_hook(self.enter),
            register_module_forward_hook(self.leave),
        ]
        try:
            with self:
                yield
        finally:
            for hook in hooks:
                hook.remove()


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

"""A mode of torch's functions that also puts functions of its own in the place of others."""

from __future__ import annotations

from threading import Lock
from typing import Any, ClassVar, Self

from torch.overrides import TorchFunctionMode

_changing = Lock()


class PatchingMode(TorchFunctionMode):
    """While any of a subclass is open, in any thread, its `patches` stand where the usual ones did.

    So a patch must do as the usual one does for whoever has opened none.
    """

    patches: ClassVar[tuple[tuple[Any, str, Any], ...]] = ()  # object, attribute, what stands there
    _usual: ClassVar[tuple[Any, ...]] = ()
    _open: ClassVar[int] = 0

    def __init_subclass__(cls) -> None:
        cls._usual = tuple(getattr(place, name) for place, name, _ in cls.patches)

    def __enter__(self) -> Self:
        self._count(1)
        super().__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        self._count(-1)

    @classmethod
    def _count(cls, change: int) -> None:
        with _changing:
            cls._open += change
            for (place, name, patch), usual in zip(cls.patches, cls._usual, strict=True):
                setattr(place, name, patch if cls._open else usual)

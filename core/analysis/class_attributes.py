"""The attributes of somebody's classes, given back as they were: a cache that all modules share.

Several analyses may run at once, in threads: the first to begin notes them, the last to end gives
them back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from threading import Lock
from typing import Any

import numpy as np

_NOT_THEIRS = ("torch", "builtins", "abc", "typing")
_changing = Lock()
_noted: dict[type, list[Any]] = {}  # class → how many analyses hold it, its attributes, contents


@contextmanager
def class_attributes_kept(objects: Iterable[object]) -> Iterator[None]:
    """Afterwards the classes of these objects have the attributes that they had before."""
    classes = {kind for one in objects for kind in type(one).__mro__ if _is_theirs(kind)}
    with _changing:
        for kind in classes:
            _noted.setdefault(kind, [0, *_attributes(kind)])[0] += 1
    try:
        yield
    finally:
        with _changing:
            for kind in classes:
                _noted[kind][0] -= 1
                if not _noted[kind][0]:
                    _give_back(kind, *_noted.pop(kind)[1:])


def _is_theirs(kind: type) -> bool:
    return kind.__module__.partition(".")[0] not in _NOT_THEIRS


def _attributes(kind: type) -> tuple[dict[str, Any], dict[str, Any]]:
    """Each attribute, and of those that can be written to a copy."""
    values = {name: value for name, value in vars(kind).items() if not name.startswith("__")}
    copies = {
        name: value.copy()
        for name, value in values.items()
        if isinstance(value, (dict, list, set, deque, np.ndarray))
    }
    return values, copies


def _give_back(kind: type, values: dict[str, Any], copies: dict[str, Any]) -> None:
    now = {name: value for name, value in vars(kind).items() if not name.startswith("__")}
    for name in now.keys() - values.keys():
        delattr(kind, name)
    for name, value in values.items():
        if now.get(name) is not value:
            setattr(kind, name, value)
    for name, contents in copies.items():
        with suppress(Exception):  # a class of somebody's own may refuse
            _fill(values[name], contents)


def _fill(value: Any, contents: Any) -> None:
    if isinstance(value, np.ndarray):
        value[...] = contents
        return
    value.clear()
    value.extend(contents) if isinstance(value, (list, deque)) else value.update(contents)

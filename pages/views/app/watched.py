"""What is under way, read at most once or twice a second however many watch it.

A page that shows something under way has its browser ask here for how far it is, and for the points
that its charts do not have yet, once the store has changed (`news`). Only when more than that has
changed is the page itself drawn anew.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Generic, TypeVar

import anyio
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from core.jobs.step_curves import StepCurve
from core.language import in_language, language
from core.specs import LabError
from pages.views.app.growing import new_points
from pages.views.app.news import newest
from pages.views.people.visitor import visitor

PATH = "lab/watched"
_MOST = 1024  # that are remembered
_SERVES = 0.6  # of the time between two looks, an answer; who looks a moment early gets a new one
LIVE_SECONDS = 0.75  # between two looks at something with curves, which shall grow every second

State = TypeVar("State")
Progress = tuple[float, str]  # share that is done, and how far it is in words


def _none(_state: Any) -> Progress:
    return 0.0, ""


def _no_curves(_state: Any) -> Mapping[int, StepCurve]:
    return {}


@dataclass(frozen=True)
class Watched(Generic[State]):
    """Something that may be under way."""

    name: str  # equal for those who watch the same
    read: Callable[[], State]
    is_over: Callable[[State], bool]
    stage: Callable[[State], Hashable]  # pages are drawn anew when this changes
    progress: Callable[[State], Progress] = _none  # moves in between
    curves: Callable[[State], Mapping[int, StepCurve]] = _no_curves  # grow in between, by their run
    every_seconds: float = 1.0  # between two looks of a browser, at least
    is_stored: bool = True  # it can only be another one when the store has changed, or time passes
    language: str = field(default_factory=language)  # of the words that browsers are told

    def answer(self, state: State) -> dict[str, Any]:
        """What browsers are told."""
        with in_language(self.language):
            share, text = self.progress(state)
        digest = sha256(repr(self.stage(state)).encode()).hexdigest()[:16]
        return {"stage": digest, "share": min(1.0, max(0.0, share)), "text": text}


@dataclass
class _Reading:
    """The newest answer about one of them."""

    watched: Watched[Any]
    at: float = float("-inf")
    news: int = -1  # the newest change when it was read
    answer: dict[str, Any] = field(default_factory=dict)
    curves: Mapping[int, StepCurve] = field(default_factory=dict)
    reading: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_new(self) -> bool:
        return time.monotonic() - self.at < _SERVES * self.watched.every_seconds

    def read(self) -> None:
        """Read it, unless somebody else has in the meantime."""
        with self.reading:
            if self.is_new:
                return
            news = newest()
            try:
                state = self.watched.read()
                self.answer, self.curves = self.watched.answer(state), self.watched.curves(state)
            except LabError as error:  # the page that is drawn anew says so
                self.answer = {"stage": str(error)}
            self.at, self.news = time.monotonic(), news


_readings: OrderedDict[tuple[str, str], _Reading] = OrderedDict()  # by visitor and name
_changing = threading.Lock()


def name_here(name: str) -> str:
    """What a browser asks by: what is told depends on the language."""
    return f"{name} {language()}"


def _key(name: str) -> tuple[str, str]:
    """Everybody sees the store in their own way, where people sign in."""
    person = visitor()
    return (person.id if person else "", name)


def watch(watched: Watched[Any]) -> None:
    """Let browsers ask for it."""
    with _changing:
        key = _key(name_here(watched.name))
        reading = _readings.pop(key, None) or _Reading(watched)
        reading.watched = watched
        _readings[key] = reading
        while len(_readings) > _MOST:
            _readings.popitem(last=False)


async def answer(request: Request) -> Response:
    """JSON: stage, share, text, new points of the curves that are asked for; as of which change.

    Another stage makes the page ask for a new drawing.
    """
    reading = _readings.get(_key(request.query_params.get("name", "")))
    if reading is None:  # of an earlier server
        return JSONResponse({"stage": "unknown"})
    if not reading.is_new:
        await anyio.to_thread.run_sync(reading.read)
    points = new_points(reading.curves, request.query_params.get("curves", ""))
    told = reading.answer | {"curves": points, "news": str(reading.news)}
    return JSONResponse(told, headers={"Cache-Control": "no-store"})

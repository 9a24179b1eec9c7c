"""Glances at the whole range of a slider, worked out while nobody else needs torch.

The browser asks for them by HTTP, so that a strip can answer while its slider is dragged.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import urlencode

import anyio
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from core.analysis.glance import Glance, glance_at, keep_glances, kept_glances, with_value
from core.analysis.kept import kept_analysis
from core.language import in_language, language, language_of
from core.report.glance import BATCH_SIZE, strip
from core.specs import LabError, ModelSpec
from core.torch_process import torch_process
from core.zoo.catalogue import CATALOGUE, complete
from core.zoo.own import is_own
from pages.views.forms.limits import RATIO_SLIDER, SIZE_SLIDER, SIZE_STEP

PATH = "lab/glances"
_VALUES = {
    "ratio": range(RATIO_SLIDER[0], RATIO_SLIDER[1] + 1),
    "image_size": range(SIZE_SLIDER[0], SIZE_SLIDER[1] + 1, SIZE_STEP),
}
_MOST_RANGES = 48  # that are remembered, of some 300 KiB
_IDLE_SECONDS = 0.5  # without a call from a page
_WANTED_SECONDS = 10.0  # after which nobody waits any more


@dataclass
class _Range:
    """One slider of one network."""

    spec: ModelSpec  # at the slider's own value
    variable: str
    seen: dict[int, Glance | None] = field(default_factory=dict)
    asked: float = 0.0

    @property
    def missing(self) -> list[int]:
        """The values still to look at, the nearest to the slider's own first."""
        own = int(getattr(self.spec, self.variable))
        left = [value for value in _VALUES[self.variable] if value not in self.seen]
        return sorted(left, key=lambda value: abs(value - own))


class Glances:
    """What has been looked at, and a thread that looks at what the newest asked for lacks."""

    def __init__(self) -> None:
        self._ranges: OrderedDict[tuple[ModelSpec, str], _Range] = OrderedDict()
        self._changed = threading.Condition()
        threading.Thread(target=self._work, daemon=True).start()

    def of(self, spec: ModelSpec, variable: str) -> tuple[dict[int, Glance | None], bool]:
        """What is known of this slider, and whether that is all. Raises LabError as `complete`."""
        spec = complete(spec)
        if is_own(spec.arch):  # whose code is run only when somebody asks for it
            return {}, True
        key = (with_value(spec, variable, _VALUES[variable][0]), variable)
        with self._changed:
            wanted = self._ranges.pop(key, None)
            if wanted is None:
                wanted = _Range(spec, variable, kept_glances(spec, variable, BATCH_SIZE))
            wanted.spec, wanted.asked = spec, time.monotonic()
            self._ranges[key] = wanted
            while len(self._ranges) > _MOST_RANGES:
                self._ranges.popitem(last=False)
            self._changed.notify()
            return dict(wanted.seen), not wanted.missing

    def _next(self) -> _Range:
        """The one asked for last that is not complete; waits for one."""
        with self._changed:
            while True:
                now = time.monotonic()
                for wanted in reversed(self._ranges.values()):
                    if now - wanted.asked < _WANTED_SECONDS and wanted.missing:
                        return wanted
                self._changed.wait()

    def _work(self) -> None:
        while True:
            wanted = self._next()
            process = torch_process()
            if process.idle_seconds < _IDLE_SECONDS or process.seconds_until_loaded:
                time.sleep(_IDLE_SECONDS / 2)
                continue
            value, seen = wanted.missing[0], None
            with suppress(LabError):  # the process has ended: what it was asked has no glance
                seen = process.call(
                    "core.analysis.glance:glance",
                    with_value(wanted.spec, wanted.variable, value),
                    BATCH_SIZE,
                    in_background=True,
                )
            wanted.seen[value] = seen
            if not wanted.missing:
                keep_glances(wanted.spec, wanted.variable, BATCH_SIZE, wanted.seen)


@cache
def _glances() -> Glances:
    return Glances()


def query(spec: ModelSpec) -> str:
    """What the browser asks with for the ranges of this network, less `&over=`."""
    return urlencode({"spec": spec.to_json(), "lang": language()})


async def answer(request: Request) -> Response:
    """JSON: a strip for each value of the slider that is known, and whether these are all."""
    with in_language(language_of([request.query_params.get("lang", "")])):
        try:
            spec = ModelSpec.from_json(request.query_params.get("spec", ""))
            over = request.query_params.get("over", "")
            if over not in _VALUES:
                raise LabError("over is {choices}.", choices=" or ".join(_VALUES))
            body = await anyio.to_thread.run_sync(_strips, spec, over)
        except LabError as error:
            return JSONResponse({"error": str(error)}, 400)
    return JSONResponse(body, headers={"Cache-Control": "no-store"})


def _strips(spec: ModelSpec, over: str) -> dict[str, object]:
    seen, is_all = _glances().of(spec, over)
    default = _default_glance(spec.arch)
    strips = {value: glance and strip(glance, default) for value, glance in sorted(seen.items())}
    return {"strips": strips, "complete": is_all}


@cache
def _default_glance(arch: str) -> Glance | None:
    """The glance at a network's own default setting, of those that come with the lab."""
    row = CATALOGUE.get(arch)
    analysis = kept_analysis(row.default) if row else None
    return glance_at(analysis, BATCH_SIZE) if analysis else None

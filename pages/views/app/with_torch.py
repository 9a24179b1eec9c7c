"""What pages ask the process that has torch for, kept as long as it is looked at.

The page server itself never loads torch. What has been analyzed is shared by all visitors: it is
computed once, also when many ask for it at the same time, and bounded in bytes.
"""

from __future__ import annotations

import pickle
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from cachetools import LRUCache, cached
from cachetools.keys import hashkey

from core.analysis.broken_off import ForwardError
from core.analysis.kept import kept_analysis
from core.analysis.records import Analysis
from core.explain.reconcile import OtherCounts
from core.explain.shape_errors import ShapeError
from core.host_memory import available_host_bytes
from core.language import _
from core.specs import ModelSpec
from core.torch_process import (
    ThisProcess,
    TorchProcess,
    inside_process,
    own_process,
    torch_process,
)
from core.training.processor import cpu_in_words
from core.training.records import DeviceReport
from core.zoo.own import is_own, version_of

_ANALYSES_BYTES = 12 * 2**20  # of all analyses together
_ANSWERS_BYTES = 128 * 2**20  # of what was seen inside networks
_LAYER_BYTES = 1_200  # of one layer's record, measured
_FILE_SECONDS = 300.0  # that making a file may take
_FREE_SECONDS = 2.0  # for which free memory of a device is taken as known


def _ask(function: str, *arguments: Any) -> Any:
    """The result of a function of core. Raises LabError as it does."""
    return _process_for(*arguments).call(function, *arguments)


def _process_for(*arguments: Any) -> TorchProcess | ThisProcess:
    """Where it is worked out: somebody's own network runs where it can do no harm."""
    return own_process() if _own_among(arguments) else torch_process()


def _own_among(arguments: Iterable[Any]) -> list[str]:
    """Networks of the user's own that these are about."""
    found: list[str] = []
    for one in arguments:
        if isinstance(one, tuple):
            found += _own_among(one)
        spec = getattr(one, "spec", one)
        if isinstance(spec, ModelSpec) and is_own(spec.arch):
            found.append(spec.arch)
    return found


def _wait_until_loaded(process: TorchProcess | ThisProcess) -> None:
    """While torch is still loading, say so, and for how long."""
    if seconds := process.seconds_until_loaded:
        with st.spinner(_("Loading PyTorch, about {seconds:.0f} s more…", seconds=seconds)):
            process.wait_until_loaded()


def analysis_of(spec: ModelSpec) -> Analysis:
    """`core.analysis.analyze`, kept for specs seen before, by this server or an earlier one.

    Only what has never been traced waits for torch. Raises LabError as `analyze`.
    """
    version = version_of(spec.arch)
    with _analyses_changed:
        known = _analyses.get(hashkey(spec, version))
    if known is None:
        process = _process_for(spec)
        if process.seconds_until_loaded and kept_analysis(spec) is None:
            _wait_until_loaded(process)
        with st.spinner(_("Taking the network apart…")):  # shown after half a second
            known = _analysis_of(spec, version)
    if isinstance(known, ForwardError):
        raise known
    return known


def _bytes_of(known: Analysis | ForwardError) -> int:
    analysis = known.partial if isinstance(known, ForwardError) else known
    return _LAYER_BYTES * (1 + len(analysis.layers))


_analyses: LRUCache[Any, Analysis | ForwardError] = LRUCache(_ANALYSES_BYTES, getsizeof=_bytes_of)
_analyses_changed = threading.Condition()


@cached(_analyses, condition=_analyses_changed)
def _analysis_of(spec: ModelSpec, version: str) -> Analysis | ForwardError:
    """`version`: of the file that the network is in, whose newest is analyzed."""
    try:
        analysis = kept_analysis(spec) or _ask("core.analysis.kept:analyze_once", spec)
    except ForwardError as error:  # it fails until the file is saved anew
        return error.with_traceback(None)
    assert isinstance(analysis, Analysis)
    return analysis


def smallest_size_of(spec: ModelSpec) -> int | None:
    """`core.zoo.building.smallest_image_size`, kept for specs seen before."""
    smallest = _kept("core.zoo.building:smallest_image_size", spec)
    return None if smallest is None else int(smallest)


def other_counts_of(spec: ModelSpec) -> OtherCounts:
    """`core.explain.other_counters.other_counts`, kept for specs seen before."""
    return _kept("core.explain.other_counters:other_counts", spec)


def code_of(spec: ModelSpec) -> str:
    """`core.zoo.export.source_code`, kept for specs seen before."""
    return str(_kept("core.zoo.export:source_code", spec))


def summary_of(spec: ModelSpec) -> str:
    """`core.analysis.torchinfo_summary`, kept for specs seen before."""
    return str(_kept("core.analysis:torchinfo_summary", spec))


def parameter_counts_of(specs: Sequence[ModelSpec]) -> Sequence[int | None]:
    """Parameters, counted without a trace; None where a network cannot be built."""
    counts: list[int | None] = _kept("core.zoo.building:parameter_counts", tuple(specs))
    return counts


def shape_errors_of(
    path: str, analysis: Analysis, elsewhere: Analysis | None
) -> Sequence[ShapeError]:
    """`core.explain.shape_errors.shape_errors`."""
    errors: Sequence[ShapeError] = _ask(
        "core.explain.shape_errors:shape_errors", path, analysis, elsewhere
    )
    return errors


def sample_pictures(name: str, count: int, sides: tuple[int, int]) -> Sequence[tuple[bytes, int]]:
    """`core.data.samples.sample_pictures`, kept for sizes seen before."""
    pictures: Sequence[tuple[bytes, int]] = _kept(
        "core.data.samples:sample_pictures", name, count, sides
    )
    return pictures


def devices() -> dict[str, str]:
    """This machine's devices, the fastest first, each with what it is in words."""
    described: dict[str, str] = _kept("core.training.devices:described_devices")
    return described | {"cpu": cpu_in_words()}  # as the workers of this server declare it


def device_report() -> DeviceReport:
    """This machine's devices, and what PyTorch was built for."""
    report: DeviceReport = _kept("core.training.devices:device_report")
    return report


def device_report_if_loaded() -> DeviceReport | None:
    """The same where nobody has to wait for it; None while PyTorch is loading."""
    return None if torch_process().seconds_until_loaded else device_report()


def free_bytes_here(device: str) -> int | None:
    """Memory that a run may still take on this machine; None where it cannot be known.

    Raises LabError for a device that this machine does not have.
    """
    if device == "cpu":
        return available_host_bytes()
    return _free_bytes(device)


@st.cache_data(ttl=_FREE_SECONDS, show_spinner=False)
def _free_bytes(device: str) -> int | None:
    free: int | None = _ask("core.training.devices:free_bytes", device)
    return free


def inside(function: str, *arguments: Any) -> Any:
    """The result of a function of `core.inside`, kept for arguments seen before.

    Computed by a process that keeps networks with their numbers. Arrays in it are shared by all
    visitors and cannot be written to. Raises LabError as the function does.
    """
    with st.spinner(_("Computing…")):  # shown after half a second
        return seen(function, *arguments)


def seen(function: str, *arguments: Any) -> Any:
    """As `inside`, of what a pass through the network has left there: nothing to wait for, so that
    each of many calls spares the clock of a spinner."""
    process = _inside_process_for(arguments)
    _wait_until_loaded(process)
    versions = tuple(version_of(arch) for arch in _own_among(arguments))
    return _inside(function, versions, *arguments).value


def _inside_process_for(arguments: tuple[Any, ...]) -> TorchProcess | ThisProcess:
    """Where numbers are computed: somebody's own network where it can do no harm."""
    return own_process() if _own_among(arguments) else inside_process()


def made_inside(function: str, *arguments: Any) -> Any:
    """As `inside`, and kept by nobody: a large file that is made on the click, outside of a run of
    the page."""
    process = _inside_process_for(arguments)
    return process.call(function, *arguments, seconds=_FILE_SECONDS)


@dataclass(frozen=True)
class _Answer:
    """What the process said, and how many bytes it takes here."""

    value: Any
    size: int

    @classmethod
    def of(cls, value: Any) -> _Answer:
        """With arrays that nobody can write to, in the memory that they have."""
        buffers: list[pickle.PickleBuffer] = []
        rest = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
        raw = [buffer.raw() for buffer in buffers]
        frozen = pickle.loads(rest, buffers=[part.toreadonly() for part in raw])
        return cls(frozen, len(rest) + sum(part.nbytes for part in raw))


def _key_of(*asked: Any) -> Any:
    """Of a question, whose arrays count by their numbers."""
    return hashkey(
        *(
            (one.shape, one.dtype.str, one.tobytes()) if isinstance(one, np.ndarray) else one
            for one in asked
        )
    )


@cached(
    LRUCache(_ANSWERS_BYTES, getsizeof=lambda answer: answer.size),
    key=_key_of,
    condition=threading.Condition(),
)
def _inside(function: str, versions: tuple[str, ...], *arguments: Any) -> _Answer:
    process = _inside_process_for(arguments)
    return _Answer.of(process.call(function, *arguments))


def _kept(function: str, *arguments: Any) -> Any:
    _wait_until_loaded(_process_for(*arguments))
    versions = tuple(version_of(arch) for arch in _own_among(arguments))
    return _kept_answer(function, versions, *arguments)


@st.cache_data(max_entries=64, show_spinner="Working it out…")  # texts of some 50 KiB
def _kept_answer(function: str, versions: tuple[str, ...], *arguments: Any) -> Any:
    return _ask(function, *arguments)

"""Memory that stays with the process while it trains, and is given back afterwards."""

from __future__ import annotations

import ctypes
import resource

import pytest
import torch

from core.training import allocator
from core.training.allocator import glibc, memory_kept

NEEDS_GLIBC = pytest.mark.skipif(glibc() is None, reason="the C library is not glibc")


def page_faults_of_large_blocks() -> int:
    """How often the system must give pages while 40 blocks of 48 MiB come and go."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(40):
        torch.ones(12 * 2**20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.slow
@NEEDS_GLIBC
def test_kept_memory_is_touched_for_the_first_time_only_once():
    with memory_kept():
        page_faults_of_large_blocks()
        kept = page_faults_of_large_blocks()
    assert 20 * kept < page_faults_of_large_blocks()


@NEEDS_GLIBC
def test_memory_is_given_back_even_after_an_error(monkeypatch):
    told: list[int] = []
    monkeypatch.setattr(
        allocator, "set_options", lambda library, options: told.append(len(options))
    )
    with pytest.raises(KeyError), memory_kept():
        raise KeyError
    assert told == [len(allocator.KEEP), len(allocator.DEFAULT)]


def test_elsewhere_nothing_is_done(monkeypatch):
    monkeypatch.setattr(allocator, "glibc", lambda: None)
    with memory_kept():
        assert isinstance(ctypes.CDLL, type)

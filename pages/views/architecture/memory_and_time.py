"""The Architecture page's view of what a step takes: memory, counted, or time, measured."""

from __future__ import annotations

from core.analysis.records import Analysis
from pages.views.architecture.display import Display, choose_display
from pages.views.architecture.layer_times import layer_times_view
from pages.views.architecture.memory import memory_view
from pages.views.architecture.views import MEMORY, MEMORY_AND_TIME, choose_part


def memory_and_time_view(analysis: Analysis) -> Display:
    """The part that the reader picks, by the rows that the reader picks."""
    part = choose_part()
    display = choose_display(MEMORY_AND_TIME, analysis)
    if part == MEMORY:
        memory_view(analysis, display.level)
    else:
        layer_times_view(analysis, display.level)
    return display

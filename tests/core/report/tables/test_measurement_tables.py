"""Measurements as tables that say what they are about."""

from __future__ import annotations

import pytest

from core.measure.gradient_records import (
    GradientFlow,
)
from core.report.tables.csv import to_csv
from core.report.tables.measurements import first_and_last_frame, flow_frame
from tests.core.measure.example_flows import flow


def test_the_tables_say_what_they_are_about():
    result = GradientFlow(1.0, "fashion-mini", 16, "a test", (flow(0.5, shortcut="none"),))
    frame = flow_frame(result)
    assert len(frame) == 20
    assert set(frame["options"]) == {"shortcut=none"} and set(frame["network"]) == {"resnet20"}
    assert first_and_last_frame(result)["first_by_last_weight_gradient"][0] == pytest.approx(0.5)
    assert "default" in to_csv(frame)

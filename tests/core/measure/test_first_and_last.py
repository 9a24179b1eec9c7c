"""What of the last layer's gradient arrives at the first one."""

from __future__ import annotations

import pytest

from core.measure.first_and_last import first_and_last, gradient_outcome
from tests.core.measure.example_flows import flow


def test_ends_and_fate():
    both = first_and_last(flow(1e-6), "weight_gradient")
    assert both is not None
    assert both.ratio == pytest.approx(1e-6, rel=1e-3)
    assert both.a_layer == pytest.approx(1e-6 ** (1 / 18), rel=1e-3)
    assert [gradient_outcome(ratio) for ratio in (None, 1e-3, 1.0, 1e3)] == [
        *("cannot be told", "vanishes", "is kept", "explodes")
    ]

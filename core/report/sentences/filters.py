"""How far training has moved the filters of a convolution, in a sentence."""

from __future__ import annotations

import numpy as np

from core.inside.filters_records import Kernels
from core.report import formats

_STILL = 1e-6  # share of its length below which a filter has not moved


def kernel_finding(kernels: Kernels) -> str:
    """Which filter moved most and by what share of its length; and the median."""
    moved = kernels.moved
    most = int(moved.argmax())
    if moved[most] < _STILL:
        return (
            f"The {len(moved)} filters of {kernels.path} are as initialized: choose the parameters"
            " after training to see their change."
        )
    return (
        f"Of the {len(moved)} filters of {kernels.path}, filter {most} moved most: by"
        f" {formats.whole_percent(float(moved[most]))} of the length that it began with; half of"
        f" them moved by {formats.whole_percent(float(np.median(moved)))} or less."
    )

"""How far training has moved the filters of a convolution, in a sentence."""

from __future__ import annotations

import numpy as np

from core.inside.filters_records import Kernels
from core.language import _
from core.report import formats

_STILL = 1e-6  # share of its length below which a filter has not moved


def kernel_finding(kernels: Kernels) -> str:
    """Which filter moved most and by what share of its length; and the median."""
    moved = kernels.moved
    most = int(moved.argmax())
    if moved[most] < _STILL:
        return _(
            "The {filters} filters of {path} are as initialized: choose the parameters after"
            " training to see their change.",
            filters=len(moved),
            path=kernels.path,
        )
    return _(
        "Of the {filters} filters of {path}, filter {most} moved most: by {share} of the length"
        " that it began with; half of them moved by {median} or less.",
        filters=len(moved),
        path=kernels.path,
        most=most,
        share=formats.whole_percent(float(moved[most])),
        median=formats.whole_percent(float(np.median(moved))),
    )

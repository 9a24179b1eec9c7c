"""Measures anew what comes with the lab: core/measure/shipped/*.json.gz.

`python -m tools.make_shipped_measurements [NAME …]`, on a machine that does nothing else.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Mapping
from typing import Any

from core.jobs.measurements import MEASURES
from core.jobs.store import open_store
from core.measure.shipped import REQUESTS, file_of

_DIGITS = 6  # that count, of each number


def main(names: list[str]) -> None:
    """Measure those named, or all."""
    store = open_store()
    for name in names or REQUESTS:
        *_, last = MEASURES[REQUESTS[name].kind](store, REQUESTS[name])
        text = json.dumps(_rounded(last.result), separators=(",", ":"))
        file_of(name).write_bytes(gzip.compress(text.encode(), mtime=0))


def _rounded(value: Any) -> Any:
    """Numbers with fewer digits: what is measured has no more."""
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}")
    if isinstance(value, Mapping):
        return {key: _rounded(one) for key, one in value.items()}
    return [_rounded(one) for one in value] if isinstance(value, list | tuple) else value


if __name__ == "__main__":
    main(sys.argv[1:])

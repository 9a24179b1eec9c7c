"""The lab without a browser: `python -m core list | analyze | train | ...`; `--help` tells all."""

from __future__ import annotations

import os
import sys

from core.cli.commands import main

if __name__ == "__main__":
    # Threads that never spin while they wait train a small network nearly three times slower; those
    # that spin long are a tenth faster still, but ten times slower beside a second process that
    # trains on all cores. The OpenMP runtime reads this when torch loads it.
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8")  # type: ignore[union-attr]  # titles have ×
    sys.exit(main())

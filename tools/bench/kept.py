"""Figures on the screen and as CSV, each beside what it was before on the same kind of machine."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tools.bench.figures import Row, machine

if TYPE_CHECKING:
    import pandas as pd

_SHIPPED = Path(__file__).parents[2] / "docs" / "measured"
_COLUMNS = (
    *("figure", "value", "lowest", "highest", "of"),
    *("before", "unit", "wanted", "machine", "date"),
)


def keep(rows: list[Row], prefix: str = "") -> None:
    """Print the figures and keep them in BENCH_RESULTS, with the machine in each row."""
    import pandas as pd

    here, before = machine(), earlier(machine())
    frame = pd.DataFrame(rows)
    known = frame["figure"].map(before).astype(float)
    frame = frame.assign(before=known, machine=here, date=time.strftime("%Y-%m-%d"))
    frame = frame.reindex(columns=list(_COLUMNS))
    path = results_folder() / f"{prefix}{time.strftime('%Y%m%d-%H%M%S')}.csv"
    frame.to_csv(path, index=False)
    print(frame.drop(columns=["machine", "date"]).to_string(index=False, na_rep=""))
    print(f"{here}\nkept in {path}")


def results_folder() -> Path:
    """Where figures are kept: BENCH_RESULTS, else bench-results."""
    folder = Path(os.environ.get("BENCH_RESULTS") or "bench-results")
    folder.mkdir(exist_ok=True)
    return folder


def earlier(machine: str) -> dict[str, float]:
    """The last known value of each figure on this kind of machine, with whatever torch.

    From what ships with the lab in docs/measured, then from what was kept here.
    """
    known: dict[str, float] = {}
    for path in (*sorted(_SHIPPED.glob("bench_*.csv")), *sorted(results_folder().glob("*.csv"))):
        frame = _read(path)
        same = frame["machine"].map(_kind) == _kind(machine)
        known |= dict(zip(frame["figure"][same], frame["value"][same], strict=True))
    return known


def _read(path: Path) -> pd.DataFrame:
    """Its figures; other tables have none."""
    import pandas as pd

    frame = pd.read_csv(path)
    return frame if "figure" in frame else pd.DataFrame(columns=list(_COLUMNS))


def _kind(machine: str) -> str:
    return machine.partition(", torch")[0]

"""Every CSV is safe to open."""

from __future__ import annotations

from io import StringIO

import pandas as pd

from core.analysis import analyze
from core.report.tables.counts import hand_count_frame
from core.report.tables.csv import to_csv
from core.specs import ModelSpec


def test_csv_keeps_whole_numbers_whole_beside_empty_cells_and_defuses_formulas():
    from core.explain.hand_count.check import check

    analysis = analyze(ModelSpec("lenet", image_size=28))
    first, *_, last = to_csv(hand_count_frame(analysis, check("5x5x1x6+6", analysis))).splitlines()[
        1:
    ]
    assert first.endswith("parameters,1,5×5×1×6 + 6,156,block1.conv,156,right")
    assert last.endswith("parameters,,,,dense3.linear,850,left out")
    cells = ["=1+1", "+1", "-1", "@SUM(A1)", "＝1+1", "\t=1", "\n=1", "a=1"]
    written = pd.read_csv(StringIO(to_csv(pd.DataFrame({"cell": cells}))))["cell"].tolist()
    assert written == [*(f"'{cell}" for cell in cells[:-1]), "a=1"]

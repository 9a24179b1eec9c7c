"""Every CSV is safe to open, and says which network it is about."""

from __future__ import annotations

from io import StringIO

import pandas as pd

from core.analysis import analyze
from core.explain.other_counters import other_counts
from core.report.tables.counts import account_frame, hand_count_frame
from core.report.tables.csv import to_csv
from core.report.tables.layers import formula_frame
from core.report.tables.networks import memory_frame
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


# Every table describes itself


def test_every_csv_of_the_views_says_which_network_it_is_about():
    from core.explain.hand_count.check import check
    from core.explain.reconcile import reconcile

    spec = ModelSpec("vgg11", 4, 96)
    analysis = analyze(spec)
    for frame in (
        memory_frame(analysis, 32, True, 2),
        formula_frame(analysis),
        hand_count_frame(analysis, check("3x3x1x16", analysis)),
        account_frame(analysis, reconcile(analysis, other_counts(spec))),
    ):
        assert set(frame["network"]) == {"vgg11"}
        assert set(frame["ratio"]) == {4} and set(frame["image_size"]) == {96}

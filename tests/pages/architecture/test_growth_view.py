"""The Growth view of a DenseNet."""

from __future__ import annotations

import re

import pytest

from tests.pages.opening import open_page


@pytest.mark.slow
def test_growth_is_shown_for_densenets_only():
    name = "DenseNet: DenseNet of the book"  # as older addresses say it
    app = open_page(
        "pages/architecture.py", net_network=name, net_view="Growth", net_growth_rate="16"
    )
    assert not app.error
    frame = app.dataframe[-1].value
    assert frame["after it"].tolist()[:5] == [80, 96, 112, 128, 64]
    assert any("reads 64 + 1 · 16 = 80 channels" in one.value for one in app.markdown)
    said = next(one.value for one in app.markdown if "nearest to it" in one.value)
    # S13: equal accuracy, from real runs
    assert len(re.findall(r"has [\d.]+ times (more|fewer) parameters", said)) == 3
    app = open_page("pages/architecture.py")
    assert "Growth" not in app.segmented_control(key="net_view").options

"""The Overview page as a script: its three cards and the newest runs."""

from __future__ import annotations

from tests.pages.opening import finished_run, labels, open_page


def test_the_overview_says_what_the_lab_is_and_offers_three_ways_to_start():
    app = open_page()
    assert app.title[0].value == "CNN Architecture Lab"
    assert labels(app) == ["Open VGG-11", "Set up the run", "Compare the blocks"]
    assert "No runs yet" in app.info[0].value


def test_the_overview_lists_the_newest_runs_with_their_state():
    run_id = finished_run()
    table = open_page().dataframe[0].value
    assert table["run"].tolist() == [f"train?run={run_id}"]
    assert table["state"].tolist() == ["✓ finished"]
    assert table["best accuracy"].tolist() == [81.25]

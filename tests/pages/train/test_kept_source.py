"""A run of a network in somebody's file, on the pages: what it kept, and what the file is now."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.jobs.store import open_store
from core.specs import ModelSpec
from core.zoo import own
from core.zoo.catalogue import complete
from tests.pages.architecture.test_own_network import FILE
from tests.pages.opening import finished_run, open_page


@pytest.fixture
def file(networks_file):
    return networks_file(FILE)


def net() -> ModelSpec:
    return complete(ModelSpec("nets.py:Net", image_size=28))


def record(run_id: int):
    app = open_page("pages/train.py", run=str(run_id))
    assert not app.error
    [told] = [one.value for one in app.caption if one.value.startswith("Its network is that of")]
    [button] = [one for one in app.get("download_button") if one.label == "Source: nets.py"]
    return told, button


def test_a_run_says_what_became_of_its_file_and_offers_what_it_kept(file):
    run_id = finished_run(model=net())
    digits = open_store().get(run_id).source.sha256[:12]
    told, _ = record(run_id)
    assert told.endswith(f"whose SHA-256 begins with {digits}, as the file still is.")
    file.write_text("class Net(:")
    assert "The file has changed since" in record(run_id)[0]
    file.unlink()
    assert "The file is gone" in record(run_id)[0]


def test_what_the_file_imports_from_beside_it_is_offered_too(file):
    beside = file.parent / "beside_page.py"
    beside.write_text("WIDTH = 8")
    file.write_text("from beside_page import WIDTH\n" + FILE)
    run_id = finished_run(model=net())
    beside.write_text("WIDTH = 16")
    told, _ = record(run_id)
    assert "nets.py with beside_page.py" in told and "One of these files has changed" in told
    app = open_page("pages/train.py", run=str(run_id))
    assert "Source: beside_page.py" in [one.label for one in app.get("download_button")]


def test_a_kept_source_that_is_gone_is_said(file):
    run_id = finished_run(model=net())
    own.file_of(open_store().get(run_id).spec.model.arch).unlink()
    app = open_page("pages/train.py", run=str(run_id))
    assert any("not kept here any more" in one.value for one in app.caption)


def test_the_list_tells_runs_of_two_sources_apart(file):
    first = finished_run(model=net())
    file.write_text(FILE + "\n# a remark\n")
    second = finished_run(model=net())
    finished_run()
    table = open_page("pages/runs.py").dataframe[0].value.set_index("run")
    kept = {run: open_store().get(run).source.sha256[:12] for run in (first, second)}
    for run, now in ((first, "changed"), (second, "the same")):
        row = table.loc[f"train?run={run}"]
        assert row["network"].startswith(f"nets.py@{kept[run]}:Net, ") and row["file"] == now
    assert len(set(kept.values())) == 2
    app = open_page("pages/runs.py")
    assert app.multiselect(key="runs_network").options == ["course-residual", "nets.py:Net"]


def test_without_runs_of_own_networks_the_list_has_no_such_column():
    finished_run()
    assert "file" not in open_page("pages/runs.py").dataframe[0].value


def test_compare_counts_only_runs_of_the_file_as_it_is(file):
    finished_run(model=net())
    address = {"networks": net().to_text()}

    def best() -> list[float]:
        frame = open_page("pages/compare.py", **address).dataframe[0].value
        return frame["best accuracy"].tolist() if "best accuracy" in frame else []

    assert best() == [81.25]
    file.write_text(FILE + "\n# a remark\n")
    assert best() == []


def test_a_new_run_like_it_is_of_the_file_as_it_is(file):
    run_id = finished_run(model=replace(net(), options={"width": 12, "deep": False}))
    app = open_page("pages/train.py", run=str(run_id))
    app.button(key="train_again").click().run()
    assert app.selectbox(key="train_network").value == "nets.py:Net"
    assert app.slider(key="train_arg_width").value == 12

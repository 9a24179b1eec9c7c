"""The soak with small counts: what dies loses nothing, and no figure changes."""

from __future__ import annotations

import pytest

from tests import ray_cluster
from tests.required import skip_without
from tools import soak

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.slow
def test_a_worker_killed_over_and_over_changes_no_figure():
    findings = soak.worker_kills(2)  # the second in the middle of a checkpoint
    assert findings.faults == []
    assert findings.counts["kills"] == 2 and findings.counts["in the middle of a write"] == 1


@pytest.mark.slow
def test_several_workers_execute_each_run_once():
    assert soak.queue(workers=2, runs=6).faults == []


@pytest.mark.slow
def test_writers_and_readers_never_lock_each_other_out():
    findings = soak.hammer_store(writers=3, readers=2, seconds=1.5)
    assert findings.faults == []
    assert findings.counts["runs written"] > 6 and findings.counts["times read"] > 2


@pytest.mark.slow
@pytest.mark.postgresql
def test_a_database_that_is_restarted_over_and_over_changes_no_figure(database):
    findings = soak.database_restarts(2)
    assert findings.faults == []
    assert findings.counts["restarts"] == 2


@pytest.mark.slow
@pytest.mark.sqlite
def test_a_bucket_that_answers_badly_changes_no_figure(s3_server):  # skipped where there is none
    with soak.own_folder():
        findings = soak.bucket_errors(2)
    assert findings.faults == []
    assert findings.counts["kills"] == 2 and findings.counts["bad answers"] > 5


@pytest.mark.slow
@pytest.mark.postgresql
def test_a_worker_that_wakes_after_its_lease_changes_no_figure(database):
    with soak.own_folder():
        findings = soak.sleeping_workers(2)
    assert findings.faults == []
    assert findings.counts["sleeps"] == 2


@pytest.mark.slow
@pytest.mark.sqlite
def test_nodes_of_a_cluster_that_die_change_no_figure():
    skip_without(ray_cluster.why_not(), "LAB_REQUIRE_RAY")
    with soak.own_folder():
        findings = soak.node_kills(1)
    assert findings.faults == []
    assert findings.counts["kills"] == 1

"""Which jobs go to which node: the order of the queue, what fits, what is kept for who waits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.jobs.engines.cluster.placing import Node, Room, Share, free_devices, place, room_in
from core.jobs.records import JobState, Measurement, Run
from core.specs import ModelSpec, RunSpec
from core.training.recipes import recipe
from core.training.records import ComputePlan, Device

pytestmark = pytest.mark.sqlite  # asks no database

GIB = 2**30
CPU = Device("cpu", "a CPU, 4 threads", 8 * GIB)
CARD = Device("cuda", "a card", 16 * GIB)
SPEC = RunSpec(ModelSpec("lenet"), "fashion-mini", recipe("fast", 64, epochs=1))


def node(name: str = "a", cores: int = 4, cards: int = 0) -> Node:
    return Node(name, f"machine-{name}", cores, 8 * GIB, CPU, CARD if cards else None, cards)


def run(run_id: int, device: str = "cpu", study: str | None = "one", **more) -> Run:
    return Run(run_id, JobState.QUEUED, spec=SPEC, study=study, needs_device=device, **more)


def placed(jobs, rooms) -> list[tuple[int, str, int]]:
    return [(one.job.id, one.node.id, one.share.threads) for one in place(list(jobs), rooms)]


def rooms(*nodes: Node) -> list[Room]:
    return room_in(nodes, [])


def test_runs_of_a_study_get_a_core_each_in_their_order_where_most_are_free():
    two, one = node("a", cores=2), node("b", cores=1)
    assert placed(map(run, range(1, 6)), rooms(two, one)) == [(1, "a", 1), (2, "a", 1), (3, "b", 1)]


def test_a_run_that_goes_on_gets_the_threads_of_its_plan():
    plan = ComputePlan(threads=3, channels_last=False)
    assert placed([run(1, compute_plan=plan)], rooms(node())) == [(1, "a", 3)]
    assert placed([run(1, compute_plan=plan)], rooms(node(cores=2))) == [(1, "a", 2)]


def test_single_runs_share_what_is_free():
    alone = [run(number, study=None) for number in (1, 2)]
    assert placed(alone[:1], rooms(node())) == [(1, "a", 4)]
    assert placed(alone, rooms(node())) == [(1, "a", 2), (2, "a", 2)]


def test_what_measures_a_cpu_has_all_of_it():
    measurement = Measurement(
        1, JobState.QUEUED, needs_device="cpu", needs_hardware=CPU.hardware, kind="x", key="y"
    )
    assert placed([measurement], rooms(node("a"))) == [(1, "a", 4)]
    other = replace(measurement, needs_hardware="another CPU")
    assert placed([other], rooms(node("a"))) == []


def test_nobody_behind_takes_the_room_that_a_larger_job_waits_for():
    wide = run(1, compute_plan=ComputePlan(threads=4, channels_last=False))
    busy = room_in([node("a"), node("b", cores=1)], [(node("a"), Share(1))])
    assert placed([wide, run(2), run(3)], busy) == [(2, "b", 1)]


def test_a_job_that_no_node_can_ever_take_is_passed_over():
    wanted = [run(1, "cuda"), run(2, needs_bytes=9 * GIB), run(3)]
    assert placed(wanted, rooms(node())) == [(3, "a", 1)]


def test_memory_is_shared_out_too():
    large = [run(number, needs_bytes=5 * GIB) for number in (1, 2)]
    assert placed(large, rooms(node())) == [(1, "a", 1)]


def test_a_card_takes_a_job_at_a_time_and_a_core():
    there = node(cards=2)
    jobs = [run(number, "cuda", needs_bytes=9 * GIB) for number in (1, 2, 3)]
    given = place(jobs, rooms(there))
    assert [(one.job.id, one.share) for one in given] == [
        (1, Share(1, cards=1)),
        (2, Share(1, cards=1)),
    ]
    assert free_devices(room_in([there], [(there, Share(1, cards=2))])) == [CPU]
    assert free_devices(room_in([there], [(there, Share(4))])) == []


def test_a_node_is_a_worker_with_its_cores_and_one_for_each_card():
    cores, first, second = node(cards=2).workers()
    assert (cores.process, cores.cores, cores.devices) == ("ray a", 4, (CPU,))
    assert (first.process, second.process) == ("ray a card 0", "ray a card 1")
    assert first.devices == (CARD,) and all(one.is_node for one in (cores, first, second))


def test_what_a_node_that_is_gone_had_given_is_no_longer_counted():
    assert room_in([node("b")], [(node("a"), Share(1))])[0].cores == 4

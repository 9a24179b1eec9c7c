"""The dispatcher: gives each free job of the store to a node of the cluster that has room for it.

No more than fit, so that Ray's own queue stays empty and the store says what comes next. Where
several dispatch, as several page servers do, a job may be given out twice: one of both claims it,
and the other ends at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from core.jobs.bell import Bell
from core.jobs.engines.cluster import tasks
from core.jobs.engines.cluster.nodes import Nodes, cause, task_on
from core.jobs.engines.cluster.placing import (
    CPU,
    Node,
    Placement,
    Room,
    Share,
    free_devices,
    place,
    room_in,
)
from core.jobs.heartbeat import RETRY_SECONDS
from core.jobs.pulse import pulse
from core.jobs.store import Store, StoreUnavailable
from core.operating.logs import log
from core.specs import LabError

_LOOK_SECONDS = 1.0  # between two looks, though nothing wakes it
_LEAVE_SECONDS = 3.0  # in which tasks give their jobs back
_PAUSE_SECONDS = 5.0  # before a job is given out again that nobody took, or that killed its process
_SPARE = 8  # jobs beyond the free cores that are looked at: some may have to wait


@dataclass(frozen=True)
class _Given:
    """A task of Ray's that was given a job (None: a measurement of the node's speed)."""

    job_id: int | None
    node: Node
    share: Share


class Dispatcher:
    """One process's part in giving out the queue."""

    def __init__(self, ray: Any, address: str, store: Store) -> None:
        self.ray, self.store = ray, store
        self.awake = threading.Event()
        self.nodes = Nodes(ray, address, store, self._wake)
        self.given: dict[Any, _Given] = {}  # by task
        self.not_before: dict[int, float] = {}  # job → when it may be given out again
        self.measured: set[tuple[str, str]] = set()  # devices, so that each is tried once

    def run(self, leave: threading.Event) -> None:
        """Until `leave` is set, a second at most; then what is under way is queued again.

        Raises LabError where the cluster is gone.
        """
        threading.Thread(target=self._listen, daemon=True).start()
        try:
            self._give_out_until(leave)
            self._cancel()
        finally:
            with suppress(LabError):
                self._release()
                self.nodes.leave()

    def _give_out_until(self, leave: threading.Event) -> None:
        is_told = False
        while not leave.is_set():
            pulse.beat()
            self.awake.clear()
            try:
                self.nodes.refresh()
                self._collect()
                self._give_out()
                is_told = False
            except StoreUnavailable as error:
                if not is_told:
                    log("store-away", f"{error} The dispatcher waits.")
                is_told = True
                time.sleep(RETRY_SECONDS)
            self.awake.wait(_LOOK_SECONDS)

    def _listen(self) -> None:
        """The bell of the store wakes as the end of a task does."""
        bell = Bell(self.store)
        while True:
            bell.wait()
            self._wake()

    def _wake(self, *_done: object) -> None:
        self.awake.set()

    def _collect(self) -> None:
        """Take note of tasks that are over, however they ended.

        Behind a lost link they end for nobody: Ray waits for their answers.
        """
        self.given = {
            task: given for task, given in self.given.items() if not self.nodes.is_gone(given.node)
        }
        if not self.given:
            return
        done, _ = self.ray.wait(list(self.given), num_returns=len(self.given), timeout=0)
        for task in done:
            given = self.given.pop(task)
            errors = self.ray.exceptions
            try:
                has_executed = self.ray.get(task)
            except (errors.NodeDiedError, errors.TaskUnschedulableError):
                self.nodes.forget(given.node.id)
            except errors.RayError as error:
                self._lose(given, error)
            else:
                if has_executed is False:
                    self._pause(given.job_id)

    def _lose(self, given: _Given, error: Exception) -> None:
        """The process died, or never came to life: before its lease ends nobody else says so."""
        log("task-lost", f"A task of the cluster ended: {cause(error)}.", job=given.job_id)
        if given.job_id is not None:
            self._pause(given.job_id)
            if not given.share.cards:  # of a card's jobs nobody knows which were its
                self.store.end_lease(given.node.name, given.job_id)

    def _pause(self, job_id: int | None) -> None:
        if job_id is not None:
            self.not_before[job_id] = time.monotonic() + _PAUSE_SECONDS

    def _give_out(self) -> None:
        """Jobs to where there is room; where there is nothing else to do, speeds are measured."""
        rooms = room_in(self.nodes.usable(), [(one.node, one.share) for one in self.given.values()])
        devices = free_devices(rooms)
        if not devices:
            return
        for placement in place(self._waiting(rooms, devices), rooms):
            self._give(placement)
        if not self.given:
            self._measure_speeds()

    def _waiting(self, rooms: list[Room], devices: list[Any]) -> list[Any]:
        now = time.monotonic()
        self.not_before = {job: at for job, at in self.not_before.items() if at > now}
        held = {given.job_id for given in self.given.values()} | set(self.not_before)
        limit = sum(max(0, room.cores) for room in rooms) + len(held) + _SPARE
        waiting = self.store.waiting(limit=limit, devices=devices)
        return [job for job in waiting if job.id not in held]

    def _give(self, placement: Placement) -> None:
        node, share = placement.node, placement.share
        task = self._task(tasks.execute, node, share)
        self._start(task, _Given(placement.job.id, node, share), placement.job.id, node, share)

    def _task(self, function: Callable[..., Any], node: Node, share: Share) -> Any:
        """A process that has used one card of several cannot use another one."""
        is_kept = not share.cards or node.cards == 1
        taken = {"num_cpus": share.threads, "num_gpus": share.cards, "memory": share.memory_bytes}
        return task_on(self.ray, function, node.id, is_kept, **taken)

    def _start(self, task: Any, given: _Given, *arguments: Any) -> None:
        reference = task.remote(*arguments)
        self.given[reference] = given
        reference.future().add_done_callback(self._wake)

    def _measure_speeds(self) -> None:
        for node, device in self.nodes.unmeasured():
            named = device.name, device.hardware
            if named not in self.measured:
                self.measured.add(named)
                share = Share(node.cores, cards=int(device.name != CPU))
                task = self._task(tasks.measure, node, share)
                self._start(task, _Given(None, node, share), device, node.cores)

    def _cancel(self) -> None:
        """Tasks end with this process: their jobs need not wait for the end of their leases."""
        for task in self.given:
            self.ray.cancel(task)
        if self.given:
            self.ray.wait(list(self.given), num_returns=len(self.given), timeout=_LEAVE_SECONDS)

    def _release(self) -> None:
        """What tasks that did not end in time still hold; it is theirs no longer."""
        jobs_of = {worker.process: worker.jobs for worker in self.store.workers()}
        for given in self.given.values():
            if given.job_id in jobs_of.get(given.node.name, ()):
                self.store.release(self.store.job(given.job_id))

"""Learners at page servers, simulated event by event.

A process computes on one core at most (Python's interpreter lock), and what is asked of it at once
shares it equally; the busy processes of a machine share its cores equally. What a learner does is
one of the measured actions, drawn from all of them; it goes through the parts of the lab in turn.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import NamedTuple

from tools.scaling.actions import Action

_ARRIVAL_SECONDS = 10.0  # in which all learners come
WARM_SECONDS = 20.0  # in which nothing is counted

Then = Callable[[], None]


class Process(NamedTuple):
    """Where it is and which one it is."""

    machine: int
    part: str
    number: int


@dataclass(frozen=True)
class Site:
    """Machines, and what runs on them."""

    page_servers: int
    cores: int  # of each machine
    servers_each: int  # page servers on one machine
    is_one_machine: bool = False  # all of it, the visitors too, as where it was measured

    def process(self, part: str, server: int) -> Process:
        """That which does a part of the work for the visitors of this page server."""
        machines = -(-self.page_servers // self.servers_each)
        match part:
            case "page servers" | "PyTorch beside pages":
                return Process(server // self.servers_each, part, server)
            case "PostgreSQL":  # a process for a connection; each page server has its own
                return Process(0 if self.is_one_machine else machines, part, server)
            case "nginx":  # a process for a core
                machine = 0 if self.is_one_machine else machines + 1
                return Process(machine, part, server % self.cores)
            case _:
                return Process(0, part, 0)

    def works(self, part: str) -> bool:
        """Whether it is part of the site: browsers are elsewhere, but where it was measured."""
        return part != "visitors" or self.is_one_machine


class _Machine:
    """Jobs by their process. A process's clock goes as far as each of its jobs has got."""

    def __init__(self, cores: int) -> None:
        self.cores, self.now, self.plans = cores, 0.0, 0
        self.clocks: dict[Process, float] = {}
        self.jobs: dict[Process, list[tuple[float, int, Then]]] = {}  # heaps: clock at the end
        self.core_seconds = 0.0

    def speed(self, process: Process) -> float:
        """Of each job of the process, as a share of a core."""
        return min(1.0, self.cores / len(self.jobs)) / len(self.jobs[process])

    def advance(self, now: float) -> None:
        for process in self.jobs:
            self.clocks[process] += (now - self.now) * self.speed(process)
        self.core_seconds += (now - self.now) * min(self.cores, len(self.jobs))
        self.now = now

    def add(self, process: Process, work: float, number: int, then: Then) -> None:
        if process not in self.jobs:
            self.jobs[process], self.clocks[process] = [], 0.0
        heapq.heappush(self.jobs[process], (self.clocks[process] + work, number, then))

    def next_end(self) -> tuple[float, Process]:
        """When the first job ends, if no other one comes before."""
        left = {
            process: max(0.0, jobs[0][0] - self.clocks[process]) / self.speed(process)
            for process, jobs in self.jobs.items()
        }
        first = min(left, key=left.__getitem__)
        return self.now + left[first], first

    def take(self, process: Process) -> Then:
        _clock, _number, then = heapq.heappop(self.jobs[process])
        if not self.jobs[process]:
            del self.jobs[process]
        return then


class Pages:
    """A site and its learners."""

    def __init__(
        self,
        site: Site,
        actions: Sequence[Action],
        learners: int,
        pause: tuple[float, float],
        seed: int = 0,
    ) -> None:
        self.site, self.actions, self.pause = site, actions, pause
        self.draw = random.Random(seed)
        self.now = 0.0
        self.answers: list[tuple[str, float]] = []  # kind of action, seconds
        self._events: list[tuple[float, int, Then]] = []
        self._numbers = count()
        self._machines: dict[int, _Machine] = {}
        for learner in range(learners):
            server = learner % site.page_servers
            self._later(_ARRIVAL_SECONDS * self.draw.random(), partial(self._act, server))

    def run(self, seconds: float) -> list[tuple[str, float]]:
        """What the actions of this time after the warm-up have taken."""
        while self._events and self._events[0][0] < WARM_SECONDS + seconds:
            self.now, _number, then = heapq.heappop(self._events)
            then()
        return self.answers

    def cores_busy(self, machine: int) -> float:
        """Of one machine, since the beginning."""
        return self._machines[machine].core_seconds / self.now if machine in self._machines else 0.0

    def _later(self, seconds: float, then: Then) -> None:
        heapq.heappush(self._events, (self.now + seconds, next(self._numbers), then))

    def _act(self, server: int) -> None:
        """A learner does something, waits for the answer, looks at it, and so on."""
        action, began = self.draw.choice(self.actions), self.now

        def answered() -> None:
            if began >= WARM_SECONDS:
                self.answers.append((action.kind, self.now - began))
            self._later(self.draw.uniform(*self.pause), partial(self._act, server))

        stages = [(part, work) for part, work in action.cpu.items() if self.site.works(part)]
        self._later(action.idle_seconds, partial(self._work, server, stages, answered))

    def _work(self, server: int, stages: Sequence[tuple[str, float]], then: Then) -> None:
        """One part after the other."""
        if not stages:
            then()
            return
        (part, work), *rest = stages
        process = self.site.process(part, server)
        machine = self._machines.setdefault(process.machine, _Machine(self.site.cores))
        machine.advance(self.now)
        machine.add(process, work, next(self._numbers), partial(self._work, server, rest, then))
        self._plan(machine)

    def _plan(self, machine: _Machine) -> None:
        """Its next end; what was planned before no longer holds."""
        machine.plans += 1
        if machine.jobs:
            at, process = machine.next_end()
            self._later(at - self.now, partial(self._end, machine, machine.plans, process))

    def _end(self, machine: _Machine, plan: int, process: Process) -> None:
        if plan == machine.plans:
            machine.advance(self.now)
            then = machine.take(process)
            self._plan(machine)
            then()

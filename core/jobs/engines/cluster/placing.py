"""Which jobs go to which node: in the order of the queue, as far as there is room.

Imports neither Ray nor torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from core.jobs.records import Measurement, Run
from core.jobs.workers import NODE, Worker
from core.training.records import Device

CPU = "cpu"


def node_name(node_id: str) -> str:
    """The worker that the cores of this node of Ray's are; those of its cards begin so."""
    return f"{NODE}{node_id[:16]}"


@dataclass(frozen=True)
class Node:
    """What a machine of the cluster has for the lab."""

    id: str  # as Ray has it
    machine: str
    cores: int
    memory_bytes: int  # for processes, as Ray shares it out
    cpu: Device
    card: Device | None = None  # as a task sees the one it was given; None: it has none
    cards: int = 0

    @property
    def name(self) -> str:
        """The worker that its cores are."""
        return node_name(self.id)

    def card_name(self, number: int) -> str:
        """The worker that one of its cards is."""
        return f"{self.name} card {number}"

    def workers(self) -> list[Worker]:
        """What it declares: a worker for its cores, and one for each card."""
        own = self.machine, (self.cpu,), self.cores, self.memory_bytes
        workers = [Worker(self.name, *own)]
        if self.card:
            workers += [
                Worker(self.card_name(number), self.machine, (self.card,), 1, self.memory_bytes)
                for number in range(self.cards)
            ]
        return workers


@dataclass(frozen=True)
class Share:
    """What a job gets of its node."""

    threads: int
    cards: int = 0
    memory_bytes: int = 0  # of the machine


@dataclass(frozen=True)
class Placement:
    """A job, and where it goes."""

    job: Run | Measurement
    node: Node
    share: Share


@dataclass
class Room:
    """What is free of a node; below zero where something is kept for a job that waits."""

    node: Node
    cores: int = field(init=False)
    cards: int = field(init=False)
    memory_bytes: int = field(init=False)

    def __post_init__(self) -> None:
        self.cores, self.cards = self.node.cores, self.node.cards
        self.memory_bytes = self.node.memory_bytes

    def take(self, share: Share) -> None:
        """So much less is free."""
        self.cores -= share.threads
        self.cards -= share.cards
        self.memory_bytes -= share.memory_bytes

    def has(self, share: Share) -> bool:
        """Whether so much is free."""
        return (
            share.threads <= self.cores
            and share.cards <= self.cards
            and share.memory_bytes <= self.memory_bytes
        )


def room_in(nodes: Iterable[Node], taken: Iterable[tuple[Node, Share]]) -> list[Room]:
    """What is free of each node when these shares are taken."""
    rooms = {node.id: Room(node) for node in nodes}
    for node, share in taken:
        if node.id in rooms:
            rooms[node.id].take(share)
    return list(rooms.values())


def free_devices(rooms: Iterable[Room]) -> list[Device]:
    """The devices on which something could begin now."""
    devices: dict[tuple[str, str, int | None], Device] = {}
    for room in rooms:
        if room.cores > 0:
            for device in (room.node.cpu, room.node.card if room.cards > 0 else None):
                if device:
                    devices[device.name, device.hardware, device.memory_bytes] = device
    return list(devices.values())


def place(jobs: Sequence[Run | Measurement], rooms: Sequence[Room]) -> list[Placement]:
    """Those of the jobs, in their order, that can begin now, each where most cores are free.

    For one that has to wait the room is kept where it will come first, so that smaller ones behind
    it do not take it away for ever.
    """
    placements = []
    most_cores = max((room.node.cores for room in rooms), default=0)
    for index, job in enumerate(jobs):
        share_in = partial(_share, job, waiting=len(jobs) - index, most_cores=most_cores)
        choices = [(room, share) for room in rooms if (share := share_in(room))]
        if not choices:  # no node of this cluster is large enough
            continue
        fitting = [choice for choice in choices if choice[0].has(choice[1])]
        room, share = max(fitting or choices, key=lambda choice: choice[0].cores)
        room.take(share)
        if fitting:
            placements.append(Placement(job, room.node, share))
    return placements


def _share(job: Run | Measurement, room: Room, waiting: int, most_cores: int) -> Share | None:
    """What the job would get of this node; None where the node can never execute it.

    So many jobs are `waiting`, it among them.
    """
    node, needs = room.node, job.needs
    if needs.is_met_by(node.cpu):
        share = Share(
            _threads(job, room, waiting, most_cores), memory_bytes=needs.memory_bytes or 0
        )
        return share if Room(node).has(share) else None
    if node.card and needs.is_met_by(node.card):
        return Share(1, cards=1)
    return None


def _threads(job: Run | Measurement, room: Room, waiting: int, most_cores: int) -> int:
    """CPU threads: those of its compute plan, once it has one, as far as any node has as many.

    Runs of a study go fastest side by side, a thread each. What measures a CPU has all of it.
    Another job gets its part of what is free.
    """
    if isinstance(job, Run):
        if job.compute_plan:
            return min(job.compute_plan.threads, most_cores)
        if job.study:
            return 1
    elif job.needs.device:
        return room.node.cores
    return max(1, room.cores // waiting)

"""What one action of a visitor takes of each part of the lab while nobody else is there."""

from __future__ import annotations

import asyncio
import csv
import random
import time
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.bench.figures import machine
from tools.load.session import Session
from tools.load.usage import cpu_of_processes
from tools.load.visitors import Diary, act

FILE = Path(__file__).parents[2] / "docs" / "measured" / "actions.csv"
PARTS = ("nginx", "page servers", "PyTorch beside pages", "PostgreSQL", "visitors")
# CPU of an action while others are served too, as a multiple of what it takes alone: 50 ms beside
# 41.5, by `make load` with a hundred visitors on three page servers. Processors' caches are shared
AMONG_OTHERS = 1.2
_WARM = 80  # actions that fill caches first, as a class does within its first minute
_AFTERWARDS_SECONDS = 0.1  # in which a server ends what an answer has left to do


@dataclass(frozen=True)
class Action:
    """One that was measured."""

    kind: str
    seconds: float  # until its answer is whole
    cpu: dict[str, float]  # seconds of each of PARTS

    def among_others(self) -> Action:
        """As it is on a server with many visitors."""
        cpu = {part: AMONG_OTHERS * used for part, used in self.cpu.items()}
        return Action(self.kind, AMONG_OTHERS * self.seconds, cpu)

    @property
    def idle_seconds(self) -> float:
        """Of the answer's time, what no part computes in: timers of Streamlit, the network."""
        return max(0.0, self.seconds - sum(self.cpu.values()))


def measured(port: int, page_servers: Collection[int], count: int) -> list[Action]:
    """So many actions of one visitor, drawn as those of a class are."""
    return asyncio.run(_visit(port, page_servers, count))


async def _visit(port: int, page_servers: Collection[int], count: int) -> list[Action]:
    session, choose, page = Session(port), random.Random(1), "architecture"
    await session.open(page)
    actions: list[Action] = []
    for number in range(_WARM + count):
        diary, before = Diary(), cpu_of_processes(page_servers)
        began = time.process_time()
        page = await act(session, page, choose, diary)
        own = time.process_time() - began
        await asyncio.sleep(_AFTERWARDS_SECONDS)
        used: dict[str, float] = defaultdict(float)
        for process, (part, seconds) in cpu_of_processes(page_servers).items():
            used[part] += seconds - before.get(process, (part, 0.0))[1]
        used["visitors"] = own  # without what looking at all processes takes
        [(kind, [seconds])] = diary.seconds.items()
        if number >= _WARM:
            actions.append(Action(kind, seconds, {part: used[part] for part in PARTS}))
    await session.close()
    return actions


def write(actions: list[Action]) -> None:
    """Keep them, with the machine in each row."""
    with FILE.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["action", "seconds", *(f"cpu: {part}" for part in PARTS), "machine"])
        for action in actions:
            used = [f"{action.cpu[part]:.5f}" for part in PARTS]
            rows.writerow([action.kind, f"{action.seconds:.5f}", *used, machine()])


def read() -> Iterator[Action]:
    """Those that are kept."""
    with FILE.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            cpu = {part: float(row[f"cpu: {part}"]) for part in PARTS}
            yield Action(row["action"], float(row["seconds"]), cpu)

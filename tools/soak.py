"""`make soak`: kill the lab over and over; nothing may be lost, and no figure may change.

`python -m tools.soak [NAME ...]` runs these only: worker-kills, server-kills, queue, store,
database-restarts (of PostgreSQL), bucket-errors (of S3), sleeping-workers, node-kills (of a Ray
cluster). The test suite runs the same with small counts.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from core.jobs.execution import execute
from core.jobs.files import load_checkpoint
from core.jobs.store import JobState, Run, Store, open_store
from core.specs import ModelSpec, RunSpec
from core.training.recipes import recipe
from core.training.records import TIMES
from tests import postgresql, ray_cluster, s3

PROJECT = Path(__file__).parents[1]
LONG = RunSpec(  # some seconds on one thread, with a checkpoint every few steps
    ModelSpec("course-residual", image_size=28),
    "fashion-mini",
    recipe("fast", 600, epochs=4, batch_size=20),
    train_images=600,
)
TINY = RunSpec(
    ModelSpec("lenet", image_size=28),
    "fashion-mini",
    recipe("fast", 64, epochs=1, batch_size=32),
    train_images=64,
)

# A worker that is missed soon and writes often, so that a soak takes minutes rather than hours. It
# dies in the middle of the checkpoint that its argument counts to.
# Another argument is by how many seconds its clock is wrong.
LEASE_SECONDS = 2.0
WORKER = f"""
import os, signal, sys, time
wrong, right = float([*sys.argv, 0][2]), time.time
time.time = lambda: right() + wrong
import torch
from core.jobs import heartbeat, queue, train, worker
from core.jobs.store import open_store

queue.LEASE_SECONDS, heartbeat.HEARTBEAT_SECONDS = {LEASE_SECONDS}, 0.1
train.Checkpointer.keep_when_due = lambda checkpointer: (
    checkpointer.keep_checkpoint() if checkpointer.training.step % 5 == 0 else None
)
writes, save = int(sys.argv[1]), torch.save

def save_and_die(state, path):
    global writes
    writes -= 1
    save(state, path)
    if writes == 0:
        with open(path, "r+b") as file:
            file.truncate(path.stat().st_size // 2)
        os.kill(os.getpid(), signal.SIGKILL)

torch.save = save_and_die
worker.main(open_store(), drain=True, exit_with_parent=False)
"""


@dataclass(frozen=True)
class Findings:
    """What a soak has seen."""

    title: str
    counts: Mapping[str, float]
    faults: list[str]


def history(store: Store, run_id: int) -> list[dict[str, object]]:
    """The figures of every epoch, without the times, which no two runs share."""
    return [
        {name: value for name, value in asdict(row).items() if name not in TIMES}
        for row in store.epochs([run_id])[run_id]
    ]


def unbroken(store: Store, spec: RunSpec) -> Run:
    """The same run, never killed."""
    run = store.start_here(spec)
    assert execute(store, run) is JobState.FINISHED
    return store.get(run.id)


def faults_of(store: Store, run: Run, expected: Run) -> Iterator[str]:
    """What differs between a run that was killed and one that was not."""
    if run.state is not JobState.FINISHED:
        yield f"run {run.id} is {run.state}: {run.message}"
        return
    if run.note:
        yield f"run {run.id} has a note: {run.note}"
    if history(store, run.id) != history(store, expected.id):
        yield f"run {run.id} has other figures"
    ours, theirs = load_checkpoint(run), load_checkpoint(expected)
    assert ours is not None and theirs is not None
    for part in ("network", "optimiser"):
        if not equal(ours[part], theirs[part]):
            yield f"run {run.id} has another {part}"


def equal(one: object, other: object) -> bool:
    """Whether two nested states are the same to the last bit."""
    if isinstance(one, torch.Tensor):
        return isinstance(other, torch.Tensor) and torch.equal(one, other)
    if isinstance(one, dict):
        return isinstance(other, dict) and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return isinstance(other, list | tuple) and all(map(equal, one, other))
    return one == other


def worker_kills(kills: int, seed: int = 0) -> Findings:
    """kill -9 of the worker at random moments, every third time in the middle of a checkpoint."""
    store, chance = open_store(), random.Random(seed)
    expected = unbroken(store, LONG)
    done, attempts, faults = 0, 0, list[str]()
    in_a_write = 0
    while done < kills:
        run_id = store.enqueue(LONG)
        while not store.get(run_id).state.is_over:
            kill = done < kills
            writes = chance.randrange(2, 9) if kill and done % 3 == 1 else 0
            worker = subprocess.Popen([sys.executable, "-c", WORKER, str(writes)], cwd=PROJECT)
            attempts += 1
            if kill and not writes:
                wait_for_progress(store, run_id, worker)
                time.sleep(chance.random())
                worker.kill()
            died = worker.wait() == -signal.SIGKILL
            done += died
            in_a_write += died and bool(writes)
        faults += faults_of(store, store.get(run_id), expected)
    counts = {"kills": done, "in the middle of a write": in_a_write, "attempts": attempts}
    return Findings("kill -9 of the worker", counts, faults)


def wait_for_progress(store: Store, run_id: int, worker: subprocess.Popen[bytes]) -> None:
    """Until the run has a checkpoint that it did not have before: three deaths without end it."""
    before = store.get(run_id).checkpoint
    while worker.poll() is None and store.get(run_id).checkpoint == before:
        time.sleep(0.02)


def server_kills(kills: int, seed: int = 0) -> Findings:
    """kill -9 of the page server while its worker trains, then a new server."""
    from playwright.sync_api import sync_playwright

    from tests.browser.conftest import launch, start_server

    store, chance = open_store(), random.Random(seed)
    spec = replace(LONG, recipe=replace(LONG.recipe, epochs=40))
    expected, run_id = unbroken(store, spec), store.enqueue(spec)
    done = 0
    with sync_playwright() as driver, launch(driver) as browser:
        while not store.get(run_id).state.is_over:
            with start_server() as (url, server):
                page = browser.new_page()
                page.goto(f"{url}/train?run={run_id}")
                before = len(history(store, run_id))
                while not (over := store.get(run_id).state.is_over):
                    if done < kills and len(history(store, run_id)) > before:
                        break
                    time.sleep(0.05)
                if not over:
                    time.sleep(0.3 * chance.random())
                    server.kill()
                    server.wait()
                    done += 1
                page.close()
    faults = list(faults_of(store, store.get(run_id), expected))
    return Findings("kill -9 of the page server", {"kills": done}, faults)


def queue(workers: int, runs: int) -> Findings:
    """Several workers on one store: each run is executed exactly once."""
    store = open_store()
    ids = store.enqueue_all([replace(TINY, seed=seed) for seed in range(runs)])
    command = [sys.executable, "-m", "core", "worker", "--drain"]
    began = time.perf_counter()
    processes = [subprocess.Popen(command, cwd=PROJECT) for _ in range(workers)]
    faults = [f"a worker ended with {code}" for p in processes if (code := p.wait())]
    epochs = store.epochs(ids)
    for run in store.runs():
        if run.state is not JobState.FINISHED or run.attempt != 1 or len(epochs[run.id]) != 1:
            faults.append(f"run {run.id}: {run.state}, attempt {run.attempt}, {epochs[run.id]}")
    counts = {"workers": workers, "runs": runs, "seconds": time.perf_counter() - began}
    return Findings("several workers on one queue", counts, faults)


def database_restarts(restarts: int, workers: int = 2, seed: int = 0) -> Findings:
    """PostgreSQL stops, every other time as if its machine had failed, while workers train."""
    title = "restarts of PostgreSQL under workers"
    if reason := postgresql.why_not():
        return Findings(f"{title}: left out, {reason}", {}, [])
    chance = random.Random(seed)
    with postgresql.server() as server, server.database() as address:
        os.environ["LAB_DATABASE_URL"] = address
        store = open_store()
        specs = [replace(LONG, seed=seed) for seed in range(workers)]
        expected = {spec: unbroken(store, spec) for spec in specs}
        command = [sys.executable, "-m", "core", "worker"]
        processes = [subprocess.Popen(command, cwd=PROJECT) for _ in range(workers)]
        done, ids, faults = 0, list[int](), list[str]()
        while done < restarts:
            ids += (queued := store.enqueue_all(specs))
            while not all(store.get(run_id).state.is_over for run_id in queued):
                time.sleep(0.5 + 2 * chance.random())
                if done < restarts:
                    server.stop(signal.SIGQUIT if done % 2 else signal.SIGINT)
                    time.sleep(4 * chance.random())
                    server.start()
                    done += 1
        faults += [f"a worker ended with {p.returncode}" for p in processes if p.poll() is not None]
        for process in processes:
            process.kill()
            process.wait()
        for run in map(store.get, ids):
            faults += faults_of(store, run, expected[run.spec])
            if run.attempt != 1:
                faults.append(f"run {run.id} was begun {run.attempt} times")
        store.close()
    return Findings(title, {"restarts": done, "workers": workers, "runs": len(ids)}, faults)


def bucket_errors(kills: int, seed: int = 0) -> Findings:
    """Every sixth answer of the bucket is bad, and each worker that is killed had its own disk."""
    title = "bad answers of the bucket under workers that die"
    if reason := s3.why_not():
        return Findings(f"{title}: left out, {reason}", {}, [])
    chance, top = random.Random(seed), Path(os.environ["LAB_RUNS_DIR"])
    os.environ["LAB_DATABASE_URL"] = f"sqlite:///{top / 'lab.sqlite'}"
    done, bad, faults = 0, 0, list[str]()

    def badly(answer: Callable[[], s3.Answer]) -> s3.Answer:
        nonlocal bad
        if chance.random() > 1 / 6:
            return answer()
        bad += 1
        return chance.choice((s3.overloaded, s3.forbidden, s3.broken, s3.half, s3.changed))(answer)

    with s3.server() as server:
        os.environ.update(server.environment("soak"), LAB_CACHE_DIR=str(top / "here"))
        store = open_store()
        expected = unbroken(store, LONG)
        while done < kills:
            run_id = store.enqueue(LONG)
            while not store.get(run_id).state.is_over:
                disk = str(top / f"machine-{done}")
                environment = os.environ | {"LAB_RUNS_DIR": disk, "LAB_CACHE_DIR": disk}
                with server.mood(badly, "GET", "HEAD", "PUT", "POST", "DELETE"):
                    worker = subprocess.Popen(
                        [sys.executable, "-c", WORKER, "0"], cwd=PROJECT, env=environment
                    )
                    if done < kills:
                        wait_for_progress(store, run_id, worker)
                        time.sleep(chance.random())
                        worker.kill()
                    done += worker.wait() == -signal.SIGKILL
            faults += faults_of(store, store.get(run_id), expected)
    return Findings(title, {"kills": done, "bad answers": bad}, faults)


def sleeping_workers(sleeps: int, seed: int = 0) -> Findings:
    """A worker sleeps longer than its lease, and wakes while another goes on with its run.

    On PostgreSQL the clocks of the workers are also an hour wrong, each in its own direction.
    """
    chance, faults = random.Random(seed), list[str]()
    with ExitStack() as at_the_end:
        is_there = not postgresql.why_not()
        if is_there:
            server = at_the_end.enter_context(postgresql.server())
            os.environ["LAB_DATABASE_URL"] = at_the_end.enter_context(server.database())
        store = open_store()
        at_the_end.callback(store.close)
        expected, done, attempts = unbroken(store, LONG), 0, 0
        while done < sleeps:
            run_id = store.enqueue(LONG)
            asleep = list[subprocess.Popen[bytes]]()
            while not store.get(run_id).state.is_over:
                clock = str(chance.choice((-3_600, 3_600)) if is_there else 0)
                worker = subprocess.Popen([sys.executable, "-c", WORKER, "0", clock], cwd=PROJECT)
                attempts += 1
                if done < sleeps and len(asleep) < 2:
                    wait_for_progress(store, run_id, worker)
                    time.sleep(0.3 * chance.random())
                    worker.send_signal(signal.SIGSTOP)
                    asleep.append(worker)
                    done += 1
                    time.sleep(LEASE_SECONDS + 0.5)
                else:
                    wait_for_progress(store, run_id, worker)
                    for sleeper in asleep:
                        sleeper.send_signal(signal.SIGCONT)
                    worker.wait()
            for sleeper in asleep:
                sleeper.send_signal(signal.SIGCONT)
                sleeper.wait()
            faults += faults_of(store, store.get(run_id), expected)
    counts = {"sleeps": done, "attempts": attempts, "wrong clocks": attempts * is_there}
    return Findings("workers that sleep longer than their lease", counts, faults)


def node_kills(kills: int, seed: int = 0) -> Findings:
    """One of two nodes of a Ray cluster dies while both train, and another comes in its place."""
    title = "kill -9 of nodes of a cluster"
    if reason := ray_cluster.why_not():
        return Findings(f"{title}: left out, {reason}", {}, [])
    store, chance = open_store(), random.Random(seed)
    longer = replace(LONG, recipe=replace(LONG.recipe, epochs=30))
    specs = [replace(longer, seed=seed) for seed in range(2)]
    expected = {spec: unbroken(store, spec) for spec in specs}
    done, ids, faults = 0, list[int](), list[str]()
    with ray_cluster.cluster(nodes=2) as nodes, nodes.dispatching():
        while done < kills:
            ids += (queued := store.enqueue_all(specs))
            before = dict.fromkeys(queued, 0)
            while not all(store.get(run_id).state.is_over for run_id in queued):
                epochs = {run_id: len(history(store, run_id)) for run_id in queued}
                both = sum(bool(worker.jobs) for worker in store.workers()) == 2
                if both and done < kills and all(epochs[each] > before[each] for each in queued):
                    time.sleep(chance.random())
                    nodes.kill_last_node()
                    done += 1
                    before = epochs
                    with nodes.another_node():
                        pass
                time.sleep(0.05)
    for run in map(store.get, ids):
        faults += faults_of(store, run, expected[run.spec])
    attempts = sum(run.attempt for run in map(store.get, ids))
    return Findings(title, {"kills": done, "runs": len(ids), "attempts": attempts}, faults)


HAMMER = """
import sys, time
from core.jobs.store import open_store
from core.specs import LabError, RunSpec
from core.training.records import EpochMetrics, Progress

kind, seconds, spec = sys.argv[1], float(sys.argv[2]), RunSpec.from_json(sys.argv[3])
store = open_store()
end, done, errors = time.monotonic() + seconds, 0, []
while time.monotonic() < end:
    try:
        if kind == "writer":
            store.enqueue(spec)
            run = store.claim()
            for epoch in (1, 2):
                store.heartbeat(run, Progress("training", epoch, 2, 1, 2))
                store.record(run, EpochMetrics(epoch, 1.0, 0.1, 1.0, 0.1, 1.0, 1.0, 1.0, 0.1))
            store.finish(run, "finished")
        else:
            runs = store.runs(limit=20)
            store.epochs([run.id for run in runs])
            time.sleep(0.2)  # a page looks once a second
        done += 1
    except LabError as error:
        errors.append(str(error))
print(done, *errors, sep="\\n")
"""


def hammer_store(writers: int, readers: int, seconds: float) -> Findings:
    """Writers and readers at once: no "database is locked"."""
    open_store()
    kinds = ["writer"] * writers + ["reader"] * readers
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", HAMMER, kind, str(seconds), TINY.to_json()],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for kind in kinds
    ]
    done: Counter[str] = Counter()
    faults = []
    for kind, process in zip(kinds, processes, strict=True):
        output = process.communicate()[0].splitlines() or ["0", f"a {kind} died"]
        done[kind] += int(output[0])
        faults += output[1:]
    counts = {"writers": writers, "readers": readers, "seconds": seconds}
    counts |= {"runs written": done["writer"], "times read": done["reader"]}
    return Findings("writers and readers on one store", counts, faults)


@contextmanager
def own_folder() -> Iterator[None]:
    """A LAB_RUNS_DIR of the soak's own, and one thread for each process."""
    with tempfile.TemporaryDirectory() as folder:
        before = dict(os.environ)
        os.environ.update(LAB_RUNS_DIR=folder, OMP_NUM_THREADS="1")
        os.environ.pop("LAB_DATABASE_URL", None)
        torch.set_num_threads(1)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


PARTS: dict[str, Callable[[], Findings]] = {
    "worker-kills": lambda: worker_kills(50),
    "server-kills": lambda: server_kills(10),
    "queue": lambda: queue(4, 200),
    "store": lambda: hammer_store(8, 30, 60.0),
    "database-restarts": lambda: database_restarts(20),
    "bucket-errors": lambda: bucket_errors(20),
    "sleeping-workers": lambda: sleeping_workers(20),
    "node-kills": lambda: node_kills(20),
}


def main(names: list[str]) -> int:
    """Run, print, and exit with 1 where anything was lost."""
    broken = 0
    for name in names or PARTS:
        with own_folder():
            findings = PARTS[name]()
        counts = ", ".join(f"{key} {value:,.0f}" for key, value in findings.counts.items())
        print(f"{findings.title}: {counts}; {len(findings.faults)} faults", flush=True)
        for fault in findings.faults[:20]:
            print(f"  {fault}")
        broken += len(findings.faults)
    return min(1, broken)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

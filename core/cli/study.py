"""python -m core study"""

from __future__ import annotations

import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from core.cli.exit_codes import FAILED, INTERRUPTED
from core.cli.flags import RunFlags, Several, command, csv_option
from core.cli.runs import check_writable
from core.cli.workers import offers_to, workers_for_runs
from core.cli.writing import say, write_table
from core.report import formats
from core.specs import MAX_SEED, MAX_SEEDS, LabError, ModelSpec, RunSpec, check_whole

if TYPE_CHECKING:
    from core.jobs.offers import Offer
    from core.jobs.store import Run, Store, Study
    from core.studies.plan import Options, StudyPlan
    from core.studies.study import Group, StudyProgress

_LOOK_SECONDS = 0.5


@command("study", "compare variants of a network over several seeds, with a verdict")
@click.option("--network", default="course-residual", metavar="ARCH")
@click.option(
    "--variants", type=Several(click.STRING), default=(), metavar="NAME ...", help="its blocks"
)
@click.option("--argument", metavar="NAME", help="of a network of your own: what is varied")
@click.option("--values", type=Several(click.STRING), default=(), metavar="VALUE ...")
@click.option("--seeds", type=int, default=3, metavar="N")
@click.option("--first-seed", type=int, default=0, metavar="N")
@click.option("--dataset", default="fashion-mini", metavar="NAME")
@click.option("--train-images", type=int, metavar="N")
@click.option("--recipe", default="fast", metavar="NAME")
@click.option("--epochs", type=int, default=3, metavar="N")
@click.option("--device", metavar="NAME")
@click.option("--go-on", metavar="ID", help="follow this study instead, and continue what stopped")
@csv_option(help="write a row a variant to FILE")
def study(
    network: str,
    variants: tuple[str, ...],
    argument: str | None,
    values: tuple[str, ...],
    seeds: int,
    first_seed: int,
    dataset: str,
    train_images: int | None,
    recipe: str,
    epochs: int,
    device: str | None,
    go_on: str | None,
    csv: Path | None,
) -> int:
    """Trains variants of a network over several seeds and prints the verdict.

    What the Residual page does: the runs are queued as one study, which that page shows too, and
    executed by workers of this machine, a core each. Ctrl-C leaves the rest in the queue;
    `--go-on ID` follows it again.
    """
    from core.jobs.offers import device_names
    from core.jobs.store import open_store

    if csv:
        check_writable(csv)
    store = open_store()
    if go_on is not None:
        found = known_study(store, go_on)
        store.continue_study(found.id)
    else:
        check_whole("seeds", seeds, 1, MAX_SEEDS)
        check_whole("first_seed", first_seed, 0, MAX_SEED - seeds + 1)
        flags = RunFlags(
            network,
            dataset=dataset,
            train_images=train_images,
            recipe=recipe,
            epochs=epochs,
            device=device,
        )
        offers = offers_to(store)
        run = flags.run_spec(device_names(offers))
        compared = _compared(run.model.arch, variants, argument, values)
        plan = _plan(run, compared, range(first_seed, first_seed + seeds), offers)
        found = store.create_study(plan.title, plan.settings, plan.specs)
    say(f"Study {found.id}: {found.title}.")
    try:
        _follow(store, found)
    except KeyboardInterrupt:
        say(
            "Interrupted. What is left stays in the queue;"
            f" `python -m core study --go-on {found.id}` goes on with it."
        )
        return INTERRUPTED
    return _write(store, found, csv)


def known_study(store: Store, name: str) -> Study:
    """The study of this name. Raises LabError, which names the newest."""
    studies = {found.id: found for found in store.studies()}
    if name not in studies:
        newest = ", ".join(list(studies)[:3]) or "there are none yet"
        raise LabError(f"There is no study {name}; the newest: {newest}.")
    return studies[name]


def _compared(
    network: str, variants: tuple[str, ...], argument: str | None, values: tuple[str, ...]
) -> dict[str, Options]:
    """What to compare, with its options: blocks, or values of an argument. Raises LabError."""
    from core.studies.plan import known_variants, usual_variants, values_of
    from core.zoo.catalogue import find
    from core.zoo.own import is_own

    row = find(network)
    if argument is not None or is_own(network):
        options = {option.name: option for option in row.options}
        if argument not in options:
            raise LabError(
                f"{network} has no argument {argument!r}; choose one by --argument:"
                f" {', '.join(options) or 'it has none'}."
            )
        if not values:
            raise LabError(f"Choose values of {argument} to compare, by --values.")
        return values_of(options[argument], values)
    known = known_variants(network) if any(o.name == "shortcut" for o in row.options) else {}
    if unknown := [name for name in variants if name not in known]:
        raise LabError(
            f"{network} has no variant {unknown[0]!r};"
            f" choose from {', '.join(known) or 'other networks'}."
        )
    chosen = list(dict.fromkeys(variants)) or usual_variants(network) if known else []
    if not chosen:
        raise LabError(
            f"The blocks of {network} cannot be exchanged; choose another network, or vary one of"
            " its options by --argument and --values."
        )
    return {name: known[name] for name in chosen}


def _plan(
    run: RunSpec, compared: dict[str, Options], seeds: range, offers: list[Offer]
) -> StudyPlan:
    """The study of these variants, each of which can be trained. Raises LabError."""
    from dataclasses import replace

    from core.cli.runs import check_run
    from core.studies.plan import fit_to_data, plan_study

    fitting = replace(run, model=fit_to_data(run.model, run.dataset))
    plan = plan_study(fitting, compared, seeds)
    for spec in plan.specs[: len(compared)]:
        check_run(spec, offers)
    return plan


def _follow(store: Store, found: Study) -> None:
    """Until every run is over, with workers of this machine for those that wait."""
    from core.analysis.cpu import threads
    from core.jobs.capacity import capacity_of
    from core.jobs.engines.choice import make_engine, starts_engine
    from core.studies.study import progress_of

    with closing(make_engine()) as engine, closing(_Bar()) as bar:
        while True:
            runs = store.runs(study=found.id)
            if all(run.state.is_over for run in runs):
                return
            if starts_engine():
                engine.ensure(store, single=False)
                if engine.problem:
                    bar.tell(engine.problem)
            for sentence in _waiting_for(runs, store):
                bar.tell(sentence)
            capacity = capacity_of(store.workers())
            bar.show(progress_of(runs, capacity.cores if capacity else threads()))
            time.sleep(_LOOK_SECONDS)


def _waiting_for(runs: list[Run], store: Store) -> list[str]:
    """What its queued runs wait for, where nobody has it; a worker may just be starting here."""
    from core.jobs.engines.choice import starts_workers
    from core.jobs.offers import is_any_here, offers_of
    from core.jobs.store import JobState
    from core.report.sentences.workers import waiting_sentence

    workers = workers_for_runs(store)
    if starts_workers() and not is_any_here(workers):
        return []
    offers = offers_of(workers)
    queued = (run for run in runs if run.state is JobState.QUEUED)
    return sorted({waiting_sentence(run.needs, offers) for run in queued} - {""})


class _Bar:
    """How far a study is: a bar on a terminal, elsewhere a line for each run that is over."""

    def __init__(self) -> None:
        from tqdm import tqdm

        self.is_terminal = sys.stderr.isatty()
        self.done, self.told = -1, ""
        self.bar = tqdm(
            total=1.0,
            disable=not self.is_terminal,
            bar_format="{desc}[{bar:16}] {percentage:3.0f} %{postfix}",
            ascii=" #",
            leave=False,
        )

    def show(self, progress: StudyProgress) -> None:
        """At this look."""
        seconds = progress.seconds_left
        left = "" if seconds is None else f", {formats.duration(seconds)} left"
        told = f"{progress.done}/{progress.total} runs "
        if self.is_terminal:
            self.bar.desc, self.bar.postfix = told, left
            self.bar.update(progress.fraction - self.bar.n)
        elif progress.done != self.done:
            say(f"{told.rstrip()}{left}")
        self.done = progress.done

    def tell(self, sentence: str) -> None:
        """Once."""
        if sentence != self.told:
            self.bar.clear()
            say(sentence)
        self.told = sentence

    def close(self) -> None:
        """The bar goes away."""
        self.bar.close()


def _write(store: Store, found: Study, csv: Path | None) -> int:
    """The variants as a table, the verdict, the CSV."""
    from core.analysis import analyze
    from core.report.sentences.verdict import finding, method, pair_sentence
    from core.report.tables.csv import to_csv
    from core.report.tables.studies import summary_frame
    from core.studies.study import by_variant, comparable, verdicts

    runs = store.runs(study=found.id)
    groups = by_variant(runs, store.epochs([run.id for run in runs]))
    costs = {
        model: (totals.params, totals.macs)
        for model in dict.fromkeys(group.model for group in groups)
        for totals in [analyze(model).totals]
    }
    if csv:
        csv.write_text(to_csv(summary_frame(groups, costs)), encoding="utf-8", newline="")
    _write_groups(groups, costs)
    pairs = verdicts(groups)
    if pairs:
        print()
        sentences = [finding(pairs, [group.title for group in comparable(groups)])]
        for sentence in [*sentences, *map(pair_sentence, pairs), method(pairs)]:
            print(sentence.replace("**", ""))
    _tell_unfinished(runs)
    return 0 if all(str(run.state) == "finished" for run in runs) else FAILED


def _write_groups(groups: list[Group], costs: dict[ModelSpec, tuple[int, int]]) -> None:
    import pandas as pd

    write_table(
        pd.DataFrame(
            [
                {
                    "variant": group.title,
                    "runs": len(group.final_accuracies),
                    "final accuracy": (
                        formats.percent_within(group.final.mean, group.final.half)
                        if group.final
                        else formats.NOTHING
                    ),
                    "parameters": costs[group.model][0],
                    "MACs": costs[group.model][1],
                    "seconds": group.seconds,
                }
                for group in groups
            ]
        )
    )


def _tell_unfinished(runs: list[Run]) -> None:
    """Runs that came to no end of their own, with the reason."""
    for run in runs:
        if str(run.state) != "finished":
            say(f"Run {run.id} is {run.state}{f': {run.message}' if run.message else '.'}")

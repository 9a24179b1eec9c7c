"""The lab without a browser: `python -m core list | analyze | train | ...`; `--help` tells all."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from core.cli import gradients, measurements, networks, predictions, reproduce, runs
from core.cli.writing import say
from core.specs import LabError

FAILED, BAD_INPUT, INTERRUPTED, CLOSED_PIPE = 1, 2, 130, 141  # exit codes; 128 + signal


def run_number(text: str) -> int:
    """A number that a run may have; stores count in 64 bits."""
    number = int(text)
    if not 0 < number < 2**63:
        raise argparse.ArgumentTypeError(f"there is no run {text}; `runs` lists those there are")
    return number


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code. What goes wrong is one sentence on standard error."""
    arguments = make_parser().parse_args(argv)
    try:
        code: int = arguments.command(arguments)
        sys.stdout.flush()
        return code
    except LabError as error:
        say(str(error))
        return BAD_INPUT
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader, `head` perhaps, has seen enough
        give_up_output()
        return CLOSED_PIPE
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        say(f"Could not read or write{where}: {error.strerror or error}.")
        give_up_output()
        return BAD_INPUT


def give_up_output() -> None:
    """Let the interpreter's last flush go nowhere, for it would complain again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def make_parser() -> argparse.ArgumentParser:
    """Every command with its flags; names are checked by the commands, which load the catalogue."""
    parser = argparse.ArgumentParser(prog="python -m core", description="The CNN Architecture Lab.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_list(commands)
    add_analyze(commands)
    add_time(commands)
    add_bench(commands)
    add_gradients(commands)
    add_predict(commands)
    add_train(commands)
    add_submit(commands)
    add_runs(commands)
    add_one_run(commands)
    add_reproduce(commands)
    add_worker(commands)
    return parser


Commands = argparse._SubParsersAction  # argparse gives the type of its subparsers no public name


def add_list(commands: Commands[argparse.ArgumentParser]) -> None:
    """python -m core list"""
    parser = commands.add_parser("list", help="every network, with its defaults and options")
    add_format(parser)
    parser.set_defaults(command=networks.list_networks)


def add_analyze(commands: Commands[argparse.ArgumentParser]) -> None:
    """python -m core analyze"""
    parser = commands.add_parser(
        "analyze",
        help="what every layer of a network costs",
        description="Shapes, parameters, MACs and bytes of every layer. Shapes are (N, C, H, W)"
        " with N the batch size; MACs, FLOPs, element-wise operations and the bytes of a layer are"
        " per image; training_bytes is the peak of a training step with the whole batch.",
    )
    add_network(parser)
    parser.add_argument("--batch-size", type=int, default=1, metavar="N", help="default: 1")
    parser.add_argument(
        "--level",
        choices=("block", "weight-layer", "module"),
        default="module",
        help="a row for each block, each layer with weights, or every module and functional"
        " operation (default)",
    )
    add_format(parser)
    parser.set_defaults(command=networks.analyze)


def add_time(commands: Commands[argparse.ArgumentParser]) -> None:
    """python -m core time"""
    parser = commands.add_parser(
        "time",
        help="how long every layer of a network takes here",
        description="Runs the network on random images and times every layer, forward and"
        " backward: medians over several passes, beside the multiply-adds and what the device"
        " achieves on them.",
    )
    add_network(parser)
    parser.add_argument("--batch-size", type=int, default=32, metavar="N", help="default: 32")
    parser.add_argument("--passes", type=int, default=9, metavar="N", help="default: 9")
    parser.add_argument("--device", help="cpu, cuda, mps; default: the fastest of this machine")
    add_measurement(parser)
    parser.set_defaults(command=measurements.time_layers)


def add_bench(commands: Commands[argparse.ArgumentParser]) -> None:
    """python -m core bench"""
    parser = commands.add_parser(
        "bench",
        help="how many images a second train here, and how many as published",
        description="Trains for some seconds with each batch size on each device of this machine,"
        " in turns with the published loop (a DataLoader over PIL images): medians over several"
        " rounds, beside what a matrix product achieves.",
    )
    add_run(parser, arch="course-residual")
    parser.add_argument(
        "--batch-sizes", type=int, nargs="+", metavar="N", help="default: the recipe's"
    )
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="default: 5")
    parser.add_argument("--all-devices", action="store_true", help="one after the other")
    add_measurement(parser)
    parser.set_defaults(command=measurements.bench)


def add_gradients(commands: Commands[argparse.ArgumentParser]) -> None:
    """python -m core gradients"""
    parser = commands.add_parser(
        "gradients",
        help="gradient norm and activation variance of every layer",
        description="One forward and backward pass on a batch of real images: the norm of the"
        " gradient of every layer's weights and output, and the variance of its output; median and"
        " range over several seeds. Compare depths, shortcuts, with and without BatchNorm.",
    )
    add_network(parser, arch="")
    parser.add_argument("--depths", type=int, nargs="+", default=[], metavar="N")
    parser.add_argument("--shortcuts", nargs="+", default=[], metavar="NAME")
    parser.add_argument("--batch-norm", choices=("with", "without", "both"))
    parser.add_argument("--initialization", choices=("default", "xavier", "he"), default="default")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="default: 3")
    parser.add_argument("--batch-size", type=int, default=16, metavar="N", help="default: 16")
    parser.add_argument("--dataset", default="fashion-mini", help="default: fashion-mini")
    parser.add_argument(
        "--runs",
        type=run_number,
        nargs="+",
        default=[],
        metavar="RUN",
        help="finished runs: as initialized, and with their best parameters",
    )
    add_measurement(parser)
    parser.set_defaults(command=gradients.gradients)


def add_predict(commands: Commands[argparse.ArgumentParser]) -> None:
    """python -m core predict"""
    parser = commands.add_parser(
        "predict",
        help="what a run's best parameters say to each test image",
        description="The probabilities of every class for every test image, by the parameters of"
        " the run's best epoch.",
    )
    parser.add_argument("run", type=run_number, metavar="RUN", help="its number, see `runs`")
    add_measurement(parser)
    parser.set_defaults(command=predictions.predict)


def add_train(commands: Commands[argparse.ArgumentParser]) -> None:
    """python -m core train"""
    parser = commands.add_parser(
        "train",
        help="train a network here and now",
        description="Train a network in this terminal. The run is kept in the store, so the Runs"
        " page shows it too; Ctrl-C stops it and keeps the epochs that are finished.",
    )
    add_run(parser)
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the epochs to FILE")
    parser.set_defaults(command=runs.train)


def add_submit(commands: Commands[argparse.ArgumentParser]) -> None:
    """python -m core submit"""
    parser = commands.add_parser(
        "submit",
        help="put a run into the queue",
        description="Puts a run into the queue and prints its number; a worker executes it: that of"
        " the page server, or `python -m core worker`.",
    )
    add_run(parser)
    parser.set_defaults(command=runs.submit)


def add_one_run(commands: Commands[argparse.ArgumentParser]) -> None:
    """python -m core stop | resume | export"""
    stop = commands.add_parser("stop", help="stop a run; what it has learned is kept")
    resume = commands.add_parser("resume", help="put a stopped or failed run back into the queue")
    export = commands.add_parser("export", help="the epochs of a run as CSV")
    for parser, command in ((stop, runs.stop), (resume, runs.resume), (export, runs.export)):
        parser.add_argument("run", type=run_number, metavar="RUN", help="its number, see `runs`")
        parser.set_defaults(command=command)
    resume.add_argument(
        "--epochs",
        type=int,
        metavar="N",
        help="let a finished run with a constant learning rate go on to N epochs",
    )
    export.add_argument("--csv", type=Path, metavar="FILE", help="default: standard output")


def add_runs(commands: Commands[argparse.ArgumentParser]) -> None:
    """python -m core runs"""
    parser = commands.add_parser("runs", help="every run so far, the newest first")
    add_format(parser)
    parser.set_defaults(command=runs.list_runs)


def add_reproduce(commands: Commands[argparse.ArgumentParser]) -> None:
    """python -m core reproduce"""
    parser = commands.add_parser(
        "reproduce",
        help="train the runs that the lab ships again",
        description="Trains the rows of the course note as published (10 epochs of MNIST, batch"
        " 64, SGD 0.01, momentum 0.5), its two homework blocks also corrected, the chapter's"
        " VGG-11, ratio 4, at 64 pixels instead of 224, or thin DenseNets beside residual nets"
        " (10 epochs of fashion-mini), over several seeds, and writes every epoch."
        " Runs that are in the store are not trained again.",
    )
    parser.add_argument(
        "--rows",
        nargs="+",
        choices=tuple(reproduce.RUNS),
        default=["course"],
        help="default: course",
    )
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="default: 5")
    parser.add_argument("--csv", type=Path, required=True, metavar="FILE", help="where to write")
    parser.set_defaults(command=reproduce.reproduce)


def add_worker(commands: Commands[argparse.ArgumentParser]) -> None:
    """python -m core worker"""
    parser = commands.add_parser("worker", help="execute the runs that are queued")
    parser.add_argument("--drain", action="store_true", help="end when the queue is empty")
    parser.add_argument(
        "--exit-with-parent", action="store_true", help="end when standard input closes"
    )
    parser.add_argument(
        "--only",
        choices=("any", "single", "studies"),
        default="any",
        help="which runs: of no study, of studies, any (default)",
    )
    parser.set_defaults(command=runs.work)


def add_run(parser: argparse.ArgumentParser, arch: str | None = None) -> None:
    """The flags that make a RunSpec."""
    add_network(parser, arch)
    parser.add_argument(
        "--dataset",
        default="fashion-mini",
        help="fashion-mini (default, shipped), mnist or fashion-mnist (downloaded once)",
    )
    parser.add_argument("--train-images", type=int, metavar="N", help="default: all")
    parser.add_argument(
        "--recipe", default="fast", help="fast (default), published-vgg or published-course"
    )
    parser.add_argument("--epochs", type=int, metavar="N", help="default: the recipe's")
    parser.add_argument("--batch-size", type=int, metavar="N", help="default: the recipe's")
    parser.add_argument(
        "--lr", type=float, metavar="RATE", help="learning rate, of one-cycle the peak"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default: 0")
    parser.add_argument("--device", help="cpu, cuda, mps; default: the fastest of this machine")


def add_network(parser: argparse.ArgumentParser, arch: str | None = None) -> None:
    """The flags that make a ModelSpec; what is left out comes from the network's own default."""
    about = "a name that `python -m core list` shows"
    if arch is not None:
        shown = arch or "resnet110, or only the runs"
        parser.add_argument(
            "arch", metavar="ARCH", nargs="?", default=arch, help=f"{about}; default: {shown}"
        )
    else:
        parser.add_argument("arch", metavar="ARCH", help=about)
    parser.add_argument("--ratio", type=int, metavar="N", help="divides the channel counts")
    parser.add_argument("--size", type=int, metavar="PIXELS", help="image side")
    parser.add_argument("--in-channels", type=int, metavar="N", help="1 gray, 3 color")
    parser.add_argument("--classes", type=int, metavar="N", help="outputs of the network")
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an option of the network; may be given several times",
    )


def add_measurement(parser: argparse.ArgumentParser) -> None:
    """How a measurement is written, and the flags with which a page starts it."""
    parser.add_argument("--keep", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--exit-with-parent", action="store_true", help=argparse.SUPPRESS)
    add_format(parser)


def add_format(parser: argparse.ArgumentParser) -> None:
    """How the command writes to standard output."""
    parser.add_argument(
        "--format", choices=("table", "csv", "json"), default="table", help="default: table"
    )


if __name__ == "__main__":
    # Threads that never spin while they wait train a small network nearly three times slower; those
    # that spin long are a tenth faster still, but ten times slower beside a second process that
    # trains on all cores. The OpenMP runtime reads this when torch loads it.
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8")  # type: ignore[union-attr]  # titles have ×
    sys.exit(main())

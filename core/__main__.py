"""The lab without a browser: `python -m core list | analyze | time | train | runs | worker`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from core import cli
from core.specs import LabError

FAILED, BAD_INPUT, INTERRUPTED, CLOSED_PIPE = 1, 2, 130, 141  # exit codes; 128 + signal


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code. What goes wrong is one sentence on standard error."""
    arguments = make_parser().parse_args(argv)
    try:
        code: int = arguments.command(arguments)
        sys.stdout.flush()
        return code
    except LabError as error:
        cli.say(str(error))
        return BAD_INPUT
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader, `head` perhaps, has seen enough
        give_up_output()
        return CLOSED_PIPE
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        cli.say(f"Could not read or write{where}: {error.strerror or error}.")
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
    add_train(commands)
    add_runs(commands)
    add_worker(commands)
    return parser


Commands = argparse._SubParsersAction  # argparse gives the type of its subparsers no public name


def add_list(commands: Commands[argparse.ArgumentParser]) -> None:
    """python -m core list"""
    parser = commands.add_parser("list", help="every network, with its defaults and options")
    add_format(parser)
    parser.set_defaults(command=cli.list_networks)


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
    parser.set_defaults(command=cli.analyze)


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
    parser.add_argument("--keep", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--exit-with-parent", action="store_true", help=argparse.SUPPRESS)
    add_format(parser)
    parser.set_defaults(command=cli.time_layers)


def add_train(commands: Commands[argparse.ArgumentParser]) -> None:
    """python -m core train"""
    parser = commands.add_parser(
        "train",
        help="train a network here and now",
        description="Train a network in this terminal. The run is kept in the store, so the Runs"
        " page shows it too; Ctrl-C stops it and keeps the epochs that are finished.",
    )
    add_network(parser)
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
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the epochs to FILE")
    parser.set_defaults(command=cli.train)


def add_runs(commands: Commands[argparse.ArgumentParser]) -> None:
    """python -m core runs"""
    parser = commands.add_parser("runs", help="every run so far, the newest first")
    add_format(parser)
    parser.set_defaults(command=cli.list_runs)


def add_worker(commands: Commands[argparse.ArgumentParser]) -> None:
    """python -m core worker"""
    parser = commands.add_parser("worker", help="execute the runs that are queued")
    parser.add_argument("--drain", action="store_true", help="end when the queue is empty")
    parser.add_argument(
        "--exit-with-parent", action="store_true", help="end when standard input closes"
    )
    parser.set_defaults(command=cli.work)


def add_network(parser: argparse.ArgumentParser) -> None:
    """The flags that make a ModelSpec; what is left out comes from the network's own default."""
    parser.add_argument("arch", metavar="ARCH", help="a name that `python -m core list` shows")
    parser.add_argument("--ratio", type=int, metavar="N", help="divides the channel counts")
    parser.add_argument("--size", type=int, metavar="PIXELS", help="image side")
    parser.add_argument("--in-channels", type=int, metavar="N", help="1 grey, 3 colour")
    parser.add_argument("--classes", type=int, metavar="N", help="outputs of the network")
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an option of the network; may be given several times",
    )


def add_format(parser: argparse.ArgumentParser) -> None:
    """How the command writes to standard output."""
    parser.add_argument(
        "--format", choices=("table", "csv", "json"), default="table", help="default: table"
    )


if __name__ == "__main__":
    # Threads that spin long while they wait make training over 10 times slower beside a second
    # process that trains; threads that never spin, 2.7 times slower alone. A short spin costs
    # little in either case. The OpenMP runtime reads this when torch loads it.
    os.environ.setdefault("GOMP_SPINCOUNT", "3000")
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8")  # type: ignore[union-attr]  # titles have ×
    sys.exit(main())

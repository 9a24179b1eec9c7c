"""Every command of `python -m core`, and what becomes of an error: one sentence, one exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from core.cli.backup import backup, restore
from core.cli.cluster import cluster
from core.cli.exit_codes import BAD_INPUT, CLOSED_PIPE, INTERRUPTED
from core.cli.export import export
from core.cli.handout import handout
from core.cli.inside import inside
from core.cli.measurements import bench, estimate, find_rate, gradients, predict, time_layers
from core.cli.networks import analyze, list_networks
from core.cli.reproduce import reproduce
from core.cli.runs import list_runs, resume, stop, submit, train
from core.cli.serve import serve
from core.cli.study import study
from core.cli.worker import worker
from core.cli.workers import list_workers
from core.cli.writing import say
from core.specs import LabError

_PROGRAM = "python -m core"
COMMANDS = (
    *(serve, list_networks, analyze, time_layers, bench, find_rate, estimate, gradients, predict),
    *(inside, handout),
    *(train, submit, study, list_runs, stop, resume, export, reproduce, worker, list_workers),
    cluster,
    *(backup, restore),
)


class _InThisOrder(click.Group):
    """A group that lists its commands as they were given, not by the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands."""
        return list(self.commands)


LAB = _InThisOrder(commands=COMMANDS, help="The CNN Architecture Lab.", no_args_is_help=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code. What goes wrong is one sentence on standard error."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        with LAB.make_context(_PROGRAM, given, max_content_width=100) as context:
            code: int = LAB.invoke(context)
        sys.stdout.flush()
        return code
    except click.exceptions.Exit as done:  # after --help
        return done.exit_code
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else _PROGRAM
        say(f"{error.format_message().rstrip('.')}; see `{path} --help`.")
        return BAD_INPUT
    except LabError as error:
        say(str(error))
        return BAD_INPUT
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader, `head` perhaps, has seen enough
        _give_up_output()
        return CLOSED_PIPE
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        say(f"Could not read or write{where}: {error.strerror or error}.")
        _give_up_output()
        return BAD_INPUT


def _give_up_output() -> None:
    """Let the interpreter's last flush go nowhere, for it would complain again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)

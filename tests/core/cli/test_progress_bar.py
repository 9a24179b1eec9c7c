"""The bar of a run: for a terminal, for a pipe, for a terminal that is gone."""

from __future__ import annotations

import io
import re

import tqdm.std

from core.cli import progress_bar
from core.training.records import EpochMetrics, Progress

EPOCH = EpochMetrics(1, 1.0, 0.5, 1.0, 0.5, 1.0, 1.0, 10.0, 0.1)


class Terminal(io.StringIO):
    """A standard error that somebody looks at."""

    def isatty(self) -> bool:
        return True


def drawn(monkeypatch, *events: tuple[float, Progress | EpochMetrics]) -> list[str]:
    """What a terminal was told, when each event came so many seconds after the start."""
    clock = [100.0]
    monkeypatch.setattr(tqdm.std, "time", lambda: clock[0])
    terminal = Terminal()
    bar = progress_bar.ProgressBar(terminal)
    for seconds, event in events:
        clock[0] = 100.0 + seconds
        bar.show(event)
    bar.close()
    return [line.strip() for line in re.split(r"[\r\n]", terminal.getvalue()) if line.strip()]


def test_a_terminal_gets_a_bar_with_the_time_left(monkeypatch):
    *_, line = drawn(
        monkeypatch,
        (0, Progress("training", 1, 2, 0, 10)),
        (10, Progress("training", 1, 2, 5, 10, 1234.5)),
    )
    assert line == "epoch 1/2 [####            ]  25 %, training, 1,234 images/s, 00:30 left"


def test_the_time_of_a_download_is_not_that_of_the_run(monkeypatch):
    lines = drawn(
        monkeypatch,
        (0, Progress("downloading", 1, 2, 0, 2**20)),
        (50, Progress("downloading", 1, 2, 2**19, 2**20)),
        (100, Progress("training", 1, 2, 0, 10)),
        (110, Progress("training", 1, 2, 5, 10)),
    )
    assert "[########        ]  50 %, downloading, 0.50\u2009MiB, 00:50 left" in lines
    assert lines[-1] == "epoch 1/2 [####            ]  25 %, training, 00:30 left"


def test_an_epoch_is_a_line_of_its_own_with_the_time_left(monkeypatch):
    lines = drawn(
        monkeypatch,
        (0, Progress("training", 1, 2, 0, 10)),
        (10, Progress("training", 1, 2, 10, 10)),
        (10, EPOCH),
    )
    assert lines[-1] == (
        "epoch 1/2: train loss 1.0000, test accuracy 50.00\u2009%, 10 images/s, 10\u2009s left"
    )


def test_a_pipe_gets_a_line_an_epoch_and_no_bar():
    pipe = io.StringIO()
    bar = progress_bar.ProgressBar(pipe)
    bar.show(Progress("training", 1, 1, 5, 10))
    bar.show(Progress("evaluating", 1, 1, 1, 1))
    bar.show(EPOCH)
    bar.close()
    assert pipe.getvalue() == (
        "epoch 1/1: train loss 1.0000, test accuracy 50.00\u2009%, 10 images/s\n"
    )


def test_a_closed_terminal_does_not_end_the_run():
    class Closed(Terminal):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    bar = progress_bar.ProgressBar(Closed())
    bar.show(Progress("training", 1, 1, 1, 2))
    bar.show(EPOCH)
    bar.close()

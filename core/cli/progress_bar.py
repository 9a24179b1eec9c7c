"""How a run goes on, in a terminal."""

from __future__ import annotations

import contextlib
import shutil
import time
from typing import TextIO

from core.report import formats
from core.training.records import EpochMetrics, Progress

REDRAW_SECONDS = 0.1
BAR_WIDTH = 16  # characters


class ProgressBar:
    """A line on a terminal that is drawn over; a plain line an epoch anywhere else."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.is_terminal = stream.isatty()
        self.began: float | None = None  # downloads excluded
        self.drawn = 0.0
        self.epochs, self.fraction = 0, 0.0  # of the last event

    def show(self, event: Progress | EpochMetrics) -> None:
        """Listener of a run."""
        if isinstance(event, EpochMetrics):
            self.clear()
            self.write(f"{epoch_line(event, self.epochs)}{self.left()}\n")
            return
        now = time.monotonic()
        if self.began is None and event.phase != "downloading":
            self.began = now
        self.epochs, self.fraction = event.epochs, event.fraction
        if self.is_terminal and now - self.drawn >= REDRAW_SECONDS:
            self.drawn = now
            width = shutil.get_terminal_size().columns - 1
            self.write("\r" + f"{bar_line(event)}{self.left()}"[:width].ljust(width))

    def left(self) -> str:
        """The time that the rest takes if it goes on like this, as the end of a line."""
        if self.began is None or not 0 < self.fraction < 1:
            return ""
        spent = time.monotonic() - self.began
        if spent < 1:
            return ""  # too early to tell
        return f", {formats.duration(spent * (1 / self.fraction - 1))} left"

    def close(self) -> None:
        """The end of the run."""
        self.clear()

    def clear(self) -> None:
        """Take the line away."""
        if self.is_terminal:
            self.write("\r" + " " * (shutil.get_terminal_size().columns - 1) + "\r")

    def write(self, text: str) -> None:
        """To the terminal, if it is still there: a closed one must not end the run."""
        with contextlib.suppress(OSError):
            self.stream.write(text)
            self.stream.flush()


def bar_line(event: Progress) -> str:
    """`epoch 2/5 [####    ] training, 1,200 images/s`."""
    if event.phase == "downloading":
        share = event.step / event.steps if event.steps else 0.0
        return f"{bar(share)} downloading, {formats.mebibytes(event.step)}"
    rate = f", {event.images_per_second:,.0f} images/s" if event.images_per_second else ""
    return f"epoch {event.epoch}/{event.epochs} {bar(event.fraction)} {event.phase}{rate}"


def bar(share: float) -> str:
    """`[######      ]  50 %`."""
    return f"[{'#' * round(BAR_WIDTH * share):<{BAR_WIDTH}}] {100 * share:3.0f} %"


def epoch_line(metrics: EpochMetrics, epochs: int) -> str:
    """What an epoch brought."""
    return (
        f"epoch {metrics.epoch}/{epochs}: train loss {metrics.train_loss:.4f},"
        f" test accuracy {formats.percent(metrics.test_accuracy)},"
        f" {metrics.images_per_second:,.0f} images/s"
    )

"""How a run goes on, in a terminal."""

from __future__ import annotations

import io
from contextlib import suppress
from typing import TextIO

from tqdm import tqdm

from core.report import formats
from core.training.records import EpochMetrics, Progress

_LAYOUT = "{desc}[{bar:16}] {percentage:3.0f} %{postfix}, {remaining} left"


class _Bar(tqdm):
    monitor_interval = 0  # no thread that redraws while nothing happens


class _Screen(io.TextIOBase):
    """A stream that may be missing, or closed by now: neither must end the run."""

    def __init__(self, stream: TextIO | None) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError):
            if self.stream:
                self.stream.write(text)
                self.stream.flush()
        return len(text)

    def fileno(self) -> int:
        """Of the stream, which tells the width of a terminal."""
        return self.stream.fileno() if self.stream else super().fileno()


class ProgressBar:
    """A bar on a terminal, and a line an epoch there and anywhere else."""

    def __init__(self, stream: TextIO) -> None:
        self.lines = _Screen(stream)
        self.is_training = False  # the download is over
        self.epochs = 0
        self.bar = _Bar(
            total=1.0,  # the whole run
            file=_Screen(stream if stream.isatty() else None),
            bar_format=_LAYOUT,
            ascii=" #",
            miniters=0,
            smoothing=0,  # the time left rests on the whole run so far
            leave=False,
            dynamic_ncols=True,
        )

    def show(self, event: Progress | EpochMetrics) -> None:
        """Listener of a run. The bar is drawn at most ten times a second."""
        if isinstance(event, EpochMetrics):
            self.bar.clear()
            self.lines.write(f"{self.epoch_line(event)}\n")
        elif event.phase == "downloading":
            self.bar.postfix = f"downloading, {formats.mebibytes(event.step)}"
            self.bar.update((event.step / event.steps if event.steps else 0.0) - self.bar.n)
        else:
            if not self.is_training:
                self.is_training = True
                self.bar.reset()  # a clock without the download
            self.epochs = event.epochs
            rate = event.images_per_second
            self.bar.desc = f"epoch {event.epoch}/{event.epochs} "
            self.bar.postfix = event.phase + (f", {rate:,.0f} images/s" if rate else "")
            self.bar.update(event.fraction - self.bar.n)

    def epoch_line(self, metrics: EpochMetrics) -> str:
        """What an epoch brought, and the time that the rest takes if it goes on like this."""
        share, spent = self.bar.n, self.bar.format_dict["elapsed"]
        left = f", {formats.duration(spent * (1 / share - 1))} left" if 0 < share < 1 else ""
        return (
            f"epoch {metrics.epoch}/{self.epochs}: train loss {metrics.train_loss:.4f},"
            f" test accuracy {formats.percent(metrics.test_accuracy)},"
            f" {metrics.images_per_second:,.0f} images/s{left}"
        )

    def close(self) -> None:
        """The end of the run: the bar goes away."""
        self.bar.close()

"""Keeping the trail of a run while it trains. Whatever goes wrong with it, the run goes on."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from core.analysis import analyze
from core.data.load import Dataset
from core.jobs.records import Run
from core.jobs.trail import forget_trail, keep_moment, keep_parameters
from core.language import Message, lazy
from core.storage.place import Unavailable
from core.training.state import Training
from core.training.trail import TrailImages, moment_of, parameters_of, what_there_is
from core.training.trail_records import plan_trail


class TrailKeeper:
    """Keeps an epoch each time that it is told; after an error says so once, and keeps no more."""

    def __init__(
        self, run: Run, training: Training, data: Dataset, tell: Callable[[Message], None]
    ) -> None:
        self.run, self.training, self._tell = run, training, tell
        self._is_kept = True
        self._quietly(lambda: self._begin(data))

    def keep(self) -> None:
        """The network as it is now, between two epochs."""
        self._quietly(self._keep)

    def _begin(self, data: Dataset) -> None:
        """Forget what comes after the checkpoint that the run goes on from."""
        training, spec = self.training, self.run.spec
        is_new = (training.epoch, training.step) == (0, 0)
        forget_trail(self.run, after=None if is_new else training.epoch)
        self._images = TrailImages.of(spec, data, training.device)
        plan = plan_trail(analyze(spec.model))
        self._plan = what_there_is(plan, training.network, self._images.pixels)
        if is_new:
            self._keep()

    def _keep(self) -> None:
        network, plan, images = self.training.network, self._plan, self._images
        moment = moment_of(network, plan, images.pixels, self.training.epoch)
        with suppress(Unavailable):  # this epoch is left out; the checkpoint waits until it can
            keep_moment(self.run, (plan, images.indices, images.labels), moment)
            if plan.keeps_parameters:
                keep_parameters(self.run, plan, moment.epoch, parameters_of(network))

    def _quietly(self, do: Callable[[], None]) -> None:
        if not self._is_kept:
            return
        try:
            do()
        except Exception as error:  # a network of the user's own may do anything
            self._is_kept = False
            why = (str(error).splitlines() or [""])[0] or type(error).__name__
            self._tell(lazy("From here on its training cannot be replayed ({error}).", error=why))

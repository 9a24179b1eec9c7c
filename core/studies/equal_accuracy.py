"""DenseNets beside residual nets that learn as well: runs that the lab ships. Imports no torch.

Parameters can be compared without training; what they are worth cannot. The runs are short ones
of thin networks, so that everybody can repeat them: `python -m core reproduce --rows dense`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.specs import ModelSpec
from core.studies.reproduction import ReproducedRun
from core.studies.statistics import Comparison, Mean, compare, mean_interval

SHIPPED = Path(__file__).parent / "shipped" / "equal_accuracy.csv"
_SIZE = 32  # pixels a side, the least that DenseNet's five halvings leave something of
DATASET, RECIPE, EPOCHS, IMAGES = "fashion-mini", "one-cycle", 10, 5_000
DENSE = tuple(ModelSpec("densenet121", ratio, _SIZE) for ratio in (8, 4, 2))
RESIDUAL = (
    *(ModelSpec("resnet18", ratio, _SIZE) for ratio in (16, 8, 4, 2)),
    ModelSpec("resnet34", 8, _SIZE),
)


@dataclass(frozen=True)
class TrainedNetwork:
    """One network and its final test accuracies by seed."""

    model: ModelSpec
    final_accuracies: dict[int, float]
    final: Mean

    @property
    def is_dense(self) -> bool:
        """Whether it concatenates."""
        return self.model in DENSE


def trained_networks(runs: Sequence[ReproducedRun]) -> list[TrainedNetwork]:
    """The networks of the comparison that were trained to the end, in its order."""
    networks = []
    for model in (*DENSE, *RESIDUAL):
        final_accuracies = {
            run.seed: run.final
            for run in runs
            if (run.model, run.dataset, run.recipe, run.epochs) == (model, DATASET, RECIPE, EPOCHS)
            and run.is_complete
        }
        if (mean := mean_interval(list(final_accuracies.values()))) is not None:
            networks.append(TrainedNetwork(model, final_accuracies, mean))
    return networks


def nearest_residual(dense: TrainedNetwork, networks: Sequence[TrainedNetwork]) -> TrainedNetwork:
    """The residual net with the nearest mean. Raises ValueError where there is none."""
    residual = [network for network in networks if not network.is_dense]
    return min(residual, key=lambda network: abs(network.final.mean - dense.final.mean))


def paired_difference(first: TrainedNetwork, second: TrainedNetwork) -> Comparison:
    """How far the two are apart, paired over their seeds."""
    [pair] = compare({"first": first.final_accuracies, "second": second.final_accuracies})
    return pair

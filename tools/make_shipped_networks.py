"""Trains the small networks that come with the lab: `python -m tools.make_shipped_networks NAME…`.

Those named, and those that have no file yet; then what is known of all of them is written down.
Needs MNIST and Fashion-MNIST on this machine (LAB_DATA_DIR).
"""

from __future__ import annotations

import csv
import hashlib
import sys
from dataclasses import asdict, fields, replace

import numpy as np
from safetensors.torch import save_file

from core.data.arrays import read_arrays
from core.data.load import load
from core.inside.shipped import EPOCHS, FOLDER, SHIPPED, TABLE, Known, ShippedNetwork
from core.inside.test_set import predicted
from core.training.fit import fit, start
from core.training.recipes import recipe
from core.training.records import EpochMetrics


def train(row: ShippedNetwork) -> None:
    """Train it by its recipe and write its parameters."""
    data = load(row.dataset)
    run = row.run(replace(recipe("one-cycle", len(data.train_labels)), epochs=EPOCHS))
    training = start(run)
    for event in fit(run, data, training):
        if isinstance(event, EpochMetrics):
            print(row.name, event.epoch, f"{event.test_accuracy:.4f}", flush=True)
    tensors = {name: value.contiguous() for name, value in training.network.state_dict().items()}
    FOLDER.mkdir(exist_ok=True)
    save_file(tensors, row.file, metadata={"run": run.to_json()})


def known_of(row: ShippedNetwork) -> Known:
    """Its accuracy on all test images, and its surest mistake on those that come with the lab."""
    weights = replace(row.weights, sha256=hashlib.sha256(row.file.read_bytes()).hexdigest())
    labels = read_arrays(row.dataset, "test")[1]
    right = predicted(weights, row.dataset, every=True).argmax(1) == labels
    shown = read_arrays(row.data.name, "test")[1]
    said = predicted(weights, row.data.name, every=True)
    wrong = np.flatnonzero(said.argmax(1) != shown)
    surest = int(wrong[said[wrong].max(1).argmax()])
    return Known(
        row.name,
        weights.sha256,
        round(float(right.mean()), 4),
        surest,
        int(shown[surest]),
        int(said[surest].argmax()),
        round(float(said[surest].max()), 4),
    )


def main(names: list[str]) -> None:
    """Train, then write the table."""
    for row in SHIPPED.values():
        if row.name in names or not row.file.exists():
            train(row)
    TABLE.unlink(missing_ok=True)  # it may be of another version of the lab
    known = [known_of(row) for row in SHIPPED.values()]
    with open(TABLE, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Known)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(one) for one in known)


if __name__ == "__main__":
    main(sys.argv[1:])

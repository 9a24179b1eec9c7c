"""Trains the small networks that come with the lab: `python -m tools.make_shipped_networks NAME…`.

Needs MNIST and Fashion-MNIST on this machine (LAB_DATA_DIR). Without a name: all of them.
"""

from __future__ import annotations

import csv
import hashlib
import sys
from dataclasses import replace

from safetensors.torch import save_file

from core.data.load import load
from core.inside.shipped import EPOCHS, FOLDER, SHIPPED, TABLE, ShippedNetwork
from core.training.fit import fit, start
from core.training.recipes import recipe
from core.training.records import EpochMetrics


def make(row: ShippedNetwork) -> dict[str, str]:
    """Train it and write its parameters; what the table holds of it."""
    data = load(row.dataset)
    run = row.run(replace(recipe("fast", len(data.train_labels)), epochs=EPOCHS))
    training = start(run)
    accuracy = 0.0
    for event in fit(run, data, training):
        if isinstance(event, EpochMetrics):
            accuracy = event.test_accuracy
            print(row.name, event.epoch, f"{accuracy:.4f}", flush=True)
    tensors = {name: value.contiguous() for name, value in training.network.state_dict().items()}
    save_file(tensors, row.file, metadata={"run": run.to_json()})
    digest = hashlib.sha256(row.file.read_bytes()).hexdigest()
    return {"name": row.name, "accuracy": f"{accuracy:.4f}", "sha256": digest}


def main(names: list[str]) -> None:
    """Those of these names, or all; the others stay as they are."""
    known = {}
    if TABLE.exists():
        with open(TABLE, encoding="utf-8", newline="") as file:
            known = {line["name"]: line for line in csv.DictReader(file)}
    FOLDER.mkdir(exist_ok=True)
    for name in names or SHIPPED:
        known[name] = make(SHIPPED[name])
    with open(TABLE, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["name", "accuracy", "sha256"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(known[name] for name in SHIPPED if name in known)


if __name__ == "__main__":
    main(sys.argv[1:])

"""Weights by branch of the course Inception nets that come with the lab. Imports no torch."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

from core.measure.branch_norms import BranchNorm

SHIPPED = Path(__file__).parent / "branches.csv"


@cache
def shipped_branches() -> dict[int, list[BranchNorm]]:
    """seed → the branches of both blocks, of the net with one linear layer in its head."""
    by_seed: dict[int, list[BranchNorm]] = {}
    with open(SHIPPED, encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            by_seed.setdefault(int(row["seed"]), []).append(
                BranchNorm(
                    row["block"],
                    row["branch"],
                    int(row["channels"]),
                    int(row["weights"]),
                    float(row["norm"]),
                    float(row["rms"]),
                    float(row["rms_at_start"]),
                    float(row["read_with"]),
                )
            )
    return by_seed

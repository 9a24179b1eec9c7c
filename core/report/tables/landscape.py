"""The loss around trained networks as a table. Imports no torch."""

from __future__ import annotations

from itertools import product

import pandas as pd

from core.inside.landscape_records import RANDOM, Landscape, rise
from core.report.sentences.landscape import landscape_label
from core.report.tables.columns import run_columns


def landscape_frame(landscape: Landscape) -> pd.DataFrame:
    """One row a point of each network's plane, as far as it is known."""
    return pd.DataFrame(
        [
            run_columns(network.run, network.run_spec)
            | {
                "parameters_of_epoch": network.epoch,
                "directions_seed": landscape.seed if landscape.plane == RANDOM else None,
                "images": landscape.images,
                "machine": landscape.machine,
                "first_direction": xs[column],
                "second_direction": ys[row],
                "loss": network.loss[row][column],
                "accuracy": network.accuracy[row][column],
                "plane": landscape.plane,
            }
            for network in landscape.networks
            for xs, ys in [landscape.where(network)]
            for row, column in product(range(len(network.loss)), range(landscape.points))
        ]
    )


def path_frame(landscape: Landscape) -> pd.DataFrame:
    """One row an epoch of each training whose path is known: where it was, with which loss."""
    return pd.DataFrame(
        [
            run_columns(network.run, network.run_spec)
            | {
                "images": landscape.images,
                "plane": landscape.plane,
                "path_share": network.path_share,
                "epoch": point.epoch,
                "first_direction": point.x,
                "second_direction": point.y,
                "loss": point.loss,
                "loss_in_plane": point.plane_loss,
            }
            for network in landscape.networks
            for point in network.path
        ]
    )


def summary_frame(landscape: Landscape) -> pd.DataFrame:
    """One row a network: its own loss, and how that grows around it."""
    rows = []
    half = landscape.points // 2
    for network in landscape.networks:
        found = rise(network, landscape)
        rows.append(
            {
                "network": landscape_label(network),
                "loss": found.center if found else None,
                "highest loss": found.highest if found else None,
                "near": found.near if found else None,
                "accuracy": network.accuracy[half][half] if found else None,
                "path": None if network.path_share is None else 100 * network.path_share,
            }
        )
    return pd.DataFrame(rows)

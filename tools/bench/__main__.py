"""`make bench`: the figures that the lab promises, measured on this machine and kept as CSV.

`python -m tools.bench [NAME ...]` runs these only: first-page, first-numbers, page-weight, slider,
drag, inside, server-work, click, many-runs, analysis, timm, memory, training, throughput,
pipeline, roofline, accuracy, fashion, recipe, recipe-rates, estimate, find-rate, study, cluster,
published-vgg, device-share, device-bits, device-estimate, device-study. timm needs timm, cluster
Ray; those from throughput to find-rate need LAB_DATA_DIR; accuracy takes half an hour, fashion
nearly a whole one, those from published-vgg on need a CUDA device.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from tools.bench.accelerator import device_bits, device_estimate, device_share
from tools.bench.accuracy import accuracy, fashion, published_vgg, training
from tools.bench.analysis import analysis, memory
from tools.bench.cluster import cluster
from tools.bench.device_study import device_study
from tools.bench.figures import Row
from tools.bench.kept import keep
from tools.bench.pages import drag, first_numbers, first_page, inside, page_weight, slider
from tools.bench.recipe import recipe, recipe_rates
from tools.bench.roofline import roofline
from tools.bench.server import server_work
from tools.bench.speed import estimate, find_rate, pipeline, throughput
from tools.bench.study import study
from tools.bench.timm_table import timm_table
from tools.bench.waiting import click, many_runs

_PARTS: dict[str, Callable[[], list[Row]]] = {
    "first-page": first_page,
    "first-numbers": first_numbers,
    "page-weight": page_weight,
    "slider": slider,
    "drag": drag,
    "inside": inside,
    "server-work": server_work,
    "click": click,
    "many-runs": many_runs,
    "analysis": analysis,
    "timm": timm_table,
    "memory": memory,
    "training": training,
    "throughput": throughput,
    "pipeline": pipeline,
    "roofline": roofline,
    "accuracy": accuracy,
    "fashion": fashion,
    "recipe": recipe,
    "recipe-rates": recipe_rates,
    "estimate": estimate,
    "find-rate": find_rate,
    "study": study,
    "cluster": cluster,
    "published-vgg": published_vgg,
    "device-share": device_share,
    "device-bits": device_bits,
    "device-estimate": device_estimate,
    "device-study": device_study,
}


def main(names: list[str]) -> None:
    """Measure, print, keep: part by part, so that one that fails loses nothing."""
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")  # as the worker; see core.__main__
    for name in names or _PARTS:
        if rows := _PARTS[name]():
            keep(rows, f"{name}-")


if __name__ == "__main__":
    main(sys.argv[1:])

"""Metrics as Prometheus's own reader reads them."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.parser import text_string_to_metric_families


def read_metrics(lines: Iterable[str]) -> dict[tuple, float]:
    """Name and labels, sorted by their names → value."""
    text = "".join(f"{line}\n" for line in lines)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }

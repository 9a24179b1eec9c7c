"""What comes with the lab was measured with the settings under which it is shown."""

from __future__ import annotations

import gzip
import json

import pytest

from core.measure.shipped import LEARNING_RATES, REQUESTS, THROUGHPUT, file_of

RUNS = {"throughput": THROUGHPUT.run, "learning-rates": LEARNING_RATES.run}


@pytest.mark.parametrize("name", RUNS)
def test_a_result_is_of_the_run_that_asks_for_it(name):
    assert json.loads(_result(name)["spec"]) == json.loads(RUNS[name].to_json())


@pytest.mark.parametrize("name", REQUESTS)
def test_every_request_has_its_result(name):
    assert _result(name)


def _result(name: str) -> dict:
    return json.loads(gzip.decompress(file_of(name).read_bytes()))

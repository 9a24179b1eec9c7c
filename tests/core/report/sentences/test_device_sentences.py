"""What is said about the devices of a machine, and of how a large card spends its time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.measure.shipped.device_use import device_uses
from core.report.sentences.devices import device_sentence
from core.report.sentences.speed import device_use_sentence, loop_sentence
from core.training.records import DeviceReport
from core.zoo.catalogue import find
from tests.core.report.sentences.test_speed_sentences import FOUND

CPU = DeviceReport({"cpu": "a processor"}, "2.15.0+cu132", "13.2", None, False)


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (CPU, "was built for CUDA 13.2; no NVIDIA driver runs"),
        (replace(CPU, driver="580.159.04"), "NVIDIA's driver is 580.159.04"),
        (replace(CPU, cuda=None), "was built without CUDA"),
        (replace(CPU, cuda=None, has_mps=True), "built for MPS, and finds no such GPU"),
        (
            replace(CPU, devices={"cuda": "a card", "cpu": "a processor"}),
            "finds cuda (a card) and cpu (a processor) here.",
        ),
    ],
)
def test_the_devices_of_a_machine(report, words):
    assert words in device_sentence(report)


def test_the_card_that_waits_most_and_the_one_that_is_full():
    rows = device_uses()
    plain = sorted((row for row in rows if row.steps == "plain"), key=lambda row: row.kernel_share)
    titles = [find(row.model.arch).title for row in plain]
    text = device_use_sentence(rows)
    assert titles[0] in text and titles[-1] in text and titles[1] not in text
    fuller = [replace(row, kernel_share=0.5) if row is plain[0] else row for row in rows]
    assert titles[1] in device_use_sentence(fuller)  # now the one that waits most


def test_both_loops_at_the_smallest_and_the_largest_batch():
    on_card = [point for point in FOUND.points if point.device == "cuda"]
    assert "12.0 at batch 256" in loop_sentence(replace(FOUND, points=tuple(on_card)))

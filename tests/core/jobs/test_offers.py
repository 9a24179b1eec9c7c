"""What workers and this machine offer, put together for forms and commands."""

from __future__ import annotations

import platform
from dataclasses import replace

import pytest

from core.jobs.needs import Needs
from core.jobs.offers import USUAL, device_names, first_with, offers_of
from core.jobs.store import Worker
from core.report.sentences.workers import device_label, told_together, waiting_sentence
from core.training.records import Device

GIBIBYTE = 2**30
CPU, CARD = Device("cpu", "a CPU", 16 * GIBIBYTE), Device("cuda", "NVIDIA H100", 80 * GIBIBYTE)
SECOND = replace(CARD, name="cuda:1")
PLAIN = Worker("plain 1", "plain", (CPU,), 4, 16 * GIBIBYTE)
CARDS = Worker("card 1", "card", (CARD, SECOND, CPU), 16, 128 * GIBIBYTE)


def test_the_fastest_come_first_and_this_machine_before_others():
    here = (Device("mps", "Apple arm64 GPU"), Device("cpu", "a CPU here"))
    offers = offers_of([PLAIN, CARDS], here)
    assert device_names(offers) == ["cuda", "cuda:1", "mps", "cpu"]
    assert first_with(offers, "cpu").is_here and first_with(offers, "cuda").machine == "card"
    assert [offer.machine for offer in offers if offer.device.name == "cpu"] == [
        *(platform.node(), "plain", "card")
    ]


def test_each_device_of_a_machine_is_offered_once():
    offers = offers_of([PLAIN, replace(PLAIN, process="plain 2"), PLAIN])
    assert [(offer.machine, offer.device) for offer in offers] == [("plain", CPU)]
    own = replace(PLAIN, machine=platform.node())
    [here] = offers_of([own], [replace(CPU, hardware="as the page says it")])
    assert here.is_here and here.device.hardware == "as the page says it"


def test_without_any_offer_one_may_ask_for_what_there_may_be():
    assert device_names([]) == list(USUAL) and first_with([], "cpu") is None


@pytest.mark.parametrize(
    ("needs", "sentence"),
    [
        (Needs(), ""),
        (Needs("cpu", memory_bytes=16 * GIBIBYTE), ""),
        (Needs("mps"), "the device mps; those that are there have cuda, cuda:1 and cpu."),
        (Needs("cuda", "Tesla T4"), "the device cuda (Tesla T4); those that are there have"),
        (
            Needs("cpu", memory_bytes=17 * GIBIBYTE),
            "17.0\u2009GiB of memory on cpu; the largest that is there has 16.0\u2009GiB.",
        ),
    ],
    ids=["nothing", "fits", "device", "hardware", "memory"],
)
def test_what_a_job_waits_for_is_one_sentence(needs, sentence):
    told = waiting_sentence(needs, offers_of([PLAIN, CARDS]))
    assert sentence in told and bool(told) == bool(sentence)
    assert waiting_sentence(needs, []).startswith("Nobody is there to compute")


def test_runs_that_wait_for_the_same_are_told_together():
    waiting = [(5, "A."), (4, ""), *((run, "B.") for run in range(1, 6))]
    assert told_together(waiting) == ["Run 5: A.", "Runs 1, 2, 3 and 2 more: B."]


def test_machines_are_named_where_there_are_several():
    assert device_label("cuda", offers_of([CARDS])) == "cuda"
    many = [replace(PLAIN, machine=f"node-{n}") for n in range(4)]
    assert device_label("cpu", offers_of(many)) == "cpu on 4 machines"
    assert device_label("cpu", offers_of([PLAIN, CARDS])) == "cpu on plain, card"

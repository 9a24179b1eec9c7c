"""What a run has reached, against guessing and against what was published."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.jobs.store import JobState, Run
from core.report import formats
from core.report.sentences.result import published_like, result_sentences
from core.specs import ModelSpec, RunSpec
from core.training.recipes import recipe
from core.training.records import EpochMetrics
from core.zoo.catalogue import complete

PLAIN = complete(ModelSpec("course-residual", image_size=28))
AS_PUBLISHED = RunSpec(PLAIN, "mnist", recipe("published-course", 60_000))  # 98.98 % ± 0.20


def after(accuracy: float, spec: RunSpec = AS_PUBLISHED) -> list[str]:
    last = EpochMetrics(10, 0.1, 0.99, 0.1, accuracy, 1.0, 0.1, 500.0, 0.01)
    return result_sentences(Run(1, JobState.FINISHED, spec=spec), [last])


def test_the_last_epoch_is_told_beside_guessing():
    first, *_ = after(0.9876)
    assert f"After 10 epochs {formats.percent(0.9876)} of the test images are right" in first
    assert f"by guessing {formats.percent(0.1)}" in first
    [before] = result_sentences(Run(1, JobState.RUNNING, spec=AS_PUBLISHED), [])
    assert before.startswith(f"By guessing {formats.percent(0.1)}")


@pytest.mark.parametrize(
    ("accuracy", "said"),
    [
        (0.9878, "no difference that one run can show"),
        (0.9920, "0.22 points above"),
        (0.9850, "0.48 points below"),
    ],
)
def test_the_published_figure_stands_beside_a_run_of_the_same_kind(accuracy, said):
    _, second = after(accuracy)
    assert formats.percent(0.9898) in second and said in second


def test_another_recipe_fewer_images_or_another_network_have_no_published_figure():
    assert published_like(AS_PUBLISHED)
    for other in (
        replace(AS_PUBLISHED, train_images=5_000),
        replace(AS_PUBLISHED, recipe=recipe("published-course", 60_000, epochs=5)),
        replace(AS_PUBLISHED, dataset="fashion-mnist"),
        replace(AS_PUBLISHED, model=replace(PLAIN, ratio=2)),
    ):
        assert published_like(other) is None
        assert len(after(0.9, other)) == 1

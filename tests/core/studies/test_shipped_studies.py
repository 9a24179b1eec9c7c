"""Studies that come with the lab: complete, equal but for one thing, told in words."""

from __future__ import annotations

import pytest

from core.report.sentences.studies import means_sentence, study_sentence
from core.specs import ModelSpec
from core.studies.reproduction import ReproducedEpoch, ReproducedRun
from core.studies.shipped_studies import SHIPPED, STUDIES, shipped_study, trained_study
from core.training.recipes import recipe
from core.zoo.catalogue import complete


def runs(name: str, number: int, *finals: float) -> list[ReproducedRun]:
    """A complete run a seed of one network of a study."""
    study = STUDIES[name]
    epochs = range(1, study.epochs + 1)
    return [
        ReproducedRun(
            study.networks[number][1],
            study.dataset,
            study.recipe,
            study.epochs,
            32,
            seed,
            "a CPU",
            "2.15",
            "2026-11-27",
            tuple(ReproducedEpoch(n, 0.1, 0.9, 0.2, final, 1.0, 0.1) for n in epochs),
        )
        for seed, final in enumerate(finals)
    ]


@pytest.mark.parametrize("study", STUDIES.values(), ids=list(STUDIES))
def test_networks_of_a_study_differ_in_one_thing_and_are_trained_alike(study):
    specs = list(study.run_specs(2))
    assert len(specs) == 2 * len(study.networks)
    assert len({spec.model for spec in specs}) == len(study.networks)
    assert {spec.recipe for spec in specs} == {
        recipe(study.recipe, study.train_images, study.epochs)
    }
    described = [dict(complete(model).options) | {"size": model.image_size, "ratio": model.ratio}
                 for _, model in study.networks]  # fmt: skip
    differing = {name for one in described for name in one if one[name] != described[0][name]}
    assert len(differing) == 1


def test_a_study_is_told_with_its_verdict_and_what_it_rests_on():
    better = runs("last-activation", 0, 0.80, 0.82, 0.81)
    worse = runs("last-activation", 1, 0.50, 0.53, 0.51)
    text = study_sentence(trained_study(STUDIES["last-activation"], [*better, *worse]))
    assert text.startswith("logits is better than sigmoid.")
    assert "(3 seeds; Your own VGG, " in text and "head width 512, ratio 8, 32 px; " in text
    assert "5,000 images of fashion-mini, 5 epochs, recipe one-cycle)" in text


def test_runs_of_another_setting_do_not_count():
    study = STUDIES["heads"]
    one = runs("heads", 0, 0.9)
    other = ReproducedRun(**(vars(one[0]) | {"epochs": study.epochs + 1}))
    unfinished = ReproducedRun(**(vars(one[0]) | {"metrics": one[0].metrics[:1]}))
    strange = ReproducedRun(**(vars(one[0]) | {"model": ModelSpec("lenet", image_size=28)}))
    found = trained_study(study, [other, unfinished, strange])
    assert not any(found.runs.values()) and not found.finals


def test_what_is_shipped_is_complete():
    assert SHIPPED.exists()
    for name, study in STUDIES.items():
        trained = shipped_study(name)
        assert list(trained.finals) == [title for title, _ in study.networks], name
        assert {mean.count for mean in trained.finals.values()} >= {3} or all(
            mean.count >= 3 for mean in trained.finals.values()
        )
        assert means_sentence(trained).count("±") == len(study.networks)

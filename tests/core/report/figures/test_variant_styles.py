"""Every variant has a style of its own."""

from __future__ import annotations

from core.report.figures.palette import VARIANT_COLORS
from core.report.figures.variants import style_of, styles_of, variant_styles
from core.specs import ModelSpec
from core.zoo.catalogue import complete
from core.zoo.variants import VARIANTS, variant_of

VGG, LENET = ModelSpec("vgg11"), ModelSpec("lenet", image_size=28)


def course(shortcut: str) -> ModelSpec:
    return complete(ModelSpec("course-residual", image_size=28, options={"shortcut": shortcut}))


def test_each_variant_has_a_look_of_its_own_and_as_published_that_of_its_correction():
    styles = variant_styles()
    assert set(styles) == set(VARIANTS)
    assert len({(style.color, style.marker, style.dash) for style in styles.values()}) == len(
        VARIANTS
    )
    for name, variant in VARIANTS.items():
        if variant.as_published:
            like = next(
                n
                for n, v in VARIANTS.items()
                if v.shortcut == variant.shortcut and not v.as_published
            )
            assert (styles[name].color, styles[name].dash) == (styles[like].color, "dot")


def test_a_variant_has_its_color_beside_any_other_network_and_seeds_differ_otherwise():
    models = [VGG, course("conv"), course("identity"), course("conv"), VGG, LENET]
    styles = styles_of(models)
    for model, style in zip(models, styles, strict=True):
        if variant := variant_of(model):
            assert style.color == style_of(variant).color
        else:
            assert style.color not in VARIANT_COLORS.values()
    assert styles[1] == style_of(variant_of(models[1]))
    assert styles[0].color == styles[4].color != styles[5].color
    assert len({(style.color, style.marker, style.dash) for style in styles}) == len(models)


def test_ten_seeds_of_one_network_look_different():
    for model in (course("none"), VGG):
        looks = {(style.marker, style.dash) for style in styles_of([model] * 10)}
        assert len(looks) >= 8

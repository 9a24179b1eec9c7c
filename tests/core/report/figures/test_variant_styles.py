"""Every variant has a style of its own."""

from __future__ import annotations

from core.report.figures.variants import variant_styles
from core.zoo.variants import VARIANTS


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

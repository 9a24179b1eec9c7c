"""Every variant has a style of its own."""

from __future__ import annotations

from core.report.figures.variants import variant_styles
from core.zoo.variants import VARIANTS


def test_each_variant_has_a_look_of_its_own_and_as_published_that_of_its_correction():
    looks = variant_styles()
    assert set(looks) == set(VARIANTS)
    assert len({(one.color, one.marker, one.dash) for one in looks.values()}) == len(VARIANTS)
    for name, variant in VARIANTS.items():
        if variant.as_published:
            like = next(
                n
                for n, v in VARIANTS.items()
                if v.shortcut == variant.shortcut and not v.as_published
            )
            assert (looks[name].color, looks[name].dash) == (looks[like].color, "dot")

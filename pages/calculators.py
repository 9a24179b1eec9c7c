"""Small sums that need no network: the 1×1 bottleneck, kernel and stride, stacked 3×3."""

from __future__ import annotations

from core.language import N_, _
from pages.views.app.address import address_checked
from pages.views.app.frame import page_frame
from pages.views.app.head import Head
from pages.views.calculators.bottleneck import bottleneck_calculator
from pages.views.calculators.stack import stack_calculator
from pages.views.calculators.window import window_calculator
from pages.views.forms.names import pick_name

_CALCULATORS = {
    N_("1×1 bottleneck"): bottleneck_calculator,
    N_("Output size"): window_calculator,
    N_("Stacked 3×3"): stack_calculator,
}


def _page(head: Head) -> None:
    """The picker, then the calculator; each has its numbers in a row above what they change."""
    name = pick_name(
        _("Calculator"),
        {name: name for name in _CALCULATORS},
        "1×1 bottleneck",
        "calc_tool",
        label_visibility="collapsed",
    )
    _CALCULATORS[name](head)


with (
    page_frame(
        "Calculators",
        N_("Small sums with any numbers: what a convolution costs, what size it leaves."),
    ) as head,
    address_checked(),
):
    _page(head)

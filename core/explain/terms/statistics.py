"""Words for what a few runs can tell."""

from __future__ import annotations

from core.explain.terms.term import Term
from core.language import N_

_NIST = "https://www.itl.nist.gov/div898/handbook/"

TERMS = (
    Term(
        "study",
        N_("Runs that belong together: variants of a network, each over several seeds."),
        N_("this lab's rule: docs/architecture.md, The words"),
        "",
        ("studies",),
        ("variant", "seed"),
    ),
    Term(
        "confidence interval",
        N_(
            "A range around a mean that is drawn so that 95 of 100 such ranges hold the true mean;"
            " more seeds make it narrower."
        ),
        N_("NIST e-Handbook of Statistical Methods, section 1.3.5.2"),
        f"{_NIST}eda/section3/eda352.htm",
        ("confidence intervals", "95 % interval", "95 % intervals", "95 % t interval"),
        ("prediction interval", "seed"),
        ("residual",),
    ),
    Term(
        "prediction interval",
        N_(
            "A range that one more run would fall into in 95 of 100 cases; it is wider than the"
            " confidence interval of the mean."
        ),
        N_("NIST e-Handbook of Statistical Methods, section 4.5.1.2"),
        f"{_NIST}pmd/section5/pmd512.htm",
        ("prediction intervals",),
        ("confidence interval",),
    ),
    Term(
        "paired t test",
        N_(
            "Compares two variants seed by seed, so that what a seed does to both of them cancels"
            " out."
        ),
        N_("NIST e-Handbook of Statistical Methods, section 7.3.1.1"),
        f"{_NIST}prc/section3/prc311.htm",
        ("paired t tests", "paired t"),
        ("seed", "p value", "Holm's correction"),
    ),
    Term(
        "p value",
        N_("How likely a difference at least as large is if there is none in truth."),
        N_("NIST e-Handbook of Statistical Methods, section 7.1.3.1"),
        f"{_NIST}prc/section1/prc131.htm",
        ("p-value",),
        ("paired t test", "Holm's correction"),
    ),
    Term(
        "Holm's correction",
        N_(
            "With several comparisons the smallest p value must pass the strictest bound, so that a"
            " false find among all of them stays rare."
        ),
        "Holm 1979, Scandinavian Journal of Statistics 6, 65–70",
        "https://www.jstor.org/stable/4615733",
        ("Holm's procedure", "Holm"),
        ("p value", "paired t test"),
    ),
    Term(
        "median",
        N_("The value in the middle: half of the values are below it, half above."),
        N_("NIST e-Handbook of Statistical Methods, section 1.3.5.1"),
        f"{_NIST}eda/section3/eda351.htm",
        ("medians",),
        ("confidence interval",),
    ),
    Term(
        "reproduced",
        N_("The same run as published, trained anew by this lab."),
        N_("this lab's rule: docs/architecture.md, The words"),
        "",
        (),
        ("study", "recipe"),
    ),
)

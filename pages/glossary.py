"""The words of the field, each in one sentence with its source."""

from __future__ import annotations

from core.language import N_
from pages.views.app.address import address_checked
from pages.views.app.frame import page_frame
from pages.views.glossary.terms import chosen_term, terms_view

with (
    page_frame(
        "Glossary", N_("The words of the field, each in one sentence, with a source to read on.")
    ) as head,
    address_checked(),
):
    chosen_term(head)
    terms_view()

"""The overview: what this is, where to start, the newest runs. Also the lab's server.

`streamlit run` imports this file for `app`, and runs it as a script for each visit of the overview.
"""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st

if __name__ == "__main__":
    from core.language import N_, _
    from pages.views.app.address import address_checked
    from pages.views.app.frame import page_frame
    from pages.views.overview.hero import hero
    from pages.views.overview.newest import newest_runs, newest_studies
    from pages.views.overview.questions import questions_view
    from pages.views.overview.start_cards import start_cards

    with (
        page_frame(
            "CNN Architecture Lab",
            N_(
                "Builds convolutional networks, takes them apart layer by layer and trains short"
                " runs, so that questions about them are answered with evidence."
            ),
        ),
        address_checked(),
    ):
        hero()
        st.header(_("Start with one click"), anchor=False)
        start_cards()
        st.header(_("Questions and answers"), anchor=False)
        questions_view()
        newest_studies()
        st.header(_("Newest runs"), anchor=False)
        newest_runs()
else:
    import gc

    gc.disable()  # until all is imported: a look for garbage among it is a tenth of the start

    from starlette.middleware import Middleware

    from core.zoo.own import name_files
    from pages.views.app.html_head import HtmlHead
    from pages.views.app.server import (
        Compressed,
        errors_end_the_start,
        lab_routes,
        ready_for_visitors,
    )
    from pages.views.people.round_trip import RoundTrip
    from pages.views.people.settings import check_secrets_files

    with errors_end_the_start():
        name_files([Path(text) for text in sys.argv[1:]])  # streamlit run dashboard.py -- nets.py
        check_secrets_files()
    app = st.App(
        __file__,
        lifespan=ready_for_visitors,
        routes=lab_routes(),
        middleware=[Middleware(Compressed), Middleware(HtmlHead), Middleware(RoundTrip)],
    )

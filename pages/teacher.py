"""For teachers: who runs what, the queue, quotas, addresses for the class, all results."""

from __future__ import annotations

import streamlit as st

from core.language import _
from pages.views.app.address import address_checked
from pages.views.app.frame import page_frame
from pages.views.people.visitor import visitor
from pages.views.teacher.handing_out import handing_out_view
from pages.views.teacher.people import people_view
from pages.views.teacher.quotas import quotas_view
from pages.views.teacher.results import results_view
from pages.views.teacher.under_way import under_way_view


def _page() -> None:
    """All of it for teachers; for others why there is nothing."""
    person = visitor()
    if person is None:
        st.info(
            _("Nobody signs in to this lab, so there is no class. LAB_AUTH=oidc changes that."),
            icon=":material/info:",
        )
    elif not person.is_teacher:
        st.info(
            _("This page is for teachers; LAB_TEACHERS of the server names them."),
            icon=":material/info:",
        )
    else:
        st.header(_("Under way"), anchor=False)
        under_way_view()
        st.header(_("People"), anchor=False)
        people_view()
        quotas_view()
        st.header(_("For the class to start from"), anchor=False)
        handing_out_view()
        st.header(_("Results"), anchor=False)
        results_view()


with page_frame("Teacher"), address_checked():
    _page()

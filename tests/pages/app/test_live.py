"""What is under way is redrawn by a clock, and the whole page once more when it is over."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def counting_page() -> None:
    """Something that is over after three looks."""
    import streamlit as st

    from core.specs import LabError
    from pages.views.app.live import live

    def read() -> int:
        st.session_state["looks"] = st.session_state.get("looks", 0) + 1
        return st.session_state["looks"]

    def draw(looks: int) -> None:
        if looks == 99:
            raise LabError("It is *gone*.")
        st.write(f"look {looks}")

    live(read, lambda looks: looks >= st.session_state.get("over_at", 3), draw, 5.0)


def test_the_clock_runs_until_it_is_over(clocks):
    app = AppTest.from_function(counting_page).run()
    assert clocks == [5.0] and app.markdown[0].value == "look 2"
    app.run()
    assert clocks == [5.0, None] and app.markdown[0].value == "look 4"


def test_what_ends_between_two_looks_runs_the_page_again(clocks):
    app = AppTest.from_function(counting_page)
    app.session_state["over_at"] = 2
    app.run()
    assert clocks == [5.0, None] and app.markdown[0].value == "look 4"


def test_an_error_is_one_sentence(clocks):
    app = AppTest.from_function(counting_page)
    app.session_state["looks"] = 97
    app.run()
    assert app.error[0].value == "It is \\*gone\\*." and not app.exception

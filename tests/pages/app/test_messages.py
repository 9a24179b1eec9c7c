"""What a reader or an address says is shown as it is, never as Markdown."""

from __future__ import annotations

import pytest

from pages.views.app.messages import escaped


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a_b net_size=3", "a_b net_size=3"),
        ("__x__ *y*", "\\_\\_x\\_\\_ \\*y\\*"),
        ("[a](b) <b> $x$", "\\[a\\](b) \\<b\\> \\$x\\$"),
        (":red[hi] :smile: a: b 1:2", ":\u2060red\\[hi\\] :\u2060smile: a: b 1:\u20602"),
    ],
)
def test_a_reader_s_text_is_shown_as_it_is(text, shown):
    assert escaped(text) == shown

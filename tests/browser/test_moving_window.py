"""The calculators' window moves over its map: by itself, and by the arrow keys.

These visitors want nothing to move unasked, so that here it starts by its button.
"""

from __future__ import annotations

from core.explain.calculators import SlidingWindow


def test_the_window_moves_and_arrow_keys_move_it(visitor):
    window = SlidingWindow(28, 5, 2, 1)
    visitor.open("/calculators?calc_tool=Output+size&calc_side=28&calc_kernel=5&calc_stride=2"
                 "&calc_padding=1")  # fmt: skip
    line, board = visitor.page.locator(".window-told"), visitor.page.locator(".window-board")
    line.filter(has_text="reads").wait_for()
    visitor.page.get_by_role("button", name="Play", exact=True).click()
    visitor.page.wait_for_function(
        "before => document.querySelector('.window-told').textContent !== before",
        arg=line.inner_text(),
    )
    board.focus()
    for key in ("Home", "ArrowDown", "ArrowRight", "ArrowRight"):
        board.press(key)
    first, last = (window.taps(2)[at] - window.padding + 1 for at in (0, -1))
    rows = [window.taps(1)[at] - window.padding + 1 for at in (0, -1)]
    assert line.inner_text() == (
        f"Output row 2, column 3 of {window.output_side} reads input rows {rows[0]}–{rows[1]},"
        f" columns {first}–{last}."
    )
    assert board.locator(".tap").count() == 25 and board.locator(".now").count() == 1
    visitor.page.wait_for_timeout(1000)
    assert "column 3 of" in line.inner_text()  # a key has stopped it
    board.press("End")
    assert f"row {window.output_side}, column {window.output_side} of" in line.inner_text()

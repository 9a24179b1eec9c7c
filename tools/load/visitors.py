"""What visitors of a class do: look at a network, move sliders, go to another page."""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from tools.load.session import Answer, Dropped, Session

_PAGES = ("", "architecture", "compare", "train", "residual", "runs")
_SLIDERS = ("Ratio", "Resize (pixels a side)", "Batch size")
PAUSE_SECONDS = (2.0, 5.0)  # between two actions of a visitor, any time in between
_OF_A_LIBRARY = ": any of its models"  # how the picker's title of a library ends
_ARRIVAL_SECONDS = 10.0  # in which all visitors come
_PICKS_A_NETWORK, _MOVES_A_SLIDER = 0.1, 0.72  # of ten actions on Architecture; else another page


@dataclass
class Diary:
    """What all visitors have seen."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))  # by action
    errors: list[str] = field(default_factory=list)
    dropped: int = 0
    bytes_received: int = 0

    def note(self, action: str, answer: Answer) -> None:
        """One action has been answered."""
        self.seconds[action].append(answer.seconds)
        self.errors += [f"{action}: {error}" for error in answer.errors]


async def visit(
    port: int,
    count: int,
    seconds: float,
    pause: tuple[float, float] = PAUSE_SECONDS,
    halfway: Callable[[], None] | None = None,
) -> Diary:
    """So many visitors at once, for so long; `halfway` happens to them in the middle of it."""
    diary, end = Diary(), time.monotonic() + seconds
    if halfway is not None:
        asyncio.get_running_loop().call_later(seconds / 2, halfway)
    await asyncio.gather(*(_visitor(port, each, pause, end, diary) for each in range(count)))
    return diary


async def _visitor(
    port: int, number: int, pause: tuple[float, float], end: float, diary: Diary
) -> None:
    choose = random.Random(number)
    await asyncio.sleep(_ARRIVAL_SECONDS * choose.random())
    session = Session(port)
    try:
        page = choose.choice(_PAGES[:2])
        diary.note("open", await session.open(page))
        while time.monotonic() < end:
            try:
                await session.pause(choose.uniform(*pause))
                page = await act(session, page, choose, diary)
            except Dropped:
                diary.dropped += 1
                await _come_back(session, diary)
    except (Dropped, OSError) as error:  # there is nobody to come back to
        diary.errors.append(repr(error))
    finally:
        diary.bytes_received += session.bytes_received
        await session.close()


async def _come_back(session: Session, diary: Diary) -> None:
    page, values = session.view()
    diary.note("come back", await session.come_back())
    page_now, values_now = session.view()
    if page_now != page or not values.items() <= values_now.items():
        diary.errors.append("came back to another view")


async def act(session: Session, page: str, choose: random.Random, diary: Diary) -> str:
    """One action; the page on which the visitor then is."""
    dice = choose.random()
    sliders = [one for one in session.widgets("slider") if one.slider.label in _SLIDERS]
    pickers = [one for one in session.widgets("selectbox") if one.selectbox.label == "Network"]
    if page == "architecture" and pickers and dice < _PICKS_A_NETWORK:
        titles = pickers[0].selectbox.options  # those of libraries take seconds to import
        own = [title for title in titles if not title.endswith(_OF_A_LIBRARY)]
        network = choose.choice(own)
        diary.note(f"network on /{page}", await session.set(pickers[0], network))
    elif sliders and dice < _MOVES_A_SLIDER:
        chosen = choose.choice(sliders)
        slider = chosen.slider
        step = choose.randint(0, int((slider.max - slider.min) / slider.step))
        moved = await session.set(chosen, slider.min + slider.step * step)
        diary.note(f"slider on /{page}", moved)
    else:
        page = choose.choice([other for other in _PAGES if other != page])
        diary.note(f"switch to /{page}", await session.switch_to(page))
    return page

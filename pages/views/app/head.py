"""The head of a page: what is shown has a name there, and can be handed on from there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st
from streamlit import config

from core.language import N_, _
from pages.views.app.browser_files import FOLDER, component_script
from pages.views.app.downloads import download_file
from pages.views.app.messages import escaped

_ICON = str(Path(__file__).parent / "assets" / "icon.png")
_LAB = N_("CNN Architecture Lab")
_MENU_WIDTH = 232  # pixels

_address = st.components.v2.component(
    "page_address",
    html='<div class="share"><input readonly><button type="button"></button></div>',
    css=(FOLDER / "share.css").read_text(encoding="utf-8"),
    js=component_script(FOLDER / "share.js"),
)


@dataclass(frozen=True)
class Handout:
    """A file that shows the view without the lab."""

    make: Callable[[], bytes]  # called on the click, in a thread of its own: it must not draw
    name: str  # of the file, without its ending


class Head:
    """Drawn first and filled while the page is: a page knows late what it shows."""

    def __init__(self, page: str) -> None:
        """`page` is called so in the menu; the thing that it shows is named by `title`."""
        self._name = _(page)
        self._is_named = False
        self.handout: Handout | None = None
        with st.container(key="page_head", horizontal=True, vertical_alignment="center"):
            self._title = st.container(width="stretch").empty()
            self._actions = st.container(
                key="page_actions", horizontal=True, width="content"
            ).empty()

    def title(self, text: str) -> None:
        """What the page shows, `VGG-11, 96 px, ratio 4`: its heading, and the browser's tab."""
        self._is_named = True
        tab = text if text == _(_LAB) else f"{text} · {_(_LAB)}"
        st.set_page_config(page_title=tab)
        self._title.title(escaped(text), anchor=False)

    def finish(self) -> None:
        """Once all else is drawn, and the address is what it will be."""
        if not self._is_named:
            self.title(self._name)
        with self._actions, st.popover(_("Share"), icon=":material/share:"):
            self._share()

    def _share(self) -> None:
        """The view's address, and the handout where there is one."""
        address = _("Address of this view")
        st.markdown(f"**{address}**")
        host = own_name()
        _address(
            key="page_address",
            data={
                "host": host,
                "label": address,
                "copy": _("Copy"),
                "copied": _("Copied"),
            },
            height="content",
        )
        if not host and _is_loopback(urlsplit(st.context.url or "").hostname):
            st.caption(_("It opens on this machine only; for others there is the handout."))
        if self.handout:
            download_file(
                _("Handout"),
                self.handout.make,
                f"{self.handout.name}.html",
                "page_handout",
                "text/html",
            )
            st.caption(
                _(
                    "One file with charts, numbers, settings and tables; it opens without the lab,"
                    " and prints."
                )
            )


def page_config(page: str) -> None:
    """The tab's title and icon, and how wide the menu is, before anything is drawn."""
    st.set_page_config(
        page_title=f"{_(page)} · {_(_LAB)}" if page != _LAB else _(_LAB),
        page_icon=_ICON,
        layout="wide",
        initial_sidebar_state=_MENU_WIDTH,
    )


def own_name() -> str:
    """Under which others reach this server, where it was told; compose.yaml's ":80" is no name."""
    if not config.is_manually_set("browser.serverAddress"):
        return ""
    name = str(config.get_option("browser.serverAddress") or "")
    return urlsplit(name if "//" in name else f"//{name}").hostname or ""


def _is_loopback(host: str | None) -> bool:
    try:
        return host is not None and ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

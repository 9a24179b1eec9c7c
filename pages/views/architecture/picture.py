"""The network as a graph on the page: blocks open and fold on a click or a key, SVG and PNG."""

from __future__ import annotations

import streamlit as st

from core.analysis.records import Analysis
from core.report.picture.fold import fold, outline, readable
from core.report.picture.svg import SMALLEST_TEXT, svg
from core.specs import LabError, ModelSpec
from pages.views.app.downloads import file_name
from pages.views.app.messages import show_error

PNG_SCALE = 2  # pixels of the PNG to one of the picture

HTML = """
<div class="buttons">
  <button type="button" data-save="svg" title="Dark on white, as text that scales">SVG</button>
  <button type="button" data-save="png" title="Dark on white, twice the size">PNG</button>
  <span role="status"></span>
</div>
<div class="picture"></div>
"""

# Only the page needs these colors: a saved picture has its own, dark on white.
CSS = """
.picture { overflow-x: auto; text-align: center; padding-bottom: 2px; }
.picture svg { height: auto; font-family: var(--st-font), sans-serif; }
.ink { fill: var(--st-text-color); }
.line { stroke: var(--st-text-color); }
.line-head { fill: var(--st-text-color); }
.skip { stroke: color-mix(in srgb, #56B4E9 60%, var(--st-text-color)); }
.skip-head { fill: color-mix(in srgb, #56B4E9 60%, var(--st-text-color)); }
.frame { fill: var(--st-text-color); stroke: var(--st-text-color); }
.target { fill: var(--st-text-color); }
.paper { fill: none; }
.paper-box { fill: var(--st-background-color); }
.block { cursor: pointer; outline: none; }
.block:hover .box { fill-opacity: 0.4; }
.block:hover .target { fill-opacity: 0.12; }
.block:focus-visible .box,
.block:focus-visible .target { stroke: var(--st-primary-color); stroke-width: 3; }
.block:focus-visible .target { stroke-width: 2; }
.buttons { display: flex; gap: 0.5rem; align-items: center; margin-bottom: 0.75rem; }
.buttons button {
  font: inherit; color: var(--st-text-color); background: var(--st-background-color);
  border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius);
  padding: 0.25rem 0.75rem; cursor: pointer;
}
.buttons button:hover, .buttons button:focus-visible {
  color: var(--st-primary-color); border-color: var(--st-primary-color); outline: none;
}
"""

JS = """
const kept = new WeakMap()  // for each picture: what is drawn, and the block that was last toggled

function draw(holder, data, state) {
  holder.innerHTML = data.svg  // made by core.report.picture.svg, which escapes every name
  const picture = holder.querySelector("svg")
  picture.setAttribute("role", "group")
  const width = picture.viewBox.baseVal.width
  picture.style.width = "100%"
  picture.style.maxWidth = `${width}px`
  picture.style.minWidth = `${width * data.smallest}px`
  for (const block of picture.querySelectorAll("[data-block]")) {
    const isOpen = block.dataset.open === "true"
    block.setAttribute("role", "button")
    block.setAttribute("tabindex", "0")
    block.setAttribute("aria-expanded", String(isOpen))
    block.setAttribute("aria-label", block.querySelector("title").textContent)
    if (block.dataset.block === state.toggled) block.focus({preventScroll: true})
  }
}

function center(holder, state, name) {
  if (state.name === name) return  // the reader may have moved the picture
  const end = holder.querySelector("[data-end]")
  const place = end.getBoundingClientRect()
  const own = holder.getBoundingClientRect()
  holder.scrollLeft += place.left + place.width / 2 - own.left - own.width / 2
  state.name = name
}

function save(blob, name) {
  const link = document.createElement("a")
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10000)
}

function savePng(data, status) {
  const picture = new Image()
  picture.onload = () => {
    const largest = 16000  // browsers draw nothing on a longer canvas
    const scale = Math.min(data.scale, largest / picture.width, largest / picture.height)
    const canvas = document.createElement("canvas")
    canvas.width = Math.ceil(picture.width * scale)
    canvas.height = Math.ceil(picture.height * scale)
    const context = canvas.getContext("2d")
    context.fillStyle = "white"
    context.fillRect(0, 0, canvas.width, canvas.height)
    context.drawImage(picture, 0, 0, canvas.width, canvas.height)
    canvas.toBlob(blob => {
      if (blob) save(blob, `${data.name}.png`)
      else status.textContent = "This picture is too large for a PNG; SVG works."
    }, "image/png")
  }
  picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(data.svg)}`
}

export default function ({data, parentElement, setTriggerValue}) {
  const holder = parentElement.querySelector(".picture")
  const status = parentElement.querySelector("[role=status]")
  const state = kept.get(holder) ?? {}
  kept.set(holder, state)
  if (state.svg !== data.svg) {
    const left = holder.scrollLeft
    draw(holder, data, state)
    holder.scrollLeft = left
    center(holder, state, data.name)
    Object.assign(state, {svg: data.svg, toggled: null})
    status.textContent = ""
  }
  const toggle = event => {
    const block = event.target.closest("[data-block]")
    if (!block) return
    event.preventDefault()
    state.toggled = block.dataset.block
    setTriggerValue("toggled", block.dataset.block)
  }
  holder.onclick = toggle
  holder.onkeydown = event => {
    if (event.key === "Enter" || event.key === " ") toggle(event)
  }
  parentElement.querySelector("[data-save=svg]").onclick = () =>
    save(new Blob([data.svg], {type: "image/svg+xml"}), `${data.name}.svg`)
  parentElement.querySelector("[data-save=png]").onclick = () => savePng(data, status)
}
"""

_picture = st.components.v2.component("network_picture", html=HTML, css=CSS, js=JS)


def network_picture(analysis: Analysis, key: str) -> None:
    """The graph of a network with the control that opens its blocks.

    The open blocks are the URL's `{key}_open`. A network with other blocks starts anew, with as
    many open as can be read at a glance.
    """
    blocks, first = folding(analysis.spec, analysis)
    opened = choose_open(blocks, first, key)
    try:
        picture = drawing(analysis.spec, tuple(opened), analysis)
    except LabError as error:
        show_error(error)
        return
    spec = analysis.spec
    _picture(
        key=f"{key}_picture",
        data={
            "svg": picture,
            "name": file_name(spec),
            "smallest": SMALLEST_TEXT,
            "scale": PNG_SCALE,
        },
        on_toggled_change=lambda: toggle(key),
    )


@st.cache_data(max_entries=64, show_spinner=False)
def folding(spec: ModelSpec, _analysis: Analysis) -> tuple[list[str], list[str]]:
    """The blocks of a network, and those to open first."""
    outlined = outline(_analysis.layers)
    return list(outlined.blocks), list(readable(outlined))


@st.cache_data(max_entries=64, show_spinner=False)
def drawing(spec: ModelSpec, opened: tuple[str, ...], _analysis: Analysis) -> str:
    """The SVG of a network with these blocks open."""
    graph = fold(outline(_analysis.layers), opened)
    pixels = f"{spec.image_size}×{spec.image_size} pixels"
    title = f"{spec.arch} at ratio {spec.ratio} for {pixels}: {len(graph.nodes) - 2} boxes"
    return svg(graph, title)


def choose_open(blocks: list[str], first: list[str], key: str) -> list[str]:
    """The control for the open blocks; nothing to choose where there are none."""
    if not blocks:
        return []
    widget, seen = f"{key}_open", f"{key}_blocks"
    if st.session_state.get(seen, blocks) != blocks:
        st.session_state[widget] = first
    st.session_state[seen] = blocks
    return st.multiselect(
        "Open blocks",
        blocks,
        default=first,
        key=widget,
        bind="query-params",
        wrap=False,
        placeholder="All blocks are folded",
        help="Or click a block in the picture: ▸ opens it, the name of an open one folds it.",
    )


def toggle(key: str) -> None:
    """Open the block that was clicked, or fold it."""
    block = st.session_state[f"{key}_picture"].toggled
    opened = list(st.session_state.get(f"{key}_open", []))
    if block in opened:
        opened.remove(block)
    elif block in st.session_state.get(f"{key}_blocks", []):
        opened.append(block)
    st.session_state[f"{key}_open"] = opened

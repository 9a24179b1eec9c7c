/* Draws the network's SVG, opens and folds its blocks by click and key, tells which layer was
   chosen, makes it larger and moves it, saves the picture as SVG and PNG. */

const ZOOM = 1.3, LARGEST = 4, HOLD = 4  // a step, the most; pixels after which a press is a drag

const states = new WeakMap()  // for each picture: what is drawn, and the block last toggled

function fill(holder, data, state) {
  // Made by core.report.picture.svg, which escapes every name; a saved picture keeps its light colors
  holder.innerHTML = data.svg.replace(/#[0-9a-f]{6}/gi, color => {
    const dark = data.dark[color.toUpperCase()]
    return dark ? `light-dark(${color}, ${dark})` : color
  })
  const picture = holder.querySelector("svg")
  picture.setAttribute("role", "group")
  size(holder, data, state)
  for (const block of picture.querySelectorAll("[data-block]")) {
    const isOpen = block.dataset.open === "true"
    block.setAttribute("role", "button")
    block.setAttribute("aria-expanded", String(isOpen))
    block.setAttribute("aria-label", block.querySelector("title").textContent)
  }
  for (const layer of picture.querySelectorAll("[data-layer]:not([data-block])")) {
    layer.setAttribute("role", "button")
    layer.setAttribute("aria-label", layer.querySelector("title").textContent)
  }
  const stops = stopsOf(holder)
  rove(holder, stops.find(one => nameOf(one) === state.at) ?? stops[0])
  focusOn(picture, state.toggled) || focusOn(picture, data.repeatOf[state.toggled])
}

const stopsOf = holder => [...holder.querySelectorAll("[data-block], [data-layer]")]
const nameOf = stop => stop.dataset.block ?? stop.dataset.layer

/* One tab stop; arrows lead on from it. */
function rove(holder, to) {
  for (const stop of stopsOf(holder)) stop.setAttribute("tabindex", stop === to ? "0" : "-1")
}

function walk(holder, state, event) {
  const stops = stopsOf(holder), at = stops.indexOf(event.target.closest("[data-block], [data-layer]"))
  const to = {ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowLeft: at - 1, Home: 0, End: stops.length - 1}[event.key]
  if (at < 0 || !stops[to]) return
  event.preventDefault()
  state.at = nameOf(stops[to])
  rove(holder, stops[to])
  stops[to].focus()
}

/* As wide as there is room for, or larger; the middle of what is seen stays where it is. */
function size(holder, data, state) {
  const picture = holder.querySelector("svg")
  const natural = picture.viewBox.baseVal.width, room = holder.clientWidth
  const fitting = Math.max(Math.min(natural, room), natural * data.smallest)
  const before = picture.getBoundingClientRect().width
  const middle = holder.scrollLeft + room / 2
  picture.style.width = `${fitting * state.zoom}px`
  const now = fitting * state.zoom
  if (before > 0) holder.scrollLeft = middle * now / before - room / 2
  holder.classList.toggle("is-wide", now > room + 1)
  for (const button of holder.getRootNode().querySelectorAll("[data-zoom]")) {
    const is = button.dataset.zoom
    button.disabled = is === "in" ? state.zoom >= LARGEST : state.zoom <= (is === "out" ? 0.5 : 1) && is !== "whole"
  }
}

function tell(parent, words) {
  for (const button of parent.querySelectorAll(".buttons button")) {
    button.title = words[button.dataset.zoom ?? button.dataset.save]
    if (button.hasAttribute("aria-label")) button.setAttribute("aria-label", button.title)  // of a sign
  }
  parent.querySelector("[data-zoom=whole]").textContent = words.fit
}

function zoom(holder, state, to) {
  state.zoom = Math.min(LARGEST, Math.max(0.5, to))
  size(holder, state.data, state)
}

/* By mouse; fingers scroll by themselves. */
function drag(holder, state, page) {
  holder.addEventListener("pointerdown", event => {
    if (event.pointerType !== "mouse" || event.button) return
    const start = {x: event.clientX, y: event.clientY, left: holder.scrollLeft, top: page?.scrollTop ?? 0}
    state.dragged = false
    const move = to => {
      const [x, y] = [to.clientX - start.x, to.clientY - start.y]
      if (!state.dragged && Math.hypot(x, y) < HOLD) return
      state.dragged = true
      holder.classList.add("is-held")
      holder.scrollLeft = start.left - x
      if (page) page.scrollTop = start.top - y
    }
    const end = () => {
      holder.classList.remove("is-held")
      window.removeEventListener("pointermove", move)
    }
    window.addEventListener("pointermove", move)
    window.addEventListener("pointerup", end, {once: true})
  })
  holder.addEventListener("wheel", event => {
    if (!event.ctrlKey) return
    event.preventDefault()
    zoom(holder, state, state.zoom * (event.deltaY < 0 ? ZOOM : 1 / ZOOM))
  }, {passive: false})
}

function mark(holder, chosen) {
  for (const layer of holder.querySelectorAll("[data-layer]:not([data-block])")) {
    layer.setAttribute("aria-pressed", String(layer.dataset.layer === chosen))
  }
}

function focusOn(picture, name) {
  const blocks = [...picture.querySelectorAll("[data-block]")]
  const block = blocks.find(block => block.dataset.block === name)
  block?.focus({preventScroll: true})
  return block
}

function center(holder, state, view) {
  if (state.view === view) return  // the reader may have moved the picture
  const inputBox = holder.querySelector("[data-end]").getBoundingClientRect()
  const seen = holder.getBoundingClientRect()
  holder.scrollLeft += inputBox.left + inputBox.width / 2 - seen.left - seen.width / 2
  state.view = view
}

function reveal(holder, path) {
  const layers = [...holder.querySelectorAll("[data-layer]")]
  const box = layers.find(layer => layer.dataset.layer === path)?.getBoundingClientRect()
  const seen = holder.getBoundingClientRect()
  if (box && (box.left < seen.left || box.right > seen.right)) {
    holder.scrollLeft += box.left + box.width / 2 - seen.left - seen.width / 2
  }
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
      else status.textContent = data.words.tooLarge
    }, "image/png")
  }
  picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(data.svg)}`
}

export function draw({data, parentElement, setTriggerValue}) {
  const holder = parentElement.querySelector(".picture")
  const status = parentElement.querySelector("[role=status]")
  const state = states.get(holder) ?? {zoom: 1}
  if (!states.has(holder)) {
    states.set(holder, state)
    drag(holder, state, document.querySelector('[data-testid="stMain"]'))
    new ResizeObserver(() => holder.querySelector("svg") && size(holder, state.data, state)).observe(holder)
  }
  state.data = data
  tell(parentElement, data.words)
  const isNew = state.svg !== data.svg
  if (isNew) {
    const scrolled = holder.scrollLeft
    fill(holder, data, state)
    holder.scrollLeft = scrolled
    center(holder, state, data.view)
    state.toggled = null
    status.textContent = ""
  }
  if (isNew || state.chosen !== data.chosen) mark(holder, data.chosen)
  if (state.chosen !== data.chosen) reveal(holder, data.chosen)
  Object.assign(state, {svg: data.svg, chosen: data.chosen})
  const toggle = event => {
    if (event.type === "click" && state.dragged) return  // it was moved
    const layer = event.target.closest("[data-layer]:not([data-block])")
    if (layer) {
      event.preventDefault()
      setTriggerValue("layer", layer.dataset.layer)
    }
    const block = event.target.closest("[data-block]")
    if (!block) return
    event.preventDefault()
    state.toggled = block.dataset.block
    setTriggerValue("toggled", block.dataset.block)
  }
  holder.onclick = toggle
  holder.onkeydown = event => {
    if (event.key === "Enter" || event.key === " ") toggle(event)
    else walk(holder, state, event)
  }
  for (const button of parentElement.querySelectorAll("[data-zoom]")) {
    const factor = {in: ZOOM, out: 1 / ZOOM}[button.dataset.zoom]
    button.onclick = () => zoom(holder, state, factor ? state.zoom * factor : 1)
  }
  parentElement.querySelector("[data-save=svg]").onclick = () =>
    save(new Blob([data.svg], {type: "image/svg+xml"}), `${data.name}.svg`)
  parentElement.querySelector("[data-save=png]").onclick = () => savePng(data, status)
}

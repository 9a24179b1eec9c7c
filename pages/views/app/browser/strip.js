/* A network from left to right, to one scale; it shrinks and grows while a slider is dragged. */

const HEIGHT = 316, GAP = 10, FACE = 12  // pixels
const FLAT = {top: 22, foot: 24, left: 0, right: 0}  // room for labels that are not tilted
const ANGLE = 55  // degrees
const UNIT = 24, NARROW = 7  // pixels of one unit of width, and where there are many stages
const AGAIN = 2000, TRIES = 120  // asks for ranges that are still being worked out, every 2 s
const SVG = "http://www.w3.org/2000/svg"

const strips = new WeakMap()  // for each place: what is drawn there
const pen = document.createElement("canvas").getContext("2d")

function add(parent, name, attributes = {}, text) {
  const node = document.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value)
  if (text !== undefined) node.textContent = text
  parent.append(node)
  return node
}

const unitsWide = stage => stage.side ? 0.4 + 0.3 * Math.log2(stage.channels + 1) : 0.3

/* Where each stage stands: its center, how wide a unit is, and whether labels are tilted. */
function layoutOf(stages, others, room, font) {
  pen.font = `${FACE}px ${font}`
  const wide = text => Math.ceil(pen.measureText(text).width)
  const sum = values => values.reduce((a, b) => a + b, 0)
  const units = stages.map((stage, i) => Math.max(unitsWide(stage), unitsWide(others[i])))
  const texts = stages.map((stage, i) => Math.max(...[stage.name, stage.label, others[i].label].map(wide)))
  let unit = UNIT
  let slots = units.map((width, i) => Math.max(width * unit, texts[i]) + GAP)
  const isTilted = sum(slots) > room
  const {top, foot, left, right} = isTilted ? roomOf(stages.map(stage => wide(stage.name)),
                                                     stages.map(stage => wide(stage.label))) : FLAT
  while (isTilted && unit > NARROW) {  // as narrow as it must be to fit, if it can
    slots = units.map(width => Math.max(width * unit, FACE) + GAP / 2)
    if (sum(slots) <= room - left - right) break
    unit -= 1
  }
  const width = Math.max(room, left + sum(slots) + right)
  const more = (width - left - right - sum(slots)) / stages.length
  let edge = left
  const centers = slots.map(slot => (edge += slot + more) - (slot + more) / 2)
  return {centers, width, unit, top, foot, isTilted}
}

/* What tilted labels take above, below and beside the boxes. */
function roomOf(names, labels) {
  const across = Math.cos(ANGLE * Math.PI / 180), down = Math.sin(ANGLE * Math.PI / 180)
  return {
    top: down * Math.max(...labels) + 16, foot: down * Math.max(...names) + 16,
    left: across * names[0] + 4, right: across * labels.at(-1),
  }
}

function boxOf(stage, maps, largest, unit) {
  const height = stage.side ? Math.max(stage.side / largest * maps, 3) : 0.45 * maps
  return {width: unit * unitsWide(stage), height}
}

function rect(parent, center, middle, {width, height}, attributes) {
  return add(parent, "rect", {x: center - width / 2, y: middle - height / 2, width, height, ...attributes})
}

function paint(state, shown) {
  const {data, holder, place} = state
  const defaults = data.default.stages
  const committed = data.strip.stages
  const isSame = committed.length === shown.stages.length
  const ghosts = new Map(defaults.map(stage => [stage.name, stage]))
  const others = (isSame ? committed : shown.stages).map((stage, i) =>
    defaults.length === shown.stages.length ? defaults[i] : stage)
  const {centers, width, unit, top, foot, isTilted} = layoutOf(
    isSame ? committed : shown.stages, others, holder.clientWidth, getComputedStyle(holder).fontFamily)
  const largest = Math.max(defaults[0].side ?? 1, shown.stages[0].side ?? 1)
  const maps = HEIGHT - top - foot, middle = top + maps / 2
  const box = stage => boxOf(stage, maps, largest, unit)
  const focused = place.contains(document.activeElement) ? document.activeElement.dataset?.name : null
  place.replaceChildren()
  place.setAttribute("width", width)
  place.setAttribute("height", HEIGHT)
  place.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`)
  state.marks = shown.stages.map((stage, i) => {
    const center = centers[i], own = box(stage), ghost = ghosts.get(stage.name)
    const mark = add(place, "g", {class: "stage", role: "button", tabindex: "-1",
                                  "aria-label": `${stage.name}: ${stage.detail}`})
    mark.dataset.name = stage.name
    rect(mark, center, middle, {width: Math.max(own.width, FACE), height: maps}, {class: "reach"})
    rect(mark, center, middle, own, {class: "box", fill: data.colors[stage.kind] ?? data.colors.other})
    if (ghost && (ghost.label !== stage.label)) {
      rect(mark, center, middle, box(ghost), {class: "ghost"})
    }
    const tall = Math.max(own.height, ghost ? box(ghost).height : 0)
    label(mark, center, middle - tall / 2 - 6, stage.label, isTilted, "start")
    label(mark, center, top + maps + 16, stage.name, isTilted, "end")
    return mark
  })
  mark(state)
  if (focused) state.marks.find(one => one.dataset.name === focused)?.focus({preventScroll: true})
}

function label(parent, x, y, text, isTilted, anchor) {
  const turned = isTilted ? {"text-anchor": anchor, transform: `rotate(-${ANGLE} ${x} ${y})`}
                          : {"text-anchor": "middle"}
  add(parent, "text", {x: isTilted ? x + 4 : x, y, ...turned}, text)
}

/* One tab stop, the chosen block, what stands below. */
function mark(state) {
  const {marks, data} = state
  const at = Math.max(0, marks.findIndex(one => one.dataset.name === (state.at ?? data.chosen)))
  marks.forEach((one, i) => {
    one.setAttribute("tabindex", i === at ? "0" : "-1")
    one.setAttribute("aria-pressed", String(one.dataset.name === data.chosen))
  })
  state.place.classList.toggle("has-chosen", marks.some(one => one.dataset.name === data.chosen))
}

/* What stands below: a text, else of the stage that has the focus, else how to read the strip. */
function say(state, text) {
  const focused = state.place.contains(document.activeElement) && document.activeElement
  state.line.textContent = text ?? ((focused && detailOf(state, focused)) || state.data.legend)
}

function detailOf(state, mark) {
  const stage = state.shown.stages.find(({name}) => name === mark.dataset.name)
  return stage && `${stage.name}: ${stage.detail}`
}

/* While a slider is dragged these texts stand in place of the page's own. */
function tell(places, texts, isLive) {
  places.forEach((place, i) => {
    if (isLive && texts[i] !== undefined) place.dataset.live = texts[i]
    else delete place.dataset.live
  })
}

function show(state, strip) {
  state.shown = strip
  paint(state, strip)
  const cards = document.querySelectorAll(`.st-key-${state.data.cards} [data-testid="stMetricValue"]`)
  const notes = document.querySelectorAll(`.st-key-${state.data.cards} [data-testid="stMetricDelta"]`)
  const isLive = strip !== state.data.strip
  tell(cards, Object.values(strip.totals), isLive)
  tell(notes, Object.values(strip.notes ?? {}), isLive)
}

/* The slider's thumb says where it is while it is dragged, long before the page is new. */
function follow(state) {
  state.observer?.disconnect()
  state.observer = new MutationObserver(() => {
    state.frame ??= requestAnimationFrame(() => {
      state.frame = null
      answer(state)
    })
  })
  for (const key of Object.values(state.data.sliders)) {
    const thumb = document.querySelector(`.st-key-${key} input[type="range"]`)
    if (thumb) state.observer.observe(thumb, {attributes: true, attributeFilter: ["value", "aria-valuetext"]})
  }
}

function answer(state) {
  const {data} = state
  for (const [over, key] of Object.entries(data.sliders)) {
    const thumb = document.querySelector(`.st-key-${key} input[type="range"]`)
    const value = Number(thumb?.value)
    if (!thumb || value === data.values[over]) continue
    const strip = state.ranges[over]?.[value]
    if (strip) show(state, strip)
    say(state, strip === null ? data.impossible : undefined)
    return
  }
  if (state.shown !== data.strip) show(state, data.strip)
  say(state)
}

async function ask(state) {
  const {data} = state
  for (let turn = 0; turn < TRIES && state.data.query === data.query && !state.isGone; turn++) {
    let isComplete = true
    for (const over of Object.keys(data.sliders)) {
      if (state.done.has(over)) continue
      const reply = await fetch(`${state.root}${data.path}?${data.query}&over=${over}`).catch(() => null)
      if (!reply?.ok) return
      const {strips, complete} = await reply.json()
      if (state.data.query !== data.query) return
      state.ranges[over] = strips
      if (complete) state.done.add(over)
      isComplete &&= complete
    }
    if (isComplete) return
    await new Promise(resolve => setTimeout(resolve, AGAIN))
  }
}

function choose(state, name) {
  state.data.chosen = state.data.chosen === name ? null : name
  mark(state)
  state.setStateValue("block", state.data.chosen)
}

function listen(state) {
  const {place} = state
  const stageAt = event => event.target.closest?.(".stage")
  place.onclick = event => {
    const one = stageAt(event)
    if (one) choose(state, one.dataset.name)
    else if (state.data.chosen) choose(state, state.data.chosen)
  }
  place.onpointerover = event => say(state, stageAt(event) && detailOf(state, stageAt(event)))
  place.onpointerleave = () => say(state)
  place.addEventListener("focusin", () => say(state))
  place.addEventListener("focusout", () => setTimeout(() => say(state)))
  place.onkeydown = event => {
    const at = state.marks.indexOf(stageAt(event))
    if (at < 0) return
    const to = {ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: state.marks.length - 1}[event.key]
    if (event.key === "Enter" || event.key === " ") choose(state, state.marks[at].dataset.name)
    else if (state.marks[to]) {
      state.at = state.marks[to].dataset.name
      mark(state)
      state.marks[to].focus()
    } else return
    event.preventDefault()
  }
}

export function draw({data, parentElement, setStateValue}, addresses, root) {
  const holder = parentElement.querySelector(".strip")
  let state = strips.get(holder)
  if (!state) {
    state = {holder, root, place: holder.querySelector("svg"), ranges: {}, done: new Set()}
    state.line = parentElement.querySelector(".strip-line")
    strips.set(holder, state)
    state.sizes = new ResizeObserver(() => state.shown && paint(state, state.shown))
    state.sizes.observe(holder)
    listen(state)
  }
  const isNew = state.data?.query !== data.query
  Object.assign(state, {data, setStateValue, at: null})
  if (isNew) Object.assign(state, {ranges: {}, done: new Set()})
  show(state, data.strip)
  say(state)
  follow(state)
  if (isNew) ask(state)
  return () => {
    state.isGone = true
    state.observer.disconnect()
    state.sizes.disconnect()
    strips.delete(holder)
  }
}

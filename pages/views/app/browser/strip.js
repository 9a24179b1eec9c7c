/* A network from left to right, to one absolute scale: it shrinks and grows while a slider is dragged. */

const HEIGHT = 288, GAP = 10, FACE = 12  // pixels
const DEEP = 0.24  // how far a map's width leads to the back, of its height
const LONGEST = 2.6, SHORTEST = 0.35, LEAST = 3  // pixels of the root of a channel; of any side
const MOST_UNITS = 4096, OF_MAPS = 0.8  // a vector of so many is so high, of the room for maps
const VECTOR = 7  // pixels
const ANGLE = 55 * Math.PI / 180
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

const sum = values => values.reduce((a, b) => a + b, 0)
const wide = text => Math.ceil(pen.measureText(text).width)
const titleOf = (stage, titles) => titles[stage.name] ?? stage.name  // modules are called by their paths

/* Where each stage stands, for as many as there are, and how its labels do: of the network as it is
   and as it is at first, so that nothing moves aside while a slider is dragged. */
function layoutOf(pairs, titles, room, font, largest) {
  pen.font = `${FACE}px ${font}`
  const names = pairs.map(([stage]) => wide(titleOf(stage, titles)))
  const labels = pairs.map(pair => Math.max(...pair.map(stage => wide(stage.label))))
  const rooms = {
    flat: {top: 22, foot: 24, left: 0, right: 0},
    stepped: {top: 22, foot: 42, left: 0, right: 0},
    tilted: {top: Math.sin(ANGLE) * Math.max(...labels) + 16, foot: Math.sin(ANGLE) * Math.max(...names) + 16,
             left: Math.cos(ANGLE) * names[0] + 4, right: Math.cos(ANGLE) * labels.at(-1)},
  }
  for (const how of ["flat", "stepped", "tilted"]) {
    const isTilted = how === "tilted"
    const place = {...rooms[how], how, maps: HEIGHT - rooms[how].top - rooms[how].foot}
    place.root = place.maps / (1 + DEEP) / Math.sqrt(largest)  // pixels of the root of a pixel
    place.length = LONGEST
    const slots = () => pairs.map((pair, i) => Math.max(
      ...pair.map(stage => boxOf(stage, place).across), isTilted ? FACE + 4 : labels[i] + GAP))
    const within = room - place.left - place.right - (isTilted ? pairs.length * 4 : 0)
    while (sum(slots()) > within && place.length > SHORTEST) place.length *= 0.92
    const taken = slots()
    if (!isTilted && (sum(taken) > within || !fits(names, taken, room, how))) continue
    const width = Math.max(room, sum(taken) + room - within)
    const more = (width - place.left - place.right - sum(taken)) / pairs.length
    let edge = place.left
    return {...place, width, centers: taken.map(slot => (edge += slot + more) - (slot + more) / 2)}
  }
}

/* Whether each name has room below its box; where they stand in two lines, with half of each side's. */
function fits(names, slots, room, how) {
  const more = (room - sum(slots)) / slots.length
  const own = slots.map(slot => slot + more - GAP / 2)
  if (how === "flat") return names.every((name, i) => name <= own[i])
  const last = names.length - 1
  return names.every((name, i) =>
    name <= own[i] + Math.min(own[Math.max(0, i - 1)], own[Math.min(last, i + 1)]) - GAP &&
    (i > 0 && i < last || name <= own[i]))
}

/* A map's front and how far it leads to the back; all by square root. */
function boxOf(stage, {root, length, maps}) {
  if (stage.side === null) {
    const height = Math.min(1, Math.sqrt(stage.units / MOST_UNITS)) * OF_MAPS * maps
    return {long: VECTOR, high: Math.max(height, LEAST), back: 0, across: VECTOR, tall: Math.max(height, LEAST)}
  }
  const long = Math.max(length * Math.sqrt(stage.channels), LEAST)
  const high = Math.max(root * Math.sqrt(stage.side), LEAST)
  const back = stage.width ? DEEP * root * Math.sqrt(stage.width) : 0
  return {long, high, back, across: long + back * 0.8, tall: high + back}
}

function corners(center, middle, {long, high, back, across, tall}) {
  const left = center - across / 2, bottom = middle + tall / 2, top = bottom - high, aside = back * 0.8
  return {left, bottom, top, right: left + long, aside, back}
}

function drawBox(parent, center, middle, box, fill) {
  const {left, right, top, bottom, aside, back} = corners(center, middle, box)
  const roof = `M${left} ${top}l${aside} ${-back}H${right + aside}L${right} ${top}z`
  const wall = `M${right} ${top}l${aside} ${-back}V${bottom - back}L${right} ${bottom}z`
  add(parent, "path", {class: "box", fill, d: `M${left} ${top}V${bottom}H${right}l${aside} ${-back}V${top - back}H${left + aside}z`})
  if (back) {
    add(parent, "path", {class: "roof", d: roof})
    add(parent, "path", {class: "wall", d: wall})
  }
}

function drawGhost(parent, center, middle, box) {
  const {left, right, top, bottom, aside, back} = corners(center, middle, box)
  add(parent, "path", {class: "ghost", d: `M${left} ${top}V${bottom}H${right}l${aside} ${-back}V${top - back}H${left + aside}z`})
}

/* Labels above the boxes, tilted: each clear of the boxes that it leads over and of the next label. */
function raised(starts, boxes) {
  const slope = Math.tan(ANGLE), apart = FACE + 4
  const heights = starts.map(({x, y}, i) => Math.min(y, ...boxes.slice(i + 1).map(({left, top}) =>
    left - x > 110 ? Infinity : top + Math.max(0, left - x) * slope - 8)))
  for (let i = heights.length - 2; i >= 0; i--) {
    const beside = starts[i + 1].x - starts[i].x
    const least = heights[i + 1] + (beside * Math.sin(ANGLE) - apart) / Math.cos(ANGLE)
    heights[i] = Math.min(heights[i], least)
  }
  return heights
}

function paint(state, shown) {
  const {data, holder, place} = state
  const defaults = data.default.stages
  const committed = data.strip.stages
  const isSame = committed.length === shown.stages.length
  const ghosts = new Map(defaults.map(stage => [stage.name, stage]))
  const pairs = (isSame ? committed : shown.stages).map((stage, i) =>
    [stage, defaults.length === shown.stages.length ? defaults[i] : stage])
  const sides = [...committed, ...defaults, ...shown.stages].map(stage => stage.side ?? 0)
  const layout = layoutOf(pairs, data.titles, holder.clientWidth, getComputedStyle(holder).fontFamily,
                          Math.max(data.largest, ...sides))
  const {centers, width, top, how, maps} = layout, middle = top + maps / 2
  const focused = place.contains(document.activeElement) ? document.activeElement.dataset?.name : null
  place.replaceChildren()
  place.setAttribute("width", width)
  place.setAttribute("height", HEIGHT)
  place.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`)
  const boxes = shown.stages.map((stage, i) => {
    const own = boxOf(stage, layout), other = ghosts.get(stage.name)
    const ghost = other && other.label !== stage.label ? boxOf(other, layout) : null
    const tall = Math.max(own.tall, ghost?.tall ?? 0), across = Math.max(own.across, ghost?.across ?? 0)
    return {own, ghost, top: middle - tall / 2, left: centers[i] - across / 2}
  })
  const starts = boxes.map((box, i) => ({x: centers[i], y: box.top - 6}))
  const heights = how === "tilted" ? raised(starts, boxes) : starts.map(start => start.y)
  state.marks = shown.stages.map((stage, i) => {
    const center = centers[i], {own, ghost} = boxes[i]
    const mark = add(place, "g", {class: "stage", role: "button", tabindex: "-1",
                                  "aria-label": told(stage, data)})
    mark.dataset.name = stage.name
    const reach = Math.max(own.across, FACE) + 4
    add(mark, "rect", {class: "reach", x: center - reach / 2, y: top - 2, width: reach, height: maps + 4, rx: 4})
    drawBox(mark, center, middle, own, data.colors[stage.kind] ?? data.colors.other)
    if (ghost) drawGhost(mark, center, middle, ghost)
    label(mark, center, heights[i], stage.label, how === "tilted", "start")
    label(mark, center, top + maps + (how === "stepped" && i % 2 ? 34 : 16), titleOf(stage, data.titles), how === "tilted", "end")
    return mark
  })
  mark(state)
  if (focused) state.marks.find(one => one.dataset.name === focused)?.focus({preventScroll: true})
}

function label(parent, x, y, text, isTilted, anchor) {
  const turned = isTilted ? {"text-anchor": anchor, transform: `rotate(${-ANGLE * 180 / Math.PI} ${x} ${y})`}
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
  state.line.textContent = text ?? ((focused && detailOf(state, focused)) || state.data.words.legend)
}

function detailOf(state, mark) {
  const stage = state.shown.stages.find(({name}) => name === mark.dataset.name)
  return stage && told(stage, state.data)
}

function told(stage, data) {
  return `${titleOf(stage, data.titles)}: ${stage.detail}`
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
    say(state, strip === null ? data.words.impossible : undefined)
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

function choose(state, name, by = "strip") {
  state.data.chosen = state.data.chosen === name ? null : name
  mark(state)
  if (by === "strip") document.dispatchEvent(new CustomEvent("lab-stage-chosen", {detail: {name, by}}))
  state.setTriggerValue("chosen", state.data.chosen ?? "")
}

/* Other views of the layers point at a stage and choose one, and are told of the strip's own. */
function point(name) {
  document.dispatchEvent(new CustomEvent("lab-stage-pointed", {detail: {name, by: "strip"}}))
}

function hear(state) {
  state.pointed = ({detail}) => {
    if (detail.by === "strip") return
    for (const one of state.marks) one.classList.toggle("pointed", one.dataset.name === detail.name)
  }
  state.chosen = ({detail}) => { if (detail.by !== "strip") choose(state, detail.name, detail.by) }
  document.addEventListener("lab-stage-pointed", state.pointed)
  document.addEventListener("lab-stage-chosen", state.chosen)
}

function listen(state) {
  const {place} = state
  const stageAt = event => event.target.closest?.(".stage")
  place.onclick = event => {
    const one = stageAt(event)
    if (one) choose(state, one.dataset.name)
    else if (state.data.chosen) choose(state, state.data.chosen)
  }
  place.onpointerover = event => {
    say(state, stageAt(event) && detailOf(state, stageAt(event)))
    point(stageAt(event)?.dataset.name ?? null)
  }
  place.onpointerleave = () => { say(state); point(null) }
  place.addEventListener("focusin", event => { say(state); point(stageAt(event)?.dataset.name ?? null) })
  place.addEventListener("focusout", () => setTimeout(() => {
    say(state)
    if (!place.contains(document.activeElement)) point(null)
  }))
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

export function draw({data, parentElement, setTriggerValue}, addresses, root) {
  const holder = parentElement.querySelector(".strip")
  let state = strips.get(holder)
  if (!state) {
    state = {holder, root, place: holder.querySelector("svg"), ranges: {}, done: new Set()}
    state.line = parentElement.querySelector(".strip-line")
    strips.set(holder, state)
    state.sizes = new ResizeObserver(() => state.shown && paint(state, state.shown))
    state.sizes.observe(holder)
    listen(state)
    hear(state)
  }
  const isNew = state.data?.query !== data.query
  Object.assign(state, {data, setTriggerValue, at: null})
  parentElement.querySelector(".strip-title").textContent = data.words.title
  state.place.setAttribute("aria-label", data.words.about)
  if (isNew) Object.assign(state, {ranges: {}, done: new Set()})
  show(state, data.strip)
  say(state)
  follow(state)
  if (isNew) ask(state)
  return () => {
    state.isGone = true
    state.observer.disconnect()
    state.sizes.disconnect()
    document.removeEventListener("lab-stage-pointed", state.pointed)
    document.removeEventListener("lab-stage-chosen", state.chosen)
    strips.delete(holder)
  }
}

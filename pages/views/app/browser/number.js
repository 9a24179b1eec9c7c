/* A layer opened: all channels as tiles; one number of a map, and what it was computed from. */

const SVG = "http://www.w3.org/2000/svg"
const STEP = 220, LONGEST = 3000  // ms of a step while playing; until an answer is given up
const WIDE = 7  // numbers in a row of a grid that still have room as text
const states = new WeakMap()

/* A template of Python's with its named values. */
const filled = (template, values) => template.replace(/\{(\w+)\}/g, (whole, name) => values[name])

function add(parent, name, attributes = {}, text) {
  const node = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) if (value !== null) node.setAttribute(key, value)
  if (text !== undefined) node.textContent = text
  parent.append(node)
  return node
}

/* The cell under the pointer, [row, column]. */
function cellAt(event, element, rows, columns) {
  const {left, top, width, height} = element.getBoundingClientRect()
  const within = (at, size, count) => Math.min(count - 1, Math.max(0, Math.floor(at / size * count)))
  return [within(event.clientY - top, height, rows), within(event.clientX - left, width, columns)]
}

// All channels -----------------------------------------------------------------------------------

function drawTiles(place, data, setTriggerValue) {
  const drawn = JSON.stringify(data), state = states.get(place) ?? {}
  const isDrawn = state.drawn === drawn  // only the number has moved
  states.set(place, Object.assign(state, {drawn, setTriggerValue}))
  if (isDrawn) return
  const focused = place.contains(document.activeElement)
  place.replaceChildren()
  const {columns, channels} = data
  const rows = Math.ceil(channels.length / columns)
  const line = add(place, "p", {"aria-live": "polite"}, data.title)
  const holder = add(place, "div", {class: "sheet"})
  const sheet = add(holder, "div", {
    tabindex: "0", role: "slider", "aria-label": data.about,
    "aria-valuemin": 0, "aria-valuemax": channels.length - 1})
  sheet.style.maxWidth = `${Math.min(channels.length, columns) * 64}px`
  add(sheet, "img", {src: data.png, alt: data.title})
  const here = add(sheet, "div", {class: "here"})
  const at = Math.max(0, channels.indexOf(data.chosen))
  const name = index => filled(data.words.mean, {channel: channels[index], mean: data.means[index]})
  const mark = index => {
    here.style.left = `${index % columns / columns * 100}%`
    here.style.top = `${Math.floor(index / columns) / rows * 100}%`
    here.style.width = `${100 / columns}%`
    here.style.height = `${100 / rows}%`
    sheet.setAttribute("aria-valuenow", index)
    sheet.setAttribute("aria-valuetext", name(index))
  }
  const choose = index => {
    if (index < 0 || index >= channels.length) return
    mark(index)
    state.setTriggerValue("channel", channels[index])
  }
  mark(at)
  sheet.onclick = event => {
    const [row, column] = cellAt(event, sheet, rows, columns)
    choose(row * columns + column)
  }
  sheet.onpointermove = event => {
    const [row, column] = cellAt(event, sheet, rows, columns)
    const index = row * columns + column
    line.textContent = index < channels.length
      ? filled(data.words.here, {title: data.title, channel: name(index)}) : data.title
  }
  sheet.onpointerleave = () => { line.textContent = data.title }
  sheet.onkeydown = event => {
    const now = Number(sheet.getAttribute("aria-valuenow"))
    const to = {ArrowLeft: now - 1, ArrowRight: now + 1, ArrowUp: now - columns, ArrowDown: now + columns,
                Home: 0, End: channels.length - 1}[event.key]
    if (to === undefined) return
    event.preventDefault()
    choose(to)
  }
  if (focused) sheet.focus({preventScroll: true})
}

// One number -------------------------------------------------------------------------------------

/* A map with an outline: {element, svg}. */
function drawPicture(parent, picture, heading) {
  const figure = add(parent, "figure")
  const caption = add(figure, "figcaption")
  add(caption, "strong", {}, heading)
  add(caption, "div", {}, picture.title)
  const pixels = add(figure, "div", {class: "pixels"})
  add(pixels, "img", {src: picture.png, alt: picture.about})
  const svg = document.createElementNS(SVG, "svg")
  svg.setAttribute("viewBox", `0 0 ${picture.columns} ${picture.rows}`)
  svg.setAttribute("preserveAspectRatio", "none")
  svg.setAttribute("aria-hidden", "true")
  pixels.append(svg)
  outline(svg, picture.box)
  if (picture.mark) outline(svg, around(picture.mark))
  if (picture.scale) {
    const scale = add(figure, "div", {class: "scale", "aria-hidden": "true"})
    scale.style.background = `linear-gradient(to right, ${picture.scale.join(",")})`
  }
  add(figure, "div", {class: "quiet"}, picture.range)
  return {pixels, svg}
}

const around = ([row, column]) => [row, column, row + 1, column + 1]

function outline(svg, box) {
  if (!box) return
  const [top, left, bottom, right] = box
  for (const name of ["under", "over"]) {
    const rect = document.createElementNS(SVG, "rect")
    const sizes = {class: name, x: left, y: top, width: right - left, height: bottom - top}
    for (const [key, value] of Object.entries(sizes)) rect.setAttribute(key, value)
    svg.append(rect)
  }
}

/* The color of a value on a scale from low to high. */
function colorOf(value, colors, [low, high]) {
  const place = Math.round((value - low) / ((high - low) || 1) * (colors.length - 1))
  return colors[Math.min(colors.length - 1, Math.max(0, place))]
}

/* Black or white, whichever has more contrast (WCAG's relative luminance). */
function textOn(color) {
  const [r, g, b] = [1, 3, 5].map(at => (parseInt(color.slice(at, at + 2), 16) / 255) ** 2.2)
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.18 ? "#10141A" : "#FFFFFF"
}

/* One scale for all kernels that are shown, one for all products. */
function limitsOf(state, name) {
  const sizes = state.data.number.grids.flatMap(one => one[name].map(cell => Math.abs(cell.full)))
  const largest = Math.max(...sizes)
  return [-largest, largest]
}

function grid(parent, cells, columns, label, colors, limits, best = null) {
  const table = add(parent, "table", {"aria-label": label})
  const isTiny = columns > WIDE
  let row
  cells.forEach((cell, i) => {
    if (i % columns === 0) row = add(table, "tr")
    const td = add(row, "td", {title: String(cell.full), class: isTiny ? "tiny" : null}, isTiny ? "" : cell.text)
    if (i === best) td.classList.add("best")
    if (isTiny) td.setAttribute("aria-label", cell.text)
    const color = colorOf(cell.full, colors, limits)
    td.style.background = color
    td.style.color = textOn(color)
  })
}

function drawGrids(state, parent) {
  const {number, words} = state.data
  const holder = add(parent, "div", {class: "grids"})
  const isFlat = number.grids.length && number.grids.every(one => one.product && one.product.length === 1)
  if (isFlat) flatTable(state, holder)
  else for (const one of number.grids) equation(state, holder, one)
  if (number.rest) {
    const count = number.rest.count.toLocaleString("en")
    add(holder, "p", {}, filled(words.rest, {count, sum: number.rest.sum}))
  }
  if (number.bias) add(holder, "p", {title: String(number.bias.full)}, filled(words.bias, {number: number.bias.text}))
  if (number.total) add(holder, "p", {}, `= ${number.total}`)
  for (const term of number.terms) {
    const text = filled(words.term, {sign: term.sign, number: term.text, place: term.from})
    const line = add(holder, "p", {title: String(term.full)}, `${text} `)
    link(state, line, term.unit, words.there)
  }
}

/* A link to the number of another layer; the image has nothing behind it. */
function link(state, parent, unit, text) {
  if (!unit || unit.startsWith("image|")) return
  add(parent, "button", {type: "button", class: "link"}, text).onclick = () => go(state, unit)
}

function equation(state, parent, one) {
  const {words} = state.data
  const line = add(parent, "div", {class: "equation"})
  const head = add(line, "button", {type: "button", class: "link"}, filled(words.channel, one))
  head.onclick = () => state.setTriggerValue("source", `${state.data.path}|${one.channel}`)
  const {colors, sources: [source]} = state.data
  const limits = source?.limits ?? limitsOf(state, "input")
  grid(line, one.input, one.columns, filled(words.input, one), source?.scale ?? colors, limits, one.winner)
  if (!one.product) return
  add(line, "span", {}, "×")
  grid(line, one.kernel, one.columns, words.kernel, colors, limitsOf(state, "kernel"))
  add(line, "span", {}, "=")
  grid(line, one.product, one.columns, words.products, colors, limitsOf(state, "product"))
  add(line, "span", {}, filled(words.sum, one))
}

/* Kernels of one number: a row each. */
function flatTable(state, parent) {
  const table = add(parent, "table")
  const head = add(table, "tr")
  for (const text of state.data.headings) add(head, "th", {scope: "col"}, text)
  for (const one of state.data.number.grids) {
    const row = add(table, "tr")
    const first = add(row, "td")
    if (one.units[0] && !one.units[0].startsWith("image|")) link(state, first, one.units[0], String(one.channel))
    else first.textContent = one.channel
    for (const name of ["input", "kernel", "product"]) {
      add(row, "td", {title: String(one[name][0].full)}, one[name][0].text)
    }
  }
}

function paint(state) {
  const {place, data} = state
  const focused = place.contains(document.activeElement) ? document.activeElement : null
  place.replaceChildren()
  state.line = add(place, "p", {role: "status"}, data.number.sentence)
  const pictures = add(place, "div", {class: "pictures"})
  const own = drawPicture(pictures, data.map, data.words.own)
  Object.assign(state, {own})
  control(state, own.pixels)
  for (const source of data.sources) {
    const {pixels} = drawPicture(pictures, source, data.words.source)
    if (source.path === "image") continue
    pixels.classList.add("active")
    pixels.onclick = event => {
      const [row, column] = cellAt(event, pixels, source.rows, source.columns)
      const unit = source.isVector ? [row * source.columns + column, 0, 0] : [source.channel, row, column]
      go(state, `${source.path}|${unit.join(".")}`)
    }
  }
  drawPicture(pictures, data.image, data.words.image)
  buttons(state, add(place, "div", {class: "buttons"}))
  drawGrids(state, place)
  if (!focused) return
  const again = place.querySelector(`[data-name="${focused.dataset.name}"]:enabled`)
  ;(again ?? own.pixels).focus({preventScroll: true})  // the map where a way has ended
}

const partsOf = unit => unit.split(".").map(Number)

/* The chosen map: click and arrow keys move the number, Page up and down the channel. */
function control(state, pixels) {
  const {data} = state, {map} = data
  pixels.classList.add("active")
  pixels.dataset.name = "map"
  const [channel, row, column] = partsOf(state.wanted)
  const {sentence} = data.number
  for (const [key, text] of Object.entries({
    tabindex: 0, role: "application",
    "aria-roledescription": data.words.map,
    "aria-label": filled(data.words.move, {map: map.about, channel, row, column, sentence}),
  })) pixels.setAttribute(key, text)
  pixels.onclick = event => {
    const [r, c] = cellAt(event, pixels, map.rows, map.columns)
    pixels.focus({preventScroll: true})
    stop(state)
    want(state, map.isVector ? [r * map.columns + c, 0, 0] : [partsOf(state.wanted)[0], r, c])
  }
  pixels.onkeydown = event => {
    const [c, y, x] = partsOf(state.wanted), wide = map.isVector ? map.columns : 0
    const to = {
      ArrowLeft: wide ? [c - 1, y, x] : [c, y, x - 1], ArrowRight: wide ? [c + 1, y, x] : [c, y, x + 1],
      ArrowUp: wide ? [c - wide, y, x] : [c, y - 1, x], ArrowDown: wide ? [c + wide, y, x] : [c, y + 1, x],
      PageUp: [c - 1, y, x], PageDown: [c + 1, y, x],
    }[event.key]
    if (!to) return
    event.preventDefault()
    stop(state)
    want(state, to)
  }
}

/* Ask for another number. One question at a time: of keys that come faster, the last counts. */
function want(state, unit) {
  const {shape} = state.data
  if (unit.some((at, i) => at < 0 || at >= shape[i])) return false
  state.wanted = unit.join(".")
  const {map} = state.data
  state.own.svg.replaceChildren()
  outline(state.own.svg, around(map.isVector ? [Math.floor(unit[0] / map.columns), unit[0] % map.columns] : unit.slice(1)))
  ask(state)
  return true
}

function ask(state) {
  if (state.asked || state.wanted === state.data.unit) return
  state.asked = state.wanted
  keepInAddress(state, state.wanted)
  state.setTriggerValue("unit", state.wanted)
  state.timer = setTimeout(() => { state.asked = null }, LONGEST)
}

/* Without an entry in the browser's history for each pixel. */
function keepInAddress(state, unit) {
  const url = new URL(window.location.href)
  if (url.searchParams.get(state.data.parameter) === unit) return
  url.searchParams.set(state.data.parameter, unit)
  window.history.replaceState(window.history.state, "", url)
}

function go(state, unit) {
  stop(state)
  state.setTriggerValue("go", unit)
}

/* Where the sum mostly came from: the winner of a pooling, the largest product, the first term. */
function strongest({number}) {
  if (number.terms.length) return number.terms.find(term => term.unit)?.unit
  const [one] = number.grids
  if (!one) return null
  if (one.winner !== null && one.winner !== undefined) return one.units[one.winner]
  const sizes = (one.product ?? one.input).map((cell, i) => one.units[i] ? Math.abs(cell.full) : -1)
  return one.units[sizes.indexOf(Math.max(...sizes))]
}

function buttons(state, parent) {
  const {words} = state.data
  const play = add(parent, "button", {type: "button", "aria-pressed": String(Boolean(state.playing))},
                   state.playing ? words.stop : words.slide)
  play.dataset.name = "play"
  play.onclick = () => {
    if (state.playing) stop(state)
    else {
      state.playing = true
      step(state)
    }
    paint(state)
  }
  const unit = strongest(state.data)
  const back = add(parent, "button", {type: "button"}, words.back)
  back.dataset.name = "back"
  back.disabled = !unit || unit.startsWith("image|")
  back.onclick = () => go(state, unit)
}

function stop(state) {
  state.playing = false
  clearTimeout(state.next)
}

/* One place further, row by row, until the end. */
function step(state) {
  const [channel, row, column] = partsOf(state.data.unit), {shape, map} = state.data
  const to = map.isVector ? [channel + 1, 0, 0]
    : column + 1 < shape[2] ? [channel, row, column + 1] : [channel, row + 1, 0]
  if (!want(state, to)) {
    stop(state)
    paint(state)
  }
}

const pause = () => matchMedia("(prefers-reduced-motion: reduce)").matches ? 5 * STEP : STEP

function answered(state) {
  clearTimeout(state.timer)
  state.asked = null
  if (state.wanted !== state.data.unit) ask(state)
  else if (state.playing) {
    clearTimeout(state.next)
    state.next = setTimeout(() => state.playing && step(state), pause())
  }
}

export function draw({data, parentElement, setTriggerValue}) {
  const place = parentElement.querySelector(data.kind === "tiles" ? ".tiles" : ".number")
  if (data.kind === "tiles") {
    drawTiles(place, data, setTriggerValue)
    return
  }
  const state = states.get(place) ?? {place}
  const isAnswer = state.asked === data.unit && state.data?.path === data.path
  Object.assign(state, {data, setTriggerValue})
  if (!isAnswer) state.wanted = data.unit
  states.set(place, state)
  paint(state)
  if (state.wanted !== data.unit) want(state, partsOf(state.wanted))
  answered(state)
  keepInAddress(state, state.wanted)
  return () => {
    stop(state)
    clearTimeout(state.timer)
    states.delete(place)
  }
}

/* A training replayed: the slider moves the mark on the curve, the predictions and the maps at
   once; the page hears of it when the slider rests. */

const CELL = 46, PLOT = 170, FACE = 12  // pixels of a map's side, of the curve's height, of letters
const STEP = 700, REST = 300  // milliseconds of one epoch while it plays, and until the page hears
const ROOM = {left: 46, right: 64, top: 10, bottom: 34}
const SVG = "http://www.w3.org/2000/svg"

const replays = new WeakMap()  // for each place: what is drawn there

function add(parent, name, attributes = {}, text) {
  const node = parent.namespaceURI === SVG || name === "svg"
    ? document.createElementNS(SVG, name) : document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value)
  if (text !== undefined) node.textContent = text
  parent.append(node)
  return node
}

/* A template of Python's with its named values. */
const filled = (template, values) => template.replace(/\{(\w+)\}/g, (whole, name) => values[name])

const percent = share => `${(100 * share).toFixed(1)} %`

/* The curve ------------------------------------------------------------------------------------ */

function plot(state) {
  const {svg, data} = state
  const width = Math.max(240, svg.parentElement.clientWidth)
  svg.replaceChildren()
  svg.setAttribute("viewBox", `0 0 ${width} ${PLOT}`)
  svg.setAttribute("height", PLOT)
  const rows = data.accuracy
  const lowest = Math.min(1, ...rows.flatMap(row => [row.test, row.train]))
  const low = Math.min(0.9, Math.floor(10 * lowest) / 10)
  const x = epoch => ROOM.left + epoch / Math.max(1, data.total) * (width - ROOM.left - ROOM.right)
  const y = share => ROOM.top + (1 - share) / (1 - low) * (PLOT - ROOM.top - ROOM.bottom)
  for (const share of [low, (1 + low) / 2, 1]) {
    add(svg, "line", {class: "grid", x1: x(0), x2: x(data.total), y1: y(share), y2: y(share)})
    add(svg, "text", {x: ROOM.left - 6, y: y(share) + 4, "text-anchor": "end"}, `${Math.round(100 * share)} %`)
  }
  const every = Math.max(1, Math.ceil(data.total / Math.max(2, width / 90)))
  for (let epoch = 0; epoch <= data.total; epoch += every) {
    add(svg, "text", {x: x(epoch), y: PLOT - 18, "text-anchor": "middle"}, epoch)
  }
  add(svg, "text", {x: (x(0) + x(data.total)) / 2, y: PLOT - 3, "text-anchor": "middle"}, data.words.epoch)
  const ends = rows.length ? [rows.at(-1).test, rows.at(-1).train] : []
  const isClose = ends.length && Math.abs(y(ends[0]) - y(ends[1])) < FACE
  for (const [kind, shift] of [["test", 1], ["train", -1]]) {
    if (!rows.length) break
    const points = rows.map(row => `${x(row.epoch)},${y(row[kind])}`).join(" ")
    add(svg, "polyline", {class: `curve ${kind}`, points})
    const above = rows.at(-1)[kind] >= Math.max(...ends) ? -1 : 1
    const nudge = isClose ? (ends[0] === ends[1] ? shift : above) * FACE / 2 : 0
    add(svg, "text", {class: kind, x: x(rows.at(-1).epoch) + 6, y: y(rows.at(-1)[kind]) + 4 + nudge}, data.words[kind])
  }
  state.mark = add(svg, "line", {class: "mark", y1: ROOM.top, y2: PLOT - ROOM.bottom})
  state.dot = add(svg, "circle", {class: "dot", r: 5})
  Object.assign(state, {x, y})
  svg.onclick = event => {
    const at = (event.clientX - svg.getBoundingClientRect().left) * width / svg.getBoundingClientRect().width
    const far = data.epochs.map(epoch => Math.abs(x(epoch) - at))
    move(state, far.indexOf(Math.min(...far)))
  }
}

/* The images ----------------------------------------------------------------------------------- */

function cards(state) {
  const {data, place} = state
  place.replaceChildren()
  state.cards = data.images.map((image, index) => {
    const card = add(place, "figure", {class: "card", role: "group"})
    add(card, "img", {src: image.png, alt: ""})
    add(card, "figcaption", {}, image.label)
    const said = add(card, "p", {class: "said"})
    const cells = data.maps.map(map => {
      const box = add(card, "div", {class: "maps", role: "img"})
      return map.channels.map((_, channel) => cell(box, map, index * map.channels.length + channel, data))
    })
    return {card, said, boxes: [...card.querySelectorAll(".maps")], cells}
  })
}

/* One map of one image: a part of the picture that holds those of all epochs, a row for each. */
function cell(box, map, column, data) {
  const [height, width] = map.sides
  const scale = Math.max(1, Math.round(CELL / Math.max(height, width)))
  const columns = data.images.length * map.channels.length
  const node = add(box, "span", {class: "map"})
  Object.assign(node.style, {
    width: `${scale * width}px`, height: `${scale * height}px`, backgroundImage: `url(${map.png})`,
    backgroundSize: `${scale * width * columns}px ${scale * height * data.epochs.length}px`,
    backgroundPositionX: `${-scale * width * column}px`,
  })
  return {node, tall: scale * height}
}

function paint(state) {
  const {data, at} = state, {words} = data
  const epoch = data.epochs[at], row = data.accuracy.find(one => one.epoch === epoch)
  const when = epoch === 0 ? words.before : filled(words.after, {epoch})
  state.slider.value = at
  state.slider.setAttribute("aria-valuetext", when)
  state.mark.setAttribute("x1", state.x(epoch))
  state.mark.setAttribute("x2", state.x(epoch))
  state.dot.toggleAttribute("hidden", !row)
  state.dot.setAttribute("cx", row ? state.x(epoch) : -99)
  state.dot.setAttribute("cy", row ? state.y(row.test) : -99)
  const said = data.said?.[at]
  const right = said?.filter(one => one.right).length
  const parts = [when, row && filled(words.accuracy, {accuracy: percent(row.test)}),
                 said && filled(words.right, {right, images: said.length})]
  state.line.textContent = filled(words.line, {parts: parts.filter(Boolean).join(" · ")})
  state.cards.forEach(({card, said: line, boxes, cells}, index) => {
    const one = said?.[index]
    line.textContent = one
      ? filled(words.said, {sign: one.right ? "✓" : "✗", label: one.name, probability: percent(one.share)}) : ""
    line.className = one ? `said ${one.right ? "right" : "wrong"}` : "said"
    const verdict = !one ? words.image : one.right ? words.taken_right : words.taken_wrong
    card.setAttribute("aria-label", filled(verdict, {
      image: data.images[index].label, when, label: one?.name, probability: one && percent(one.share)}))
    boxes.forEach((box, which) => box.setAttribute("aria-label", filled(words.maps, {
      channels: data.maps[which].listed, layer: data.maps[which].path, when})))
    for (const {node, tall} of cells.flat()) node.style.backgroundPositionY = `${-tall * at}px`
  })
}

/* Moving --------------------------------------------------------------------------------------- */

function move(state, at) {
  state.at = Math.max(0, Math.min(at, state.data.epochs.length - 1))
  paint(state)
  clearTimeout(state.resting)
  if (!state.playing) state.resting = setTimeout(() => tell(state), REST)
}

function tell(state) {
  const epoch = state.data.epochs[state.at]
  if (epoch !== state.told) state.setStateValue("epoch", epoch)
  state.told = epoch
}

function play(state, isOn) {
  clearInterval(state.playing)
  state.playing = null
  if (isOn) {
    const last = state.data.epochs.length - 1
    if (state.at === last) move(state, 0)
    state.playing = setInterval(() => {
      move(state, state.at + 1)
      if (state.at >= state.data.epochs.length - 1) play(state, false)
    }, STEP)
  } else tell(state)
  label(state)
}

function label({button, slider, playing, data: {words}}) {
  button.textContent = playing ? words.pause : words.play
  button.setAttribute("aria-pressed", String(Boolean(playing)))
  slider.setAttribute("aria-label", words.slider)
}

export function draw({data, parentElement, setStateValue}) {
  const holder = parentElement.querySelector(".replay")
  let state = replays.get(holder)
  const isFirst = !state
  if (isFirst) {
    const find = name => holder.querySelector(name)
    state = {svg: find("svg"), place: find(".cards"), line: find(".line"),
             slider: find("input"), button: find("button")}
    replays.set(holder, state)
    state.slider.oninput = () => {
      if (state.playing) play(state, false)
      move(state, Number(state.slider.value))
    }
    state.button.onclick = () => play(state, !state.playing)
    state.sizes = new ResizeObserver(() => {
      plot(state)
      paint(state)
    })
  }
  const before = state.data
  const wasLast = before && before.name === data.name && state.at === before.epochs.length - 1
  const epoch = before?.name === data.name ? before.epochs[state.at] : undefined
  Object.assign(state, {data, setStateValue})
  state.slider.max = data.epochs.length - 1
  const kept = data.epochs.indexOf(epoch)
  const asked = Math.max(0, data.epochs.indexOf(data.epoch))
  const grew = wasLast && before.epochs.length < data.epochs.length
  const isLed = data.epoch !== state.told && data.epoch !== before?.epoch  // by the address
  state.at = epoch === undefined || isLed && !grew || kept < 0 ? asked
    : grew ? data.epochs.length - 1 : kept
  if (isFirst || isLed) state.told = data.epochs[state.at]
  state.svg.setAttribute("aria-label", data.curve)
  label(state)
  cards(state)
  plot(state)
  paint(state)
  if (isFirst) state.sizes.observe(holder)
  return () => {
    clearInterval(state.playing)
    clearTimeout(state.resting)
    state.sizes.disconnect()
    replays.delete(holder)
  }
}

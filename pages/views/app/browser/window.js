/* A window that slides over a map, and the output that grows: by itself, or by the arrow keys. Only
   the part of both maps around the window is drawn; what lies outside of it is told in the line. */

const SEEN = 13  // cells a side that are drawn at most
const CELL = 20  // pixels
const STEP = 700  // milliseconds between two positions
const NS = "http://www.w3.org/2000/svg"

const boards = new WeakMap()  // for each place: where its window is, and whether it moves

function add(name, attributes, parent) {
  const made = document.createElementNS(NS, name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  parent.append(made)
}

function firstSeen(start, length, total, seen) {
  const middle = Math.floor(start + length / 2 - seen / 2)
  return Math.max(0, Math.min(middle, total - seen))
}

function grid(title, seen, kindOf, frame) {
  const svg = document.createElementNS(NS, "svg")
  const side = seen * CELL
  svg.setAttribute("viewBox", `0 0 ${side} ${side}`)
  svg.setAttribute("width", side)
  svg.setAttribute("aria-hidden", "true")  // the line below says it
  for (let row = 0; row < seen; row++) {
    for (let column = 0; column < seen; column++) {
      add("rect", {x: column * CELL, y: row * CELL, width: CELL, height: CELL,
                   class: `cell ${kindOf(row, column)}`}, svg)
    }
  }
  if (frame) {
    add("rect", {x: frame.x * CELL + 1, y: frame.y * CELL + 1, width: frame.side * CELL - 2,
                 height: frame.side * CELL - 2, class: "frame"}, svg)
  }
  const figure = document.createElement("figure"), caption = document.createElement("figcaption")
  caption.textContent = title
  figure.append(caption, svg)
  return figure
}

function span(from, to, padding, side) {
  const inside = (from - padding >= 0) && (to - padding < side)
  const low = Math.max(1, from - padding + 1), high = Math.min(side, to - padding + 1)
  return {text: low === high ? `${low}` : `${low}–${high}`, inside, isEmpty: low > high}
}

function fill(template, values) {
  return template.replace(/\{(\w+)\}/g, (_, name) => values[name])
}

function told({row, column}, w, words) {
  const [down, along] = [row, column].map(at =>
    span(at * w.stride, at * w.stride + w.reach - 1, w.padding, w.side))
  const which = down.isEmpty || along.isEmpty ? "padding" : down.inside && along.inside ? "pixels" : "both"
  return fill(words[which], {row: row + 1, column: column + 1, size: w.output, rows: down.text, columns: along.text})
}

function show(board) {
  const {at, w, words, place, line} = board
  const padded = w.side + 2 * w.padding
  const seen = Math.min(padded, Math.max(SEEN, w.reach))
  const top = firstSeen(at.row * w.stride, w.reach, padded, seen)
  const left = firstSeen(at.column * w.stride, w.reach, padded, seen)
  const isTap = (index, start) => index >= start && index < start + w.reach && (index - start) % w.dilation === 0
  const isInside = index => index >= w.padding && index < w.padding + w.side
  const input = grid(words.input, seen, (row, column) => {
    const [y, x] = [top + row, left + column]
    if (isTap(y, at.row * w.stride) && isTap(x, at.column * w.stride)) return "tap"
    return isInside(y) && isInside(x) ? "pixel" : "padding"
  }, {x: at.column * w.stride - left, y: at.row * w.stride - top, side: w.reach})
  const size = Math.min(w.output, SEEN)
  const outTop = firstSeen(at.row, 1, w.output, size), outLeft = firstSeen(at.column, 1, w.output, size)
  const output = grid(words.output, size, (row, column) => {
    const [y, x] = [outTop + row, outLeft + column]
    if (y === at.row && x === at.column) return "now"
    return y < at.row || (y === at.row && x < at.column) ? "done" : "open"
  })
  place.replaceChildren(input, output)
  line.textContent = told(at, w, words)
}

function next(at, last) {
  if (at.column < last) return {row: at.row, column: at.column + 1}
  return {row: at.row < last ? at.row + 1 : 0, column: 0}
}

function play(board, moves) {
  clearInterval(board.timer)
  board.moves = moves
  board.button.textContent = moves ? board.words.pause : board.words.play
  if (!moves) return
  board.timer = setInterval(() => {
    if (!board.place.isConnected) return clearInterval(board.timer)
    if (document.hidden) return
    board.at = next(board.at, board.w.output - 1)
    show(board)
  }, STEP)
}

export function draw({data, parentElement}) {
  const place = parentElement.querySelector(".window-board")
  const board = boards.get(place) ?? {at: {row: 0, column: 0}}
  const isNew = !boards.has(place)
  boards.set(place, board)
  const key = JSON.stringify(data)
  if (board.key !== key) board.at = {row: 0, column: 0}
  Object.assign(board, {key, w: data, words: data.words, place, line: parentElement.querySelector(".window-told"),
                        button: parentElement.querySelector("button")})
  place.tabIndex = 0
  place.setAttribute("role", "application")
  place.setAttribute("aria-label", data.words.about)
  board.button.onclick = () => play(board, !board.moves)
  place.onkeydown = event => {
    const last = data.output - 1, {row, column} = board.at
    const to = {ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1], ArrowUp: [row - 1, column],
                ArrowDown: [row + 1, column], Home: [0, 0], End: [last, last]}[event.key]
    if (!to) return
    event.preventDefault()
    play(board, false)
    const [down, along] = to.map(at => Math.max(0, Math.min(last, at)))
    board.at = {row: down, column: along}
    board.line.setAttribute("aria-live", "polite")  // not while it moves by itself
    show(board)
  }
  show(board)
  const mayMove = !matchMedia("(prefers-reduced-motion: reduce)").matches && data.output > 1
  play(board, isNew ? mayMove : board.moves)
  const {timer} = board
  return () => clearInterval(timer)  // another drawing may have begun by now
}

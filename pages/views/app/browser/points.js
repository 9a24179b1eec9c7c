/* Test images as points: the pointer or the arrow keys pick one, whose picture stands below; a click
   or Enter opens it. */

const RADIUS = 3.5, MISTAKE = 5.5, PAD = 14  // pixels
const REACH = 16  // pixels from the pointer within which a point is picked
const SQRT = Math.sqrt(3) / 2
const SHAPES = {  // corners around 0, of radius 1
  square: [[-0.85, -0.85], [0.85, -0.85], [0.85, 0.85], [-0.85, 0.85]],
  diamond: [[0, -1.15], [1.15, 0], [0, 1.15], [-1.15, 0]],
  "triangle-up": [[0, -1.1], [1.1 * SQRT, 0.7], [-1.1 * SQRT, 0.7]],
  cross: [[-0.4, -1.1], [0.4, -1.1], [0.4, -0.4], [1.1, -0.4], [1.1, 0.4], [0.4, 0.4], [0.4, 1.1],
          [-0.4, 1.1], [-0.4, 0.4], [-1.1, 0.4], [-1.1, -0.4], [-0.4, -0.4]],
}
SHAPES.x = SHAPES.cross.map(([x, y]) => [(x - y) * 0.71, (x + y) * 0.71])
const STEPS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}

const boards = new WeakMap()  // for each place: what is drawn there

function trace(pen, shape, x, y, radius) {
  pen.beginPath()
  const corners = SHAPES[shape]
  if (corners) corners.forEach(([dx, dy]) => pen.lineTo(x + radius * dx, y + radius * dy))
  else pen.arc(x, y, radius, 0, 2 * Math.PI)
  pen.closePath()
}

/* One scale for both directions, so that distances are what they are. */
function layOut(board) {
  const {data, canvas} = board
  const {xs, ys} = data
  const [left, right] = [Math.min(...xs), Math.max(...xs)]
  const [low, high] = [Math.min(...ys), Math.max(...ys)]
  const width = canvas.clientWidth, height = data.height
  const scale = Math.min((width - 2 * PAD) / (right - left || 1), (height - 2 * PAD) / (high - low || 1))
  board.x = xs.map(x => width / 2 + scale * (x - (left + right) / 2))
  board.y = ys.map(y => height / 2 - scale * (y - (low + high) / 2))
}

function paint(board) {
  const {data, canvas} = board
  if (!canvas.clientWidth) return
  layOut(board)
  const dots = window.devicePixelRatio || 1
  canvas.width = canvas.clientWidth * dots
  canvas.height = data.height * dots
  canvas.style.height = `${data.height}px`
  const pen = canvas.getContext("2d")
  pen.scale(dots, dots)
  const ink = getComputedStyle(canvas).color
  const order = data.images.map((_, i) => i).sort((a, b) => data.wrong[a] - data.wrong[b])
  for (const i of order) {
    const {color, marker} = data.classes[data.labels[i]]
    trace(pen, marker, board.x[i], board.y[i], data.wrong[i] ? MISTAKE : RADIUS)
    pen.globalAlpha = data.wrong[i] ? 1 : 0.6
    pen.fillStyle = color
    pen.fill()
    if (data.wrong[i]) {
      pen.strokeStyle = ink
      pen.lineWidth = 1.5
      pen.stroke()
    }
  }
  pen.globalAlpha = 1
  if (board.at !== null) {
    pen.beginPath()
    pen.arc(board.x[board.at], board.y[board.at], 10, 0, 2 * Math.PI)
    pen.strokeStyle = ink
    pen.lineWidth = 2.5
    pen.stroke()
  }
}

function nearest(board, x, y, reach) {
  let best = null, least = reach
  board.x.forEach((px, i) => {
    const distance = Math.hypot(px - x, board.y[i] - y)
    if (distance < least) [best, least] = [i, distance]
  })
  return best
}

/* The next point in a direction: near, and not far to its side. */
function beside(board, [dx, dy]) {
  let best = board.at, least = Infinity
  board.x.forEach((px, i) => {
    const x = px - board.x[board.at], y = board.y[i] - board.y[board.at]
    const along = x * dx + y * dy, across = Math.abs(x * dy - y * dx)
    const cost = along + 2 * across
    if (along > 0.5 && across <= along && cost < least) [best, least] = [i, cost]
  })
  return best
}

function pick(board, at) {
  if (at === board.at) return
  board.at = at
  paint(board)
  const {data, line, root} = board
  if (at === null) {
    line.replaceChildren(data.help)
    return
  }
  const picture = document.createElement("img")
  picture.alt = ""
  picture.src = `${root}${data.path}&index=${data.images[at]}`
  const words = document.createElement("span")
  words.textContent = data.texts[at]
  line.replaceChildren(picture, words)
}

function nextMistake(board, step) {
  const {wrong} = board.data
  const count = wrong.length
  for (let i = 1; i <= count; i++) {
    const at = (((board.at ?? (step > 0 ? -1 : count)) + i * step) % count + count) % count
    if (wrong[at]) return at
  }
  return board.at
}

function listen(board) {
  const {canvas} = board
  const under = event => {
    const box = canvas.getBoundingClientRect()
    return nearest(board, event.clientX - box.left, event.clientY - box.top, REACH)
  }
  const open = () => board.at !== null && board.setTriggerValue("open", board.data.images[board.at])
  canvas.onpointermove = event => pick(board, under(event))
  canvas.onclick = event => {
    const at = under(event)
    if (at === null) return
    pick(board, at)
    open()
  }
  canvas.onkeydown = event => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const step = {m: 1, M: -1}[event.key]
    if (event.key === "Enter") open()
    else if (step) pick(board, nextMistake(board, step))
    else if (event.key in STEPS) pick(board, board.at === null ? 0 : beside(board, STEPS[event.key]))
    else return
    event.preventDefault()
  }
}

function legend(place, classes) {
  place.replaceChildren(...classes.map(({name, color, marker}) => {
    const item = document.createElement("span")
    const corners = SHAPES[marker]
    const shape = corners ? `<polygon points="${corners.map(([x, y]) => `${7 + 5 * x},${7 + 5 * y}`).join(" ")}"/>`
                          : '<circle cx="7" cy="7" r="5"/>'
    item.innerHTML = `<svg viewBox="0 0 14 14" aria-hidden="true">${shape}</svg>`
    item.firstChild.firstChild.setAttribute("fill", color)
    item.append(name)
    return item
  }))
}

export function draw({data, parentElement, setTriggerValue}, addresses, root) {
  const holder = parentElement.querySelector(".points")
  let board = boards.get(holder)
  if (!board) {
    board = {root, at: null, canvas: holder.querySelector("canvas"), line: holder.querySelector(".points-line")}
    boards.set(holder, board)
    board.sizes = new ResizeObserver(() => paint(board))
    listen(board)
  }
  const isNew = board.data?.key !== data.key
  Object.assign(board, {data, setTriggerValue})
  board.canvas.setAttribute("role", "application")
  board.canvas.setAttribute("aria-label", data.about)
  holder.querySelector(".points-title").textContent = data.title
  legend(holder.querySelector(".points-legend"), data.classes)
  if (isNew) {
    board.at = null
    board.line.replaceChildren(data.help)
  }
  paint(board)
  board.sizes.observe(board.canvas)
  return () => {
    board.sizes.disconnect()
    boards.delete(holder)
  }
}

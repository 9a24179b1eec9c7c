/* A canvas of 28 × 28 pixels: white on black by mouse, finger or keyboard. It tells its pixels after
   each stroke, as base64 of one byte a pixel. */

const SIDE = 28, BRUSH = 1.5  // pixels
const SETTLE = 250  // milliseconds after a key before the pixels are told

const boards = new WeakMap()  // for each canvas: its levels

function paint(board, x, y) {
  for (let row = 0; row < SIDE; row++) {
    for (let column = 0; column < SIDE; column++) {
      const distance = Math.hypot(column + 0.5 - x, row + 0.5 - y)
      const level = 255 * Math.min(1, Math.max(0, BRUSH + 0.5 - distance))
      board.levels[row * SIDE + column] = Math.max(board.levels[row * SIDE + column], level)
    }
  }
}

function stroke(board, from, to) {
  const steps = Math.max(1, Math.ceil(2 * Math.hypot(to.x - from.x, to.y - from.y)))
  for (let step = 0; step <= steps; step++) {
    const share = step / steps
    paint(board, from.x + share * (to.x - from.x), from.y + share * (to.y - from.y))
  }
}

function show(canvas, board) {
  const context = canvas.getContext("2d")
  const picture = context.createImageData(SIDE, SIDE)
  board.levels.forEach((level, index) => {
    picture.data.set([level, level, level, 255], 4 * index)
  })
  context.putImageData(picture, 0, 0)
  if (board.isKeyed) {
    context.fillStyle = "#E69F00"
    context.fillRect(Math.floor(board.at.x), Math.floor(board.at.y), 1, 1)
  }
}

export function draw({data, parentElement, setStateValue}) {
  const canvas = parentElement.querySelector("canvas")
  const line = parentElement.querySelector(".canvas-line")
  const board = boards.get(canvas) ??
    {levels: new Uint8ClampedArray(SIDE * SIDE), at: {x: SIDE / 2, y: SIDE / 2}, isKeyed: false}
  boards.set(canvas, board)
  canvas.setAttribute("role", "application")
  canvas.setAttribute("aria-label", data.words.about)
  const clear = document.createElement("button")
  clear.type = "button"
  clear.textContent = data.words.clear
  line.replaceChildren(clear, ` ${data.words.help}`)
  const tell = () => setStateValue("pixels", btoa(String.fromCharCode(...board.levels)))
  const empty = () => {
    board.levels.fill(0)
    show(canvas, board)
    setStateValue("pixels", "")
  }
  const place = event => {
    const box = canvas.getBoundingClientRect()
    return {x: SIDE * (event.clientX - box.left) / box.width,
            y: SIDE * (event.clientY - box.top) / box.height}
  }
  clear.onclick = empty
  canvas.onpointerdown = event => {
    canvas.setPointerCapture(event.pointerId)
    Object.assign(board, {isKeyed: false, isDown: true, at: place(event)})
    stroke(board, board.at, board.at)
    show(canvas, board)
  }
  canvas.onpointermove = event => {
    if (!board.isDown) return
    const to = place(event)
    stroke(board, board.at, to)
    board.at = to
    show(canvas, board)
  }
  canvas.onpointerup = canvas.onpointercancel = () => {
    if (board.isDown) tell()
    board.isDown = false
  }
  canvas.onkeydown = event => {
    const move = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}
    const inside = value => Math.min(SIDE - 0.5, Math.max(0.5, value))
    if (event.key in move) {
      const [right, down] = move[event.key]
      board.at = {x: inside(Math.floor(board.at.x) + 0.5 + right),
                  y: inside(Math.floor(board.at.y) + 0.5 + down)}
    } else if (event.key === " ") {
      paint(board, board.at.x, board.at.y)
      clearTimeout(board.timer)
      board.timer = setTimeout(tell, SETTLE)
    } else if (event.key === "Delete" || event.key === "Backspace") {
      empty()
    } else {
      return
    }
    event.preventDefault()
    board.isKeyed = true
    show(canvas, board)
  }
  canvas.onblur = () => {
    board.isKeyed = false
    show(canvas, board)
  }
  show(canvas, board)
}

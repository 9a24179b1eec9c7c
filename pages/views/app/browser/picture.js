/* Draws the network's SVG, opens and folds its blocks by click and key, tells which layer was
   chosen, saves the picture as SVG and PNG. */

const states = new WeakMap()  // for each picture: what is drawn, and the block last toggled

function fill(holder, data, state) {
  // Made by core.report.picture.svg, which escapes every name; a saved picture keeps its light colors
  holder.innerHTML = data.svg.replace(/#[0-9a-f]{6}/gi, color => {
    const dark = data.dark[color.toUpperCase()]
    return dark ? `light-dark(${color}, ${dark})` : color
  })
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
  }
  for (const layer of picture.querySelectorAll("[data-layer]:not([data-block])")) {
    layer.setAttribute("role", "button")
    layer.setAttribute("tabindex", "0")
    layer.setAttribute("aria-label", layer.querySelector("title").textContent)
  }
  focusOn(picture, state.toggled) || focusOn(picture, data.repeatOf[state.toggled])
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
      else status.textContent = "This picture is too large for a PNG; SVG works."
    }, "image/png")
  }
  picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(data.svg)}`
}

export function draw({data, parentElement, setTriggerValue}) {
  const holder = parentElement.querySelector(".picture")
  const status = parentElement.querySelector("[role=status]")
  const state = states.get(holder) ?? {}
  states.set(holder, state)
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
  }
  parentElement.querySelector("[data-save=svg]").onclick = () =>
    save(new Blob([data.svg], {type: "image/svg+xml"}), `${data.name}.svg`)
  parentElement.querySelector("[data-save=png]").onclick = () => savePng(data, status)
}

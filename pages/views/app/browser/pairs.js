/* Two networks layer by layer: a row for each layer with the maps of both, on one scale. */

function add(parent, name, attributes = {}, text) {
  const node = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) if (value !== null) node.setAttribute(key, value)
  if (text !== undefined) node.textContent = text
  parent.append(node)
  return node
}

function head(table, data) {
  const row = add(add(table, "thead"), "tr")
  add(row, "th", {scope: "col", class: "layer"}, data.words.layer)
  for (const title of data.titles) add(row, "th", {scope: "col"}, title)
  if (data.has_cka) add(row, "th", {scope: "col", class: "cka"}, "CKA")
}

/* The layer's name chooses it; so does a click anywhere in its row. */
function name(row, one, choose) {
  const cell = add(row, "th", {scope: "row", class: "layer"})
  if (one.path === null) add(cell, "strong", {}, one.name)
  else add(cell, "button", {type: "button", "aria-pressed": String(one.chosen), "data-path": one.path}, one.name)
  if (one.second_name) add(cell, "div", {class: "quiet"}, one.second_name)
  const scale = add(cell, "div", {class: "scale", "aria-hidden": "true"})
  scale.style.background = `linear-gradient(to right, ${one.colors.join(",")})`
  add(cell, "div", {class: "quiet"}, one.range)
  if (one.path !== null) row.onclick = () => choose(one.path)
}

function maps(row, side, missing) {
  const cell = add(row, "td")
  if (side === null) add(cell, "span", {class: "quiet"}, missing)
  else {
    const image = add(cell, "img", {src: side.png, alt: side.about, title: side.about})
    image.style.maxWidth = `${side.width}px`
  }
}

export function draw({data, parentElement, setTriggerValue}) {
  const place = parentElement.querySelector(".pairs")
  const focused = place.contains(document.activeElement) ? document.activeElement.dataset.path : null
  place.replaceChildren()
  const table = add(place, "table", {"aria-label": data.about})
  head(table, data)
  const body = add(table, "tbody")
  for (const one of data.rows) {
    const row = add(body, "tr", {class: one.path === null ? "alone" : one.chosen ? "chosen" : null})
    name(row, one, path => setTriggerValue("layer", path))
    for (const side of [one.first, one.second]) maps(row, side, data.words.missing)
    if (data.has_cka) add(row, "td", {class: "cka"}, one.cka)
  }
  if (focused) [...place.querySelectorAll("button")].find(one => one.dataset.path === focused)?.focus({preventScroll: true})
}

/* The table of layers: one tab stop, arrows inside, sorted by its heads; it points at the strip's
   boxes and shows what is pointed at there. */

const tables = new WeakMap()  // for each place: what is drawn there

const FORMATS = {
  count: value => value.toLocaleString("en-US"),
  mebibytes: value => value.toFixed(2),
  percent: value => `${value.toFixed(1)} %`,
}

function create(name, parent, attributes = {}, text) {
  const node = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value)
  if (text !== undefined) node.textContent = text
  parent.append(node)
  return node
}

const isNumber = column => column.kind !== "text" && column.kind !== "path"
const classOf = column => `from-${column.from} ${isNumber(column) ? "number" : column.kind}`
const valueOf = cell => Array.isArray(cell) ? cell[0] : cell  // a number, and how it is told
const textOf = (cell, kind) => Array.isArray(cell) ? cell[1] : cell === null ? "" : FORMATS[kind]?.(cell) ?? cell

function fill(state) {
  const {holder, data} = state
  const scrolled = [holder.scrollLeft, holder.scrollTop]
  holder.replaceChildren()
  holder.classList.toggle("some", !data.all)
  const table = create("table", holder, {role: "grid", "aria-label": data.about})
  const head = create("tr", create("thead", table), {role: "row"})
  data.columns.forEach((column, i) => {
    const sorted = state.sorted?.name === column.name ? state.sorted.order : "none"
    const cell = create("th", head, {scope: "col", role: "columnheader", class: classOf(column), "aria-sort": sorted})
    const button = create("button", cell, {type: "button", tabindex: "-1", title: column.help}, column.name)
    button.dataset.column = i
  })
  const body = create("tbody", table)
  for (const row of inOrder(state)) line(state, body, row)
  state.lines = [...body.children]
  rove(state, state.lines.find(one => one.dataset.key === state.at) ?? state.lines[0])
  holder.scrollLeft = scrolled[0]
  holder.scrollTop = scrolled[1]
}

function line({data}, body, row) {
  const isChosen = row.block === data.chosen && !row.inner
  const one = create("tr", body, {role: "row", tabindex: "-1", "aria-selected": String(isChosen)})
  one.dataset.block = row.block
  one.dataset.key = row.cells[0]
  if (row.inner) one.classList.add("inner")
  if (row.marked) one.classList.add("marked")
  data.columns.forEach((column, i) => {
    const cell = create(i ? "td" : "th", one, {role: i ? "gridcell" : "rowheader", class: classOf(column)})
    const text = textOf(row.cells[i], column.kind)
    if (column.kind === "path") {
      create("bdi", cell, {}, row.marked ? `▶ ${text}` : text)
      cell.title = text
    } else cell.textContent = text
    const share = row.shares[column.name]
    if (share > 0) create("span", cell, {class: "share", style: `width: ${share}%`})
  })
}

/* As they run, or by one column; layers below their block stay with it only as they run. */
function inOrder({data, sorted}) {
  const at = data.columns.findIndex(column => column.name === sorted?.name)
  if (at < 0 || sorted.order === "none") return data.rows
  const sign = sorted.order === "ascending" ? 1 : -1
  return data.rows.toSorted((a, b) => {
    const [one, other] = [a, b].map(row => valueOf(row.cells[at]))
    if (one === null || other === null) return (one === null) - (other === null)
    return sign * (typeof one === "string" ? one.localeCompare(other, "en", {numeric: true}) : one - other)
  })
}

function sort(state, column) {
  const isAgain = state.sorted?.name === column.name
  const first = isNumber(column) ? "descending" : "ascending"
  const next = {none: first, [first]: first === "ascending" ? "descending" : "ascending"}
  const order = isAgain ? next[state.sorted.order] ?? "none" : first
  state.sorted = {name: column.name, order}
  fill(state)
}

/* One tab stop: the row where the keyboard was last. */
function rove(state, to) {
  for (const one of state.holder.querySelectorAll('[tabindex="0"]')) one.setAttribute("tabindex", "-1")
  to?.setAttribute("tabindex", "0")
  state.at = to?.dataset.key ?? state.at
}

function move(state, to) {
  rove(state, to)
  to.focus()
}

function press(state, event) {
  const {holder, lines} = state
  const buttons = [...holder.querySelectorAll("thead button")].filter(one => one.offsetParent)
  const row = lines.indexOf(event.target.closest("tbody tr")), head = buttons.indexOf(event.target)
  const among = head >= 0 ? buttons : lines
  const keys = head >= 0
    ? {ArrowLeft: buttons[head - 1], ArrowRight: buttons[head + 1], ArrowDown: lines[0], Home: buttons[0], End: buttons.at(-1)}
    : {ArrowUp: lines[row - 1] ?? buttons[0], ArrowDown: lines[row + 1], Home: lines[0], End: lines.at(-1),
       PageDown: lines[Math.min(row + 10, lines.length - 1)], PageUp: lines[Math.max(row - 10, 0)]}
  if (head < 0 && row < 0) return
  if ((event.key === "Enter" || event.key === " ") && among === lines) choose(lines[row])
  else if (keys[event.key]) move(state, keys[event.key])
  else return
  event.preventDefault()
}

function choose(row) {
  document.dispatchEvent(new CustomEvent("lab-stage-chosen", {detail: {name: row.dataset.block, by: "table"}}))
}

function point(name) {
  document.dispatchEvent(new CustomEvent("lab-stage-pointed", {detail: {name, by: "table"}}))
}

function listen(state) {
  const {holder} = state
  const rowAt = event => event.target.closest?.("tbody tr")
  holder.addEventListener("click", event => {
    const button = event.target.closest("thead button")
    if (button) {
      const column = state.data.columns[button.dataset.column]
      sort(state, column)
      move(state, holder.querySelector(`[data-column="${button.dataset.column}"]`))
    } else if (rowAt(event)) {
      rove(state, rowAt(event))
      choose(rowAt(event))
    }
  })
  holder.addEventListener("keydown", event => press(state, event))
  holder.addEventListener("pointerover", event => point(rowAt(event)?.dataset.block ?? null))
  holder.addEventListener("pointerleave", () => point(null))
  holder.addEventListener("focusin", event => point(rowAt(event)?.dataset.block ?? null))
  holder.addEventListener("focusout", () => point(null))
  state.pointed = ({detail}) => {
    for (const row of state.lines) {
      row.classList.toggle("pointed", detail.by === "strip" && row.dataset.block === detail.name)
    }
  }
  state.chosen = ({detail}) => { state.mustShow = detail.by === "strip" }
  document.addEventListener("lab-stage-pointed", state.pointed)
  document.addEventListener("lab-stage-chosen", state.chosen)
}

export function draw({data, parentElement}) {
  const holder = parentElement.querySelector(".layers")
  const state = tables.get(holder) ?? {holder}
  if (!tables.has(holder)) {
    tables.set(holder, state)
    listen(state)
  }
  const text = JSON.stringify(data)
  if (text !== state.text) {
    const had = holder.contains(document.activeElement)
    Object.assign(state, {data, text})
    fill(state)
    if (had) move(state, holder.querySelector('[tabindex="0"]') ?? state.lines[0])
  }
  const chosen = state.lines.find(row => row.getAttribute("aria-selected") === "true")
  if (state.mustShow && chosen) chosen.scrollIntoView({block: "nearest"})
  state.mustShow = false
  return () => {
    document.removeEventListener("lab-stage-pointed", state.pointed)
    document.removeEventListener("lab-stage-chosen", state.chosen)
    tables.delete(holder)
  }
}

/* A figure of Plotly's, drawn in the page's own colors and changed in place: zoom, legend and hover
   outlive a redraw. A line whose `meta` names a run grows by what live.js hears of that run. */

const LONGEST_CLICK = 2000, DOUBLE_CLICK = 400  // milliseconds, in which nothing is redrawn

const plots = new WeakMap()  // for each place: what is drawn there
const curves = new Map()  // for each run under way: what its steps have come to, so far

document.addEventListener("lab-curves", ({detail}) => {
  for (const [run, curve] of detail) curves.set(run, curve)
  for (const holder of document.querySelectorAll(".chart[data-runs]")) {
    if (holder.dataset.runs.split(" ").some(run => detail.has(run))) plots.get(holder)?.redraw()
  }
})

function pause(milliseconds) {
  return new Promise(resolve => setTimeout(resolve, milliseconds))
}

function grow(line) {
  const {run, attempt, field} = line.meta ?? {}
  const curve = curves.get(`${run}`)
  if (!curve || curve.attempt < attempt) return
  const reached = curve.epochs.at(-1) ?? 0
  if (curve.attempt === attempt && reached < (line.x.at(-1) ?? 0)) return  // the page knows more
  Object.assign(line, {x: curve.epochs, y: curve[field]})
}

function runsIn(figure) {
  return new Set(figure.data.map(line => line.meta?.run).filter(run => run !== undefined))
}

function colorsOf(element) {
  const style = getComputedStyle(element)
  const read = name => style.getPropertyValue(name).trim()
  const [red, green, blue] = (style.color.match(/[\d.]+/g) ?? [0, 0, 0]).map(Number)
  const isDark = red + green + blue > 384  // light letters
  return {
    isDark,
    text: read("--st-text-color") || style.color,
    background: read("--st-background-color") || "white",
    border: read("--st-border-color") || "#ccc",
    font: read("--st-font") || style.fontFamily,
    heading: read("--st-heading-font") || style.fontFamily,
    axis: isDark ? "#A9B1BC" : "#525A66",
    grid: isDark ? "rgba(232,234,237,0.16)" : "rgba(16,20,26,0.12)",
  }
}

function hoverAgain(Plotly, holder, {clientX, clientY}) {
  const {left, top} = holder.getBoundingClientRect()
  const {_size: size, _plots: axes} = holder._fullLayout
  if (axes.xy) Plotly.Fx.hover(holder, {xpx: clientX - left - size.l, ypx: clientY - top - size.t}, "xy")
}

function titleOf(layout) {
  return (typeof layout.title === "string" ? layout.title : layout.title?.text) ?? ""
}

function wholeScreen(holder, title) {
  return {
    name: "Whole screen", title,
    icon: {width: 24, height: 24, path: "M3 3h7v2H5v5H3zm11 0h7v7h-2V5h-5zM3 14h2v5h5v2H3zm16 0h2v7h-7v-2h5z"},
    click: () => document.fullscreenElement ? document.exitFullscreen() : holder.requestFullscreen(),
  }
}

/* The figure in the page's theme: figures are written in the colors of light pages. */
function inTheme(text, dark, isDark) {
  return JSON.parse(isDark ? text.replace(/#[0-9a-f]{6}/gi, color => dark[color.toUpperCase()] ?? color) : text)
}

export function draw({data, parentElement}, {plotly, look}) {
  const holder = parentElement.querySelector(".chart")
  const plot = plots.get(holder) ?? {isGone: false, freeAt: 0}
  plots.set(holder, plot)
  if (plot.button?.title !== data.wholeScreen) plot.button = wholeScreen(holder, data.wholeScreen)
  let isDark = colorsOf(holder).isDark
  let isNarrowForm = false
  let figure = inTheme(data.figure, data.dark, isDark)
  const title = titleOf(figure.layout)
  const runs = [...runsIn(figure)].join(" ")
  if (runs) holder.dataset.runs = runs  // live.js asks for them
  else delete holder.dataset.runs
  holder.setAttribute("role", "figure")
  const config = {
    showSendToCloud: false, plotlyServerURL: "",  // nothing goes to an outside host
    displaylogo: false, responsive: false, displayModeBar: data.toolbar ? "hover" : false,
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
    modeBarButtonsToAdd: [plot.button],  // the same one: with another config Plotly starts anew
    toImageButtonOptions: {format: "png", scale: 2, filename: data.name},
  }
  async function redraw() {
    const [{default: Plotly}, {template, fitText, fitTo, isNarrow, inLanguage, inOneLine}] = await Promise.all([import(plotly), import(look)])
    while (holder._dragging || Date.now() < plot.freeAt) await pause(100)
    if (plot.isGone || !holder.isConnected) return
    holder.setAttribute("aria-label", inOneLine(title))
    const isWhole = document.fullscreenElement === holder
    const colors = colorsOf(holder), narrow = isNarrow(holder.clientWidth)
    if (colors.isDark !== isDark || narrow !== isNarrowForm) {
      isDark = colors.isDark
      isNarrowForm = narrow
      figure = inTheme(narrow && data.narrow || data.figure, data.dark, isDark)
    }
    const layout = {...figure.layout}
    fitTo(holder.clientWidth, layout)
    figure.data.forEach(grow)
    const heading = title && !title.startsWith("<b>") ? `<b>${title}</b>` : title
    // Copies, because Plotly notes zoom and legend in what it is given, and keeps them only where
    // what it is given next is as it was before
    const lines = figure.data.map(line => ({...line}))
    const shown = {
      ...structuredClone(layout), template: template(colors),
      title: {...(typeof layout.title === "object" ? layout.title : {})},
      width: holder.clientWidth, height: isWhole ? holder.clientHeight : data.height,
      uirevision: title,  // another figure starts with its own view
    }
    fitText(shown, lines, heading, colors)
    const pointed = holder.querySelector(".hovertext") && plot.pointer
    if (plot.isNarrow !== undefined && plot.isNarrow !== narrow) Plotly.purge(holder)  // it keeps a legend's room
    plot.isNarrow = narrow
    await Plotly.react(holder, lines, shown, {...config, ...inLanguage(data.spoken)})
    if (pointed) hoverAgain(Plotly, holder, pointed)
  }
  plot.redraw = redraw
  redraw()
  if (!plot.observer) {  // a new width, a new theme
    plot.observer = new ResizeObserver(() => {
      if (holder.clientWidth && holder.clientWidth !== plot.width) {
        plot.width = holder.clientWidth
        plot.redraw()
      }
    })
    plot.width = holder.clientWidth
    plot.observer.observe(holder)
    holder.addEventListener("fullscreenchange", () => plot.redraw())
    // Not under a hand: a click on the legend would be lost, a rectangle to zoom into too
    holder.addEventListener("pointerdown", () => { plot.freeAt = Date.now() + LONGEST_CLICK }, {capture: true})
    holder.addEventListener("pointerup", () => { plot.freeAt = Date.now() + DOUBLE_CLICK }, {capture: true})
    holder.addEventListener("mousemove", event => { plot.pointer = event }, {capture: true})
    holder.addEventListener("mouseleave", () => { plot.pointer = null })
  }
  return () => {
    plot.isGone = true
    plot.observer.disconnect()
    plots.delete(holder)
    import(plotly).then(({default: Plotly}) => Plotly.purge(holder))
  }
}

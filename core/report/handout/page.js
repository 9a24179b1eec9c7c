/* Draws the figures of a handout, all from the file itself. */

const text = name => document.getElementById(name).textContent
const load = name => import(URL.createObjectURL(new Blob([text(name)], {type: "text/javascript"})))

const spoken = JSON.parse(text("spoken"))

const COLORS = {  // of paper
  text: "#10141A", background: "#FFFFFF", border: "#D0D4DA", axis: "#525A66", grid: "#10141A1F",
  font: getComputedStyle(document.documentElement).fontFamily,
}
COLORS.heading = COLORS.font

function draw({default: Plotly}, {template, fitText, fitTo, inLanguage, inOneLine}, place, name, form) {
  const {data, layout} = structuredClone(form)
  fitTo(place.clientWidth, layout)
  const title = layout.title?.text ?? ""
  place.setAttribute("aria-label", inOneLine(title))
  layout.template = template(COLORS)
  layout.title = {...layout.title, text: title && !title.startsWith("<b>") ? `<b>${title}</b>` : title}
  Object.assign(layout, {width: place.clientWidth, height: place.clientHeight, uirevision: name})
  fitText(layout, data, layout.title.text, COLORS)
  Plotly.react(place, data, layout, {
    showSendToCloud: false, plotlyServerURL: "", displaylogo: false, ...inLanguage(spoken),
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
    toImageButtonOptions: {format: "png", scale: 2, filename: name},
  })
}

/* Draws now, and once more when the page has another width: a phone is turned. */
function keepDrawn(plotly, look, place, {name, figure, narrow}) {
  let width, wasNarrow
  new ResizeObserver(() => {
    if (place.clientWidth === width) return
    width = place.clientWidth
    const isNarrow = look.isNarrow(width)
    if (wasNarrow !== isNarrow) plotly.default.purge(place)  // it keeps a legend's room
    wasNarrow = isNarrow
    draw(plotly, look, place, name, isNarrow && narrow || figure)
  }).observe(place)
}

const [plotly, look] = await Promise.all([load("plotly"), load("look")])
const places = document.querySelectorAll(".chart")
JSON.parse(text("figures")).forEach((chart, index) => keepDrawn(plotly, look, places[index], chart))

// On paper nothing can be unfolded
const folded = () => document.querySelectorAll("details:not([open])")
addEventListener("beforeprint", () => folded().forEach(table => { table.open = table.dataset.unfolded = true }))
addEventListener("afterprint", () => document.querySelectorAll("[data-unfolded]").forEach(table => { table.open = false }))

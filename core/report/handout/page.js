/* Draws the figures of a handout, all from the file itself. */

const text = name => document.getElementById(name).textContent
const load = name => import(URL.createObjectURL(new Blob([text(name)], {type: "text/javascript"})))

const spoken = JSON.parse(text("spoken"))

const COLORS = {  // of paper
  text: "#10141A", background: "#FFFFFF", border: "#D0D4DA", axis: "#525A66", grid: "#10141A1F",
  font: getComputedStyle(document.documentElement).fontFamily,
}
COLORS.heading = COLORS.font

function draw({default: Plotly}, {template, fitText, fitTo, isNarrow, inLanguage, inOneLine}, place, {name, figure, narrow}) {
  const {data, layout} = isNarrow(place.clientWidth) && narrow || figure
  fitTo(place.clientWidth, layout)
  const title = layout.title?.text ?? ""
  place.setAttribute("aria-label", inOneLine(title))
  layout.template = template(COLORS)
  layout.title = {...layout.title, text: title && !title.startsWith("<b>") ? `<b>${title}</b>` : title}
  Object.assign(layout, {width: place.clientWidth, height: place.clientHeight})
  fitText(layout, data, layout.title.text, COLORS)
  Plotly.newPlot(place, data, layout, {
    showSendToCloud: false, plotlyServerURL: "", displaylogo: false, ...inLanguage(spoken),
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
    toImageButtonOptions: {format: "png", scale: 2, filename: name},
  })
}

const [plotly, look] = await Promise.all([load("plotly"), load("look")])
const places = document.querySelectorAll(".chart")
JSON.parse(text("figures")).forEach((chart, index) => draw(plotly, look, places[index], chart))

// On paper nothing can be unfolded
const folded = () => document.querySelectorAll("details:not([open])")
addEventListener("beforeprint", () => folded().forEach(table => { table.open = table.dataset.unfolded = true }))
addEventListener("afterprint", () => document.querySelectorAll("[data-unfolded]").forEach(table => { table.open = false }))

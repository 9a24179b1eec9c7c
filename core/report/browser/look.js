/* How every figure of Plotly's looks, in pages and in handouts: `colors` are those of the page. */

const FACE = 12, TITLE = 16, AXIS = 14  // pixels
const NARROW = 640  // pixels, below which a figure has its narrow form, where it has one
const TITLE_LINE = 21, EDGE = 6, LEGEND_MARK = 48  // pixels of a line, beside a title, of a legend's mark

const ruler = document.createElement("canvas").getContext("2d")

export function template(colors) {
  const axis = {
    gridcolor: colors.grid, zerolinecolor: colors.grid, tickcolor: colors.grid,
    minor: {gridcolor: colors.grid}, tickfont: {color: colors.axis, size: FACE},
    title: {font: {color: colors.axis, size: AXIS}}, automargin: true,
  }
  const colorbar = {
    thickness: 16, xpad: 24, ticklabelposition: "outside", outlinewidth: 0, len: 0.75, y: 0.5745,
    title: {font: {color: colors.axis, size: AXIS}}, tickfont: {color: colors.axis, size: FACE},
  }
  return {
    data: {scatter: [{marker: {line: {width: 0}}}], heatmap: [{colorbar}], contour: [{colorbar}]},
    layout: {
      font: {color: colors.axis, family: colors.font, size: FACE},
      title: {
        font: {family: colors.heading, size: TITLE, color: colors.text},
        pad: {l: 4, t: 18}, xanchor: "left", x: 0,
        yref: "container", yanchor: "top", y: 1,  // its lines grow downwards, into the room for them
      },
      legend: {
        title: {font: {size: FACE, color: colors.axis}, side: "top"}, valign: "top",
        bordercolor: "transparent", borderwidth: 0, font: {size: FACE, color: colors.text},
      },
      paper_bgcolor: colors.background, plot_bgcolor: colors.background,
      xaxis: {...axis, showgrid: false, zeroline: false,
              title: {...axis.title, standoff: 20}},
      yaxis: {...axis, ticklabelposition: "outside", title: {...axis.title, standoff: 24}},
      margin: {pad: 8, r: 0, l: 0},
      hoverlabel: {
        bgcolor: colors.background, bordercolor: colors.border,
        font: {color: colors.text, family: colors.font, size: FACE},
      },
      coloraxis: {colorbar},
      modebar: {bgcolor: colors.background, color: colors.axis, activecolor: colors.text},  // over a title
    },
  }
}

/* Where a line of text may end: behind a space, and beside a Chinese character, but so that no
   punctuation begins a line. Not inside a tag. */
const BREAKS = new RegExp(
  "(?:(?<= )(?! )|(?<=[\u2e80-\ua4cf\uf900-\ufaff\uff01-\uff60])(?<![（《【“])(?! )" +
  "|(?=[\u2e80-\ua4cf\uf900-\ufaff\uff01-\uff60])(?<![（《【“ ]))" +
  "(?![，。、：；？！）》】”])(?![^<]*>)")

/* Text of a figure in lines that are no wider than `width` pixels; its tags stay. */
function wrapped(text, width, font) {
  ruler.font = font
  const widthOf = line => ruler.measureText(line.replace(/<[^>]*>/g, "").replace(/&\w+;/g, "&")).width
  const fill = (lines, piece) => {
    const longer = (lines.at(-1) ?? "") + piece
    return widthOf(longer.trimEnd()) <= width ? [...lines.slice(0, -1), longer] : [...lines, piece]
  }
  return text.split(/<br ?\/?>/).flatMap(long => widthOf(long) <= width ? [long]
    : long.split(/ {3,}/).flatMap(part => part.split(BREAKS).reduce(fill, []).map(line => line.trim())))
}

/* A title as one line to be read aloud: punctuation at the end of a line is enough between two. */
export const inOneLine = title => title.replace(/(?<=[，。：；、])<br>/g, "").replace(/(?<=[,.:;])<br>/g, " ")
  .replace(/<br>/g, ", ").replace(/<[^>]*>/g, "")

/* What of the configuration makes Plotly say its own words in the reader's language. */
export const inLanguage = ({language, words}) => ({locale: language, locales: {[language]: {dictionary: words}}})

export const isNarrow = width => width < NARROW

/* What differs on a narrow page, such as a legend in the place of names at the lines' ends. */
export function fitTo(width, layout) {
  if (!isNarrow(width)) return
  for (const [name, value] of Object.entries(layout.meta?.narrow ?? {})) {
    const isPart = value && typeof value === "object" && !Array.isArray(value)
    layout[name] = isPart ? {...layout[name], ...value} : value
  }
}

/* What a figure says, in lines that its width can hold; more of a title take room above. */
export function fitText(layout, lines, title, {font, heading}) {
  const {width} = layout
  const head = wrapped(title, width - 2 * EDGE, `bold ${TITLE}px ${heading}`)
  const more = head.length - title.split(/<br ?\/?>/).length
  layout.title.text = head.join("<br>")
  layout.margin = {...layout.margin, t: (layout.margin?.t ?? 100) + (more && more * TITLE_LINE + EDGE)}
  for (const name of Object.keys(layout).filter(name => name.startsWith("xaxis"))) {
    const axis = layout[name]
    const room = 0.7 * width * ((axis.domain?.[1] ?? 1) - (axis.domain?.[0] ?? 0))
    const text = axis.title?.text ?? axis.title
    if (typeof text !== "string") continue
    layout[name] = {...axis, title: {...(axis.title?.text ? axis.title : {}),
                    text: wrapped(text, room, `${AXIS}px ${font}`).join("<br>")}}
  }
  for (const line of lines) {
    if (line.name) line.name = wrapped(line.name, width - LEGEND_MARK, `${FACE}px ${font}`).join("<br>")
  }
}

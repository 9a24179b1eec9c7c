/* How every figure of Plotly's looks, in pages and in handouts: `colors` are those of the page. */

const FACE = 12, TITLE = 16, AXIS = 14  // pixels

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
        pad: {l: 4}, xanchor: "left", x: 0,
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
    },
  }
}

/* Asks how far something is once the store has changed, at most about once a second, moves its bars,
   hands new points to the charts that draw it, and has the page drawn anew when more than that has
   changed. */

const BETWEEN = 2000  // milliseconds between two drawings, however short the epochs are
const SOON = 250  // milliseconds between two looks, while there is no point yet
const LONGEST = 10000  // that nobody looks: also time alone may change something, as when a worker died

const watchers = new WeakMap()  // for each place: what is watched there
const curves = new Map()  // for each run under way: what its steps have come to, so far

function move(name, {share, text}) {
  if (share === undefined) return
  for (const place of document.querySelectorAll(`.live-bar[data-live="${CSS.escape(name)}"]`)) {
    const [words, bar] = place.children
    if (words.textContent !== text) words.textContent = text
    bar.setAttribute("aria-valuenow", (100 * share).toFixed(1))
    bar.firstElementChild.style.width = `${100 * share}%`
  }
}

function drawnRuns() {
  const charts = [...document.querySelectorAll(".chart[data-runs]")]
  return new Set(charts.flatMap(chart => chart.dataset.runs.split(" ")))
}

function whatIsThere(run) {
  const {version, settled} = curves.get(run) ?? {version: "", settled: 0}
  return `${run},${version},${settled}`
}

function extend(found) {
  const changed = new Map()
  for (const [run, {first, epochs, loss, accuracy, ...now}] of Object.entries(found ?? {})) {
    const before = curves.get(run)
    if (before?.version === now.version && before.epochs.length === first && !epochs.length) continue
    const longer = (field, points) => [...(before?.[field].slice(0, first) ?? []), ...points]
    changed.set(run, {
      ...now, epochs: longer("epochs", epochs),
      loss: longer("loss", loss), accuracy: longer("accuracy", accuracy),
    })
  }
  if (!changed.size) return
  for (const [run, curve] of changed) curves.set(run, curve)
  document.dispatchEvent(new CustomEvent("lab-curves", {detail: changed}))
}

async function look(watcher) {
  const {data, root} = watcher
  const query = new URLSearchParams({name: data.name})
  const runs = [...drawnRuns()]
  if (runs.length) query.set("curves", runs.map(whatIsThere).join(";"))
  const reply = await fetch(`${root}${data.path}?${query}`).catch(() => null)
  if (!reply?.ok || watcher.data !== data || watcher.isGone) return
  const now = await reply.json()
  watcher.news = now.news
  move(data.name, now)
  extend(now.curves)
  if (now.stage === data.stage || Date.now() - watcher.askedAt < BETWEEN) return
  watcher.askedAt = Date.now()
  watcher.setTriggerValue("change", now.stage)
}

function pause(watcher) {
  const runs = [...drawnRuns()]
  const hasAny = runs.some(run => curves.get(run)?.epochs.length)
  return runs.length && !hasAny ? SOON : watcher.data.every
}

async function watch(watcher) {
  const {somethingNew} = await import(watcher.addresses.news)
  while (!watcher.isGone) {
    await new Promise(resolve => setTimeout(resolve, pause(watcher)))
    if (watcher.data.stored) await somethingNew(watcher.root, watcher.news, LONGEST)
    if (!watcher.isGone) await look(watcher)
  }
}

export function draw({data, parentElement, setTriggerValue}, addresses, root) {
  const place = parentElement.querySelector(".watcher")
  const isNew = !watchers.has(place)
  const watcher = watchers.get(place) ?? {root, addresses, askedAt: 0}
  Object.assign(watcher, {data, setTriggerValue})
  watchers.set(place, watcher)
  const color = getComputedStyle(place).getPropertyValue("--st-primary-color")
  document.documentElement.style.setProperty("--lab-primary-color", color)  // for bars out there
  move(data.name, data)
  if (isNew) watch(watcher)
  return () => {
    watcher.isGone = true
    watchers.delete(place)
  }
}

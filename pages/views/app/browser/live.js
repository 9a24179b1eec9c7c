/* Asks once a second how far something is, moves its bars, and has the page drawn anew when more
   than that has changed. */

const BETWEEN = 2  // drawings: so many looks, however short the epochs are

const watchers = new WeakMap()  // for each place: what is watched there

function move(name, {share, text}) {
  if (share === undefined) return
  for (const place of document.querySelectorAll(`.live-bar[data-live="${CSS.escape(name)}"]`)) {
    const [words, bar] = place.children
    if (words.textContent !== text) words.textContent = text
    bar.setAttribute("aria-valuenow", (100 * share).toFixed(1))
    bar.firstElementChild.style.width = `${100 * share}%`
  }
}

async function look(watcher) {
  const {data, root} = watcher
  const query = new URLSearchParams({name: data.name})
  const reply = await fetch(`${root}${data.path}?${query}`).catch(() => null)
  if (!reply?.ok || watcher.data !== data || watcher.isGone) return
  const now = await reply.json()
  move(data.name, now)
  if (now.stage === data.stage || Date.now() - watcher.askedAt < BETWEEN * data.every) return
  watcher.askedAt = Date.now()
  watcher.setTriggerValue("change", now.stage)
}

async function watch(watcher) {
  while (!watcher.isGone) {
    await new Promise(resolve => setTimeout(resolve, watcher.data.every))
    if (!watcher.isGone) await look(watcher)
  }
}

export function draw({data, parentElement, setTriggerValue}, addresses, root) {
  const place = parentElement.querySelector(".watcher")
  const isNew = !watchers.has(place)
  const watcher = watchers.get(place) ?? {root, askedAt: 0}
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

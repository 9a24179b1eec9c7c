/* A connection that comes back may lead to a server that does not know this visit: another one, or
   the same after the laptop has slept. That server has neither the files and pictures of the page nor
   the parts of it that are drawn by themselves, so the page is drawn there anew, from what the browser
   has: its address, and whatever is set and typed. */

const STATE = "data-test-connection-state"

let drawAnew = () => {}  // of the page that is shown
let isLost = false

function follow() {
  const isThere = document.querySelector(`[${STATE}]`)?.getAttribute(STATE) === "CONNECTED"
  if (isThere && isLost) drawAnew()
  isLost = !isThere
}

new MutationObserver(follow).observe(document.body, {subtree: true, attributeFilter: [STATE]})

export function draw({setTriggerValue}) {
  drawAnew = () => setTriggerValue("connection", true)
}

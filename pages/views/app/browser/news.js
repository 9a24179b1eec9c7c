/* The server tells the number of each change of the store (lab/news), so that whoever shows something
   of it looks then, and not now and then. Nobody looks in a tab that is not seen. */

const AGAIN = 5000  // milliseconds until a connection that was lost is tried again

let connection = null
let newest = null  // number that was told last; null while none can be heard
let triedAt = -AGAIN
const waiting = new Set()  // what wakes those who wait

function wakeAll() {
  for (const wake of [...waiting]) wake()
}

function connect(root) {
  if (connection || performance.now() - triedAt < AGAIN) return
  triedAt = performance.now()
  connection = new WebSocket(`${root.replace(/^http/, "ws")}lab/news`)
  connection.onmessage = ({data}) => {
    newest = data
    wakeAll()
  }
  connection.onclose = () => {
    connection = newest = null
    wakeAll()
  }
}

document.addEventListener("visibilitychange", wakeAll)

function isNothingNew(known) {
  return document.hidden || (newest !== null && newest === known)
}

/* Until there is a change that is not the `known` one, or nothing can be heard; `longest`
   milliseconds at most. */
export async function somethingNew(root, known, longest) {
  connect(root)
  const until = performance.now() + longest
  while (isNothingNew(known) && performance.now() < until) {
    await new Promise(resolve => {
      const timer = setTimeout(done, until - performance.now())
      function done() {
        clearTimeout(timer)
        waiting.delete(done)
        resolve()
      }
      waiting.add(done)
    })
  }
}

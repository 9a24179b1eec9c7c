/* What every page needs of the browser: one entry of its history for one act of the reader, and
   code that a keyboard can scroll. Runs once in each tab. */

const ACTS = ["pointerdown", "click", "keydown"]
const CHOICES = '[role="radio"], [role="option"], [role="switch"]'  // not what is dragged or typed

/* Streamlit makes an entry for the page that is left, without its parameters, before that of the
   page that is opened, and one for each address that a page corrects: Back would lead nowhere. And
   none for a choice: Back would lose all of them. */
function oneEntryForAnAct() {
  let isFree = false  // no act yet: what a page makes of its own address is no step of the reader
  let isChoice = false
  for (const act of ACTS) {
    addEventListener(act, ({target}) => {
      isFree = true
      isChoice = Boolean(target.closest?.(CHOICES))
    }, {capture: true})
  }
  addEventListener("popstate", () => { isFree = false }, {capture: true})
  const {pushState, replaceState} = history
  function enter(entry) {
    const write = isFree ? pushState : replaceState
    isFree = false
    write.apply(history, entry)
  }
  history.pushState = (...entry) => enter(entry)
  history.replaceState = (...entry) => {
    const isOther = entry[2] && new URL(entry[2], location).href !== location.href
    if (isChoice && isOther) enter(entry)
    else replaceState.apply(history, entry)
  }
}

/* Safari's Tab key passes over what scrolls. */
function letCodeBeScrolled() {
  for (const code of document.querySelectorAll('[data-testid="stCode"] pre:not([tabindex])')) {
    code.tabIndex = 0
  }
}

oneEntryForAnAct()
new MutationObserver(letCodeBeScrolled).observe(document.body, {childList: true, subtree: true})
letCodeBeScrolled()

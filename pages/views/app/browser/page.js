/* What every page needs of the browser: one entry of its history for one act of the reader, code that
   a keyboard can scroll, and the reader's words where Streamlit has its own. Runs once in each tab. */

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

const NAMED = ["aria-label", "title", "placeholder"]  // attributes that are read out or shown
const SAID_BY_THE_LAB = '.chart, [data-testid="stMarkdownContainer"]:not([data-testid="stSpinner"] *), [data-testid="stCode"], [data-testid="stHtml"]'

const replaced = new WeakMap()  // element or text → by attribute ("": itself): its own word, ours
let hasReplaced = false

/* What Streamlit says in English, in the language of the page; its own word again once that is English. */
function speak() {
  const told = document.getElementById("page-language")
  if (!told) return
  document.documentElement.lang = told.dataset.language
  const words = {__proto__: null, ...JSON.parse(told.dataset.words)}  // of a text "constructor": none
  if (!Object.keys(words).length && !hasReplaced) return
  const named = Object.entries(words).filter(([word]) => word.endsWith("{label}"))  // Help for {label}
    .map(([word, here]) => [word.replace("{label}", ""), here])
  function here(node, name, shown) {
    const [before, ours] = replaced.get(node)?.[name] ?? []
    const own = shown === ours ? before : shown
    const [start, template] = (name && named.find(([start]) => own.startsWith(start))) || []
    const word = template ? template.replace("{label}", own.slice(start.length)) : words[own.trim()] ?? own
    if (word !== shown) {
      replaced.set(node, {...replaced.get(node), [name]: [own, word]})
      hasReplaced = true
    }
    return word
  }
  for (const name of NAMED) {
    for (const element of document.querySelectorAll(`[${name}]`)) {
      const shown = element.getAttribute(name), word = here(element, name, shown)
      if (word !== shown) element.setAttribute(name, word)
    }
  }
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (texts.nextNode()) {
    const text = texts.currentNode
    if (!text.data.trim() || text.parentElement.closest(SAID_BY_THE_LAB)) continue
    const word = here(text, "", text.data)
    if (word !== text.data) text.data = word
  }
}

let isPlanned = false  // once for all that changes in one frame

function follow() {
  if (isPlanned) return
  isPlanned = true
  requestAnimationFrame(() => {
    isPlanned = false
    letCodeBeScrolled()
    speak()
  })
}

oneEntryForAnAct()
new MutationObserver(follow).observe(document.body, {childList: true, subtree: true})
follow()

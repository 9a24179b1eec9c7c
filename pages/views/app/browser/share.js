/* The address of what is shown at this moment, to be copied: parts of a page change it without the
   rest being drawn anew. */

function address(host) {
  const url = new URL(location.href)
  if (host) url.hostname = host
  url.searchParams.delete("asked")  // the question with which somebody came is not the view
  return url.href
}

async function copy(field, button, {copied}) {
  field.select()
  try {
    await navigator.clipboard.writeText(field.value)
  } catch {
    document.execCommand("copy")  // where the page has come without TLS from another machine
  }
  const {textContent: text} = button
  button.textContent = copied
  setTimeout(() => { button.textContent = text }, 2000)
}

export function draw({data, parentElement}) {
  const field = parentElement.querySelector("input"), button = parentElement.querySelector("button")
  const tell = () => { field.value = address(data.host) }
  button.textContent = data.copy
  field.setAttribute("aria-label", data.label)
  button.onclick = () => { tell(); copy(field, button, data) }
  field.onfocus = () => { tell(); field.select() }
  tell()
}

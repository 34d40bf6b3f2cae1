// Small helpers to build the page. Text is always set as text, never as markup.

export const byId = id => document.getElementById(id)

/** Creates an element with attributes by name, including `class` and `text`, and children. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'text') node.textContent = value
    else if (value === true) node.setAttribute(name, '')
    else if (value !== undefined && value !== false) node.setAttribute(name, value)
  }
  node.append(...children.filter(child => child !== undefined && child !== null))
  return node
}

/** Cuts a long text in its middle. */
export function middle(text, max = 28) {
  if (text.length <= max) return text
  const half = Math.floor((max - 1) / 2)
  return text.slice(0, half) + '…' + text.slice(-half)
}

/** The value of a JSON text, or undefined. */
export function parse(text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A JSON text or value, indented and coloured; any other text unchanged. */
export function code(content) {
  const value = typeof content === 'string' ? parse(content) : content
  const text = value === undefined || typeof value !== 'object' ? String(content) : JSON.stringify(value, null, 2)
  return el('pre', { tabindex: '0' }, ...tint(text))
}

const tokens = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(true|false|null|-?\d+(?:\.\d+)?)\b/g

function tint(text) {
  const parts = []
  let end = 0
  for (const found of text.matchAll(tokens)) {
    const [whole, string, colon = '', plain] = found
    parts.push(text.slice(end, found.index))
    if (string) parts.push(el('span', { class: colon ? 'name' : 'string', text: string }), colon)
    else parts.push(el('span', { class: 'plain', text: plain }))
    end = found.index + whole.length
  }
  parts.push(text.slice(end))
  return parts
}

// Small helpers to build the page. Text is always set as text, never as markup.

export const byId = id => document.getElementById(id)

/** Creates an element with attributes by name, including `text` and `on` (listeners by event), and children. */
export function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children)
}

/** Creates an SVG element. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children)
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'text') node.textContent = value
    else if (name === 'on') for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener)
    else if (value === true) node.setAttribute(name, '')
    else if (value !== undefined && value !== false && value !== null) node.setAttribute(name, value)
  }
  node.append(...children.flat().filter(child => child !== undefined && child !== null && child !== false))
  return node
}

/** A table with heads and rows of cells; a cell is a text or a node. */
export function table(heads, rows, name) {
  const cell = (tag, content, attributes = {}) => el(tag, attributes, content instanceof Node ? content : document.createTextNode(content ?? ''))
  return el('div', { class: 'scroll' }, el('table', { 'aria-label': name },
    el('thead', {}, el('tr', {}, heads.map(head => cell('th', head, { scope: 'col' })))),
    el('tbody', {}, rows.map(row => el('tr', {}, row.map((content, i) => cell('td', content, { 'data-label': heads[i] })))))))
}

/** A list of names and values, without those that have no value. */
export function facts(pairs) {
  return el('dl', { class: 'facts' }, pairs.filter(([, value]) => value !== undefined && value !== null && value !== '').map(([name, value]) =>
    el('div', {}, el('dt', { text: name }), el('dd', {}, value instanceof Node ? value : document.createTextNode(value)))))
}

/** A coloured label: good, bad, warn or none. */
export const pill = (text, tone = '') => el('span', { class: `pill ${tone}`, text })

/** A section of a view with a heading. */
export const card = (title, ...children) => el('section', { class: 'card' }, title && el('h2', { text: title }), ...children)

export const code = text => el('code', { text })

export const button = (text, listener, attributes = {}) => el('button', { type: 'button', text, on: { click: listener }, ...attributes })

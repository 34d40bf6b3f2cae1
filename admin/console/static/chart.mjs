// Minimal line charts in SVG.
import { el, svg } from './dom.mjs'
import { span } from './format.mjs'

const width = 600
const height = 100

/** The smallest number >= n that is 1, 2 or 5 times a power of ten. */
export function roundUp(n) {
  if (!(n > 0)) return 1
  const power = 10 ** Math.floor(Math.log10(n))
  return [1, 2, 5, 10].map(step => step * power).find(step => step >= n * 0.999999)
}

/**
 * The path of a line through the values, the newest at the right edge, 0 at the bottom; `slots` values fit in the width. A missing
 * value leaves a gap.
 */
export function linePath(values, top, slots) {
  const step = width / Math.max(slots - 1, 1)
  const left = width - step * (values.length - 1)
  const missing = i => values[i] === undefined || values[i] === null
  return values.map((value, i) => {
    if (missing(i)) return ''
    const point = `${(left + i * step).toFixed(1)} ${(height - Math.min(value / top, 1) * height).toFixed(1)}`
    if (i > 0 && !missing(i - 1)) return `L${point}`
    return missing(i + 1) ? `M${point}h0` : `M${point}` // one alone is a dot
  }).join('')
}

const fewest = 30

/** The number of values that fit in the width of a chart: their current number, with a minimum. */
export const slotsFor = count => Math.max(count, fewest)

/** A chart of series {name, tone, value: point => number}. `write` formats a value. */
export function chart({ title, series, write, every }) {
  const lines = series.map(({ tone }) => svg('path', { class: `line ${tone}` }))
  const cursor = svg('line', { class: 'cursor', y1: 0, y2: height, visibility: 'hidden' })
  const picture = svg('svg', { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': title },
    [0, 0.5, 1].map(share => svg('line', { class: 'grid', x1: 0, x2: width, y1: height * share, y2: height * share })), lines, cursor)
  const values = series.map(() => el('b'))
  const top = el('span', { class: 'top' })
  const from = el('span')
  const at = el('span')
  const legend = series.map(({ name, tone }, i) => el('span', { class: 'key' }, el('i', { class: tone }), `${name} `, values[i]))
  const node = el('figure', { class: 'chart' },
    el('figcaption', {}, el('span', { class: 'title', text: title }), el('span', { class: 'legend' }, legend)),
    el('div', { class: 'plot' }, top, picture), el('div', { class: 'axis' }, from, at))
  let points = []
  let slots = 2
  let pointed

  function updateLegend() {
    const index = pointed === undefined ? points.length - 1 : pointed
    const point = points[index]
    series.forEach(({ value }, i) => (values[i].textContent = point ? write(value(point) || 0) : '–'))
    at.textContent = point ? new Date(point.at).toLocaleTimeString('sv') : ''
    cursor.setAttribute('visibility', pointed === undefined ? 'hidden' : 'visible')
    if (pointed === undefined) return
    const x = width - (points.length - 1 - index) * (width / Math.max(slots - 1, 1))
    cursor.setAttribute('x1', x)
    cursor.setAttribute('x2', x)
  }

  picture.addEventListener('pointermove', event => {
    const box = picture.getBoundingClientRect()
    const fromRight = Math.round(((box.right - event.clientX) / box.width) * (slots - 1))
    pointed = Math.min(Math.max(points.length - 1 - fromRight, 0), points.length - 1)
    updateLegend()
  })
  picture.addEventListener('pointerleave', () => ((pointed = undefined), updateLegend()))

  return {
    node,
    update(now) {
      points = now
      slots = slotsFor(points.length)
      const highest = roundUp(Math.max(...points.flatMap(point => series.map(({ value }) => value(point) || 0)), 0))
      top.textContent = write(highest)
      from.textContent = `−${span(slots * every)}`
      series.forEach(({ value }, i) => lines[i].setAttribute('d', linePath(points.map(value), highest, slots)))
      updateLegend()
    },
  }
}

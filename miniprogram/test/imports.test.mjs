// The files of src/ import one another in one direction only, types included.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'

const src = new URL('../src/', import.meta.url)

/** The files of src/, each with those that it imports or re-exports from. */
function importsOf(files) {
  return new Map(files.map(file => {
    const text = readFileSync(new URL(file, src), 'utf8')
    const found = [...text.matchAll(/^(?:import|export)\b[^'"]*?\bfrom\s+['"]\.\/([\w-]+)['"]/gm)]
    return [file, found.map(([, name]) => name + '.ts')]
  }))
}

/** A path through `imports` that comes back to where it began, or undefined. */
function findCycle(imports, path) {
  const last = path[path.length - 1]
  for (const next of imports.get(last) ?? []) {
    if (path.includes(next)) return [...path.slice(path.indexOf(next)), next]
    const cycle = findCycle(imports, [...path, next])
    if (cycle) return cycle
  }
}

test('no file of src/ imports itself by way of others', () => {
  const imports = importsOf(readdirSync(src))
  assert.ok(imports.get('gateway.ts').includes('session.ts'), 'the imports were not found')
  for (const file of imports.keys()) assert.equal(findCycle(imports, [file])?.join(' → '), undefined)
})

test('a cycle is found', () => {
  const imports = new Map([['a', ['b']], ['b', ['c']], ['c', ['b']]])
  assert.deepEqual(findCycle(imports, ['a']), ['b', 'c', 'b'])
})

// The imports among the files of src/, types included, have no cycles.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'

const src = new URL('../src/', import.meta.url)

/** The files of src/, each with the files from which it imports or re-exports. */
function importsOf(files) {
  return new Map(files.map(file => {
    const text = readFileSync(new URL(file, src), 'utf8')
    const found = [...text.matchAll(/^(?:import|export)\b[^'"]*?\bfrom\s+['"]\.\/([\w-]+)['"]/gm)]
    return [file, found.map(([, name]) => name + '.ts')]
  }))
}

/** A path through `imports` that ends where it begins, or undefined. */
function findCycle(imports, path) {
  const last = path[path.length - 1]
  for (const next of imports.get(last) ?? []) {
    if (path.includes(next)) return [...path.slice(path.indexOf(next)), next]
    const cycle = findCycle(imports, [...path, next])
    if (cycle) return cycle
  }
}

test('no file of src/ imports itself through others', () => {
  const imports = importsOf(readdirSync(src))
  assert.ok(imports.get('gateway.ts').includes('session.ts'), 'the imports were not found')
  for (const file of imports.keys()) assert.equal(findCycle(imports, [file])?.join(' → '), undefined)
})

test('a cycle is found', () => {
  const imports = new Map([['a', ['b']], ['b', ['c']], ['c', ['b']]])
  assert.deepEqual(findCycle(imports, ['a']), ['b', 'c', 'b'])
})

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { createContext, Script } from 'node:vm'
import { built } from '../build.mjs'
import { startStub } from './support/stub.mjs'

const root = new URL('..', import.meta.url)
const read = name => readFileSync(new URL(name, root), 'utf8')
const shipped = { 'index.js': 10000, 'index.mjs': 10000 }

test('the files in dist are what the source builds', async () => {
  for (const [file, text] of Object.entries(await built())) assert.equal(read('dist/' + file), text, 'run npm run build')
})

for (const [file, limit] of Object.entries(shipped)) {
  test(`dist/${file} has at most ${limit} bytes`, () => {
    assert.ok(Buffer.byteLength(read('dist/' + file)) <= limit)
  })
}

test('no file needs another package', () => {
  for (const file of Object.keys(shipped)) assert.doesNotMatch(read('dist/' + file), /\brequire\(|\bimport[ ({"']/)
  assert.equal(JSON.parse(read('package.json')).dependencies, undefined)
})

test('the built file runs where there is nothing but the language, timers and wx', async t => {
  const stub = await startStub(t)
  const sandbox = createContext({ wx: stub.phone(), setTimeout, exports: {}, WebSocket: undefined, WebAssembly: undefined })
  new Script(read('dist/index.js')).runInContext(sandbox)
  const gateway = sandbox.exports.createGateway({ baseURL: stub.url })
  assert.equal((await gateway.request('/api/x')).statusCode, 200)
})

test('the lock file names no registry', () => {
  assert.doesNotMatch(read('package-lock.json'), /"resolved"|https?:/)
})

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { createContext, Script } from 'node:vm'
import { built } from '../build.mjs'
import { startStub } from './support/stub.mjs'

const require = createRequire(import.meta.url)
const root = new URL('..', import.meta.url)
const read = name => readFileSync(new URL(name, root), 'utf8')
const shipped = { 'index.js': 10000, 'index.mjs': 10000, 'proof.js': 12000, 'proof.mjs': 12000 }

test('the files in dist are what the source builds', async () => {
  for (const [file, text] of Object.entries(await built())) assert.equal(read('dist/' + file), text, 'run npm run build')
})

for (const [file, limit] of Object.entries(shipped)) {
  test(`dist/${file} has at most ${limit} bytes`, () => {
    assert.ok(Buffer.byteLength(read('dist/' + file)) <= limit)
  })
}

test('dist has the license of the bundled code', () => {
  assert.match(read('dist/proof.LICENSE.txt'), /MIT License[^]*Paul Miller/)
})

test('no file needs another package', () => {
  for (const file of Object.keys(shipped)) assert.equal(read('dist/' + file).match(/\brequire\(|\bimport[ ({"']/), null)
  assert.equal(JSON.parse(read('package.json')).dependencies, undefined)
})

test('the built file needs only the language, timers and wx', async t => {
  const stub = await startStub(t)
  const sandbox = createContext({ wx: stub.phone(), setTimeout, exports: {}, WebSocket: undefined, WebAssembly: undefined })
  new Script(read('dist/index.js')).runInContext(sandbox)
  const gateway = sandbox.exports.createGateway({ baseURL: stub.url })
  assert.equal((await gateway.request('/api/x')).statusCode, 200)
})

// Resolvers from before "exports" find wxgate-miniprogram/proof as a file.
test('the second module resolves with and without exports, and its files are packed', () => {
  const { files, exports } = JSON.parse(read('package.json'))
  for (const path of Object.values(exports['./proof'])) assert.ok(read(path).includes('newProof'), path)
  assert.equal(require('../proof.js').newProof, require('../dist/proof.js').newProof)
  assert.equal(read('proof.d.ts'), "export * from './dist/proof'\n")
  for (const file of ['dist', 'proof.js', 'proof.d.ts']) assert.ok(files.includes(file), file)
})

test('the lock file names no registry', () => {
  assert.deepEqual(read('package-lock.json').match(/"resolved".*|.*registry.*/g), null)
})

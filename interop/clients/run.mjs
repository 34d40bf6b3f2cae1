// Public clients through a real gateway: node run.mjs prints the tables of docs/clients.md and fails when a client doesn't work.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { createGateway } from '../../miniprogram/dist/index.mjs'
import { buildWxgate } from '../../miniprogram/test/support/wxgate.mjs'
import { startServers } from './servers.mjs'
import { httpTable, socketTable } from './tables.mjs'

const root = fileURLToPath(new URL('.', import.meta.url))

/** Loads a module as a bundle, since most of the clients are written for a bundler. */
async function loadBundled(name, folder) {
  const outfile = join(folder, name)
  await build({ entryPoints: [join(root, name)], bundle: true, platform: 'node', format: 'esm', mainFields: ['module', 'main'], outfile, logLevel: 'error' })
  return import(pathToFileURL(outfile))
}

/** Starts the servers and the gateway with a route to each. The result also ends sessions. */
async function start(wxgate) {
  const { echo, socketIO, mqtt, graphql, stomp, connect } = await startServers()
  const route = (path, upstream) => ({ path, upstreams: [upstream], method_override: true, credentials: ['bearer', 'cookie'] })
  const routes = [route('/api/', echo), route('/events', echo), route('/socket.io/', socketIO), route('/mqtt', mqtt), route('/graphql', graphql),
    route('/stomp', stomp), route('/wxgate.test.Echo/', connect)]
  const gateway = await wxgate.serve(echo, 3600e3, { routes, web: { cookie: '__Host-wxgate' } })
  const logout = (token, body) =>
    fetch(gateway.url + '/auth/logout', { method: 'POST', headers: { authorization: 'Bearer ' + token, 'content-type': 'application/json' }, body })
  return {
    ...gateway,
    logout,
    openid: async user => (await gateway.sim('users')).find(each => each.user === user).openid,
    /** Ends every session of the user from another phone. */
    endAll: user => createGateway({ baseURL: gateway.url, platform: gateway.phone(user) }).logout({ all: true }),
  }
}

const folder = mkdtempSync(join(tmpdir(), 'wxgate-clients-'))
const wxgate = await buildWxgate()
let failures
try {
  const gateway = await start(wxgate)
  const { measureHTTP } = await loadBundled('http.mjs', folder)
  const { measureSockets } = await import('./sockets.mjs')
  const http = httpTable(await measureHTTP(gateway))
  const byHeader = await measureSockets(gateway, 'header')
  const byCookie = await measureSockets(gateway, 'cookie')
  const tables = [http, socketTable(byHeader), socketTable(byCookie)]
  console.log(tables.map(({ text }) => text).join('\n'))
  failures = tables.flatMap(table => table.failures)
} finally {
  await wxgate.close()
  rmSync(folder, { recursive: true })
}
for (const failure of failures) console.error('FAILED:', failure)
process.exit(failures.length ? 1 : 0)

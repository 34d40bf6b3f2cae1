// Builds and starts a real gateway for the tests, with the simulated WeChat and backends.
import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { WebSocketServer } from 'ws'
import { newWx } from './wx.mjs'

const app = { appid: 'wxtest000000000001', secret: 'secret-of-a-simulated-app' }
const root = fileURLToPath(new URL('../../..', import.meta.url))

/** Builds wxgate once; the caller calls close when done. */
export async function buildWxgate() {
  const folder = mkdtempSync(join(tmpdir(), 'wxgate-'))
  const binary = join(folder, 'wxgate')
  const running = []
  const kill = () => running.forEach(child => child.kill('SIGTERM'))
  // An interrupted test run leaves no process behind.
  process.once('exit', kill)
  process.once('SIGTERM', () => process.exit(1))
  await promisify(execFile)('go', ['build', '-buildvcs=false', '-o', binary, './cmd/wxgate'], { cwd: root })

  async function run(args, ready) {
    const child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', data => (output += data))
    running.push(child)
    for (let left = 300; left > 0; left--) {
      if (child.exitCode !== null) break
      if (await fetch(ready).then(() => true, () => false)) return
      await new Promise(resolve => setTimeout(resolve, 50))
    }
    throw new Error(`wxgate ${args[0]} did not start:\n${output}`)
  }

  return {
    /** `wxgate dev`. */
    async dev() {
      const listen = await freeAddress()
      await run(['dev', '--listen', listen], `http://${listen}/auth/session`)
      return gatewayAt('http://' + listen, 'http://' + listen)
    },
    /**
     * `wxgate serve` in front of `backend`, with the simulator. Tokens are valid for `ttl` ms and renewed in the last two
     * thirds. `changes` are added to the configuration.
     */
    async serve(backend, ttl, changes) {
      const [listen, admin, sim] = await Promise.all([freeAddress(), freeAddress(), freeAddress()])
      const file = join(folder, listen.replace(':', '-') + '.yaml')
      writeFileSync(file, configText({ listen, admin, sim, backend, ttl, changes }))
      await run(['sim', '--listen', sim, '--app', `${app.appid}=${app.secret}`], `http://${sim}/sim/users`)
      await run(['serve', '--config', file], `http://${listen}/auth/session`)
      return gatewayAt('http://' + listen, 'http://' + sim)
    },
    async close() {
      const stopped = running.filter(child => child.exitCode === null).map(child => once(child, 'exit'))
      kill()
      await Promise.all(stopped)
      rmSync(folder, { recursive: true })
    },
  }
}

function configText({ listen, admin, sim, backend, ttl, changes }) {
  return JSON.stringify({
    listen,
    secrets: [randomBytes(32).toString('base64')],
    apps: [app],
    wechat: { api_base: 'http://' + sim },
    admin: { listen: admin },
    limits: { login_per_ip: '1000/m' },
    token: { ttl: ttl + 'ms', renew_before: (ttl * 2) / 3 + 'ms' },
    shutdown_timeout: '1s',
    routes: [{ path: '/', upstreams: [backend], method_override: true, eject: { failures: 1, for: '1s' } }],
    ...changes,
  })
}

function gatewayAt(url, simulator) {
  const sim = async (name, body) => {
    const response = await fetch(`${simulator}/sim/${name}`, body && { method: 'POST', body: JSON.stringify(body) })
    const result = await response.json()
    if (!response.ok) throw new Error(`${name}: ${result.error}`)
    return result
  }
  return {
    url,
    /** Calls a control of the simulator. */
    sim,
    /** A phone of this user. */
    phone: (user, settings) => newWx({ code: async () => (await sim('code', { user })).code, ...settings }),
  }
}

/** A backend that echoes requests and WebSocket messages. It delays requests for /api/delayed until release, and refuses /api/refuse with 401. It can be stopped and started. */
export async function startBackend() {
  const paths = []
  const delayed = []
  const serve = (request, response) => {
    paths.push(request.url)
    const chunks = []
    request.on('data', chunk => chunks.push(chunk))
    const respond = () => {
      const body = Buffer.concat(chunks).toString()
      response.writeHead(request.url === '/api/refuse' ? 401 : 200, { 'Content-Type': 'application/json' })
      response.end(JSON.stringify({ method: request.method, path: request.url, header: request.headers, body }))
    }
    request.on('end', () => (request.url === '/api/delayed' ? delayed.push(respond) : respond()))
  }
  const upgrader = new WebSocketServer({ noServer: true })
  const { port } = new URL('http://' + (await freeAddress()))
  let server
  const backend = {
    url: 'http://127.0.0.1:' + port,
    /** How many requests for this path have arrived. */
    seen: path => paths.filter(each => each === path).length,
    /** Responds to the requests for /api/delayed. */
    release: () => delayed.splice(0).forEach(respond => respond()),
    async start() {
      server = http.createServer(serve)
      server.on('upgrade', (request, socket, head) => {
        upgrader.handleUpgrade(request, socket, head, ws => {
          ws.on('message', (data, binary) => ws.send(data, { binary }))
          ws.send('hello ' + request.headers['x-openid'])
        })
      })
      await once(server.listen(port, '127.0.0.1'), 'listening')
    },
    async stop() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
  await backend.start()
  return backend
}

async function freeAddress() {
  const server = http.createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address()
  await new Promise(resolve => server.close(resolve))
  return '127.0.0.1:' + port
}

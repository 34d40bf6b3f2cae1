// Builds wxgate, runs `wxgate dev` on free ports, and starts a browser.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { chromium } from 'playwright-core'

const root = fileURLToPath(new URL('../../../..', import.meta.url))
const screenshots = fileURLToPath(new URL('screenshots', import.meta.url))

/** Builds wxgate and starts a browser; the caller calls close when done. */
export async function prepare() {
  const folder = mkdtempSync(join(tmpdir(), 'wxgate-playground-'))
  const binary = join(folder, 'wxgate')
  await promisify(execFile)('go', ['build', '-buildvcs=false', '-o', binary, './cmd/wxgate'], { cwd: root })
  const browser = await launch(folder)
  return {
    browser,
    /** Runs a separate `wxgate dev`. */
    dev: () => runDev(binary),
    /** Runs `wxgate serve` with a configuration in which $LISTEN and $ADMIN are replaced, and returns the private listener's URL. */
    async serve(config) {
      const [listen, admin] = [await freeAddress(), await freeAddress()]
      const file = join(folder, `${admin.split(':')[1]}.yaml`)
      writeFileSync(file, config.replace('$LISTEN', listen).replace('$ADMIN', admin))
      return { ...(await run(binary, ['serve', '--config', file], `http://${admin}/healthz`)), url: 'http://' + admin }
    },
    async close() {
      await browser.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function runDev(binary) {
  const address = await freeAddress()
  const url = 'http://' + address
  return { ...(await run(binary, ['dev', '--listen', address], url)), url }
}

/** Starts wxgate and waits until it responds at the URL. */
async function run(binary, args, address) {
  const child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  // An interrupted test run leaves no process behind.
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', data => (output += data))
  for (let left = 200; !(await responds(address)); left--) {
    if (left === 0 || child.exitCode !== null) throw new Error(`wxgate ${args[0]} did not start:\n${output}`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  return {
    /** Its output so far. */
    printed: () => output,
    async stop() {
      if (child.exitCode !== null) return
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      await exited
      process.off('exit', kill)
    },
  }
}

const responds = url => fetch(url).then(response => response.ok, () => false)

/** The system's Chromium with a separate profile, without requests of its own. */
async function launch(home) {
  const executablePath = process.env.CHROMIUM || '/usr/bin/chromium'
  if (!existsSync(executablePath)) {
    throw new Error(`no Chromium at ${executablePath}: install it (Debian: apt-get install chromium), or set CHROMIUM`)
  }
  const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP *.example.test 127.0.0.1']
  return chromium.launch({ executablePath, headless: true, args, env: { ...process.env, HOME: home } })
}

/**
 * Opens a page in a context with empty storage. It records the problems on which the test must fail: errors of scripts, violations of the
 * page's policy, and the results of problemsOf for each request.
 */
export async function openWatchedPage(browser, { locale, width, height, colorScheme }, problemsOf) {
  const context = await browser.newContext({ locale, viewport: { width, height }, colorScheme })
  const page = await context.newPage()
  page.setDefaultTimeout(15000)
  const problems = []
  page.on('pageerror', error => problems.push(`script: ${error.message}`))
  page.on('console', message => {
    // The browser logs refused calls, which some tests make.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) problems.push(message.text())
  })
  page.on('request', request => problems.push(...problemsOf(request)))
  return { context, page, problems }
}

/** Takes a screenshot of the page into the ignored folder. */
export async function picture(page, name) {
  mkdirSync(screenshots, { recursive: true })
  await page.screenshot({ path: join(screenshots, name + '.png'), animations: 'disabled' })
}

async function freeAddress() {
  const server = http.createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address()
  await new Promise(resolve => server.close(resolve))
  return '127.0.0.1:' + port
}

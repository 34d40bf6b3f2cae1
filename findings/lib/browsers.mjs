// Runs the same steps in Chromium and in WebKit (WebKitGTK's MiniBrowser). steps(page) is
// called with page.open(url) and page.run(body of an async function). It returns the line to
// print for the browser.
import { spawn } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const MINI_BROWSER = '/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser'

export async function inBothBrowsers(steps) {
  await inChromium(steps)
  await inWebKit(steps)
}

async function inChromium(steps) {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-quic', '--disable-background-networking'],
  })
  const page = await browser.newPage()
  try {
    const line = await steps({ open: (url) => page.goto(url), run: (body) => page.evaluate(`(async () => { ${body} })()`) })
    console.error('Chromium', browser.version())
    console.log(`Chromium: ${line}`)
  } finally {
    await browser.close()
  }
}

async function inWebKit(steps) {
  const port = 20000 + Math.floor(Math.random() * 5000)
  const home = mkdtempSync(join(tmpdir(), 'webkit-'))
  const driver = spawn('WebKitWebDriver', [`--port=${port}`], {
    env: { ...process.env, HOME: home, WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1' },
  })
  const call = async (method, path, body) => {
    const res = await fetch(`http://127.0.0.1:${port}${path}`, { method, body: body && JSON.stringify(body) })
    const { value } = await res.json()
    if (value?.error) throw new Error(`${value.error}: ${value.message}`)
    return value
  }
  try {
    await untilListening(port)
    const options = { binary: MINI_BROWSER, args: ['--automation'] }
    const session = await call('POST', '/session', { capabilities: { alwaysMatch: { 'webkitgtk:browserOptions': options } } })
    const base = `/session/${session.sessionId}`
    const line = await steps({
      open: (url) => call('POST', `${base}/url`, { url }),
      run: (body) => call('POST', `${base}/execute/async`, {
        script: `const done = arguments[arguments.length - 1]; (async () => { ${body} })().then(done, (e) => done(String(e)))`,
        args: [],
      }),
    })
    console.error('WebKitGTK', session.capabilities.browserVersion)
    console.log(`WebKit: ${line}`)
    await call('DELETE', base)
  } finally {
    driver.kill()
  }
}

async function untilListening(port) {
  for (let tries = 0; ; tries++) {
    try {
      await fetch(`http://127.0.0.1:${port}/status`)
      return
    } catch (e) {
      if (tries > 100) throw e
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

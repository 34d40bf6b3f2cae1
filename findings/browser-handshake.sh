#!/usr/bin/env bash
# Guess:   browsers treat a refused WebSocket handshake alike: they all store a Set-Cookie of the
#          response, or none does, and none sends Sec-Fetch-Site with a handshake.
# Reality: Chromium stores the cookie of a 401 only and sends no Sec-Fetch-* with a handshake;
#          WebKit stores the cookie of every status and sends Sec-Fetch-Site. A server can't rely
#          on a 403 to clear a cookie, nor on Sec-Fetch-Site to recognise another site. Both
#          browsers send Origin.
# Needs:   node 20, npm; Debian's chromium, webkit2gtk-driver, xvfb.
set -euo pipefail
. "$(dirname "$0")/lib/browsers.sh"

cat >main.mjs <<'EOF'
import http from 'node:http'
import { inBothBrowsers } from './browsers.mjs'

const sites = new Set()
const server = http.createServer((req, res) => res.setHeader('Content-Type', 'text/html').end('<!doctype html>'))
server.on('upgrade', (req, socket) => {
  sites.add(`${req.headers['sec-fetch-site'] ?? 'no Sec-Fetch-Site'}, Origin ${req.headers.origin ? 'sent' : 'missing'}`)
  const status = req.url.slice(1)
  socket.end(`HTTP/1.1 ${status} Refused\r\nSet-Cookie: from${status}=1; Path=/\r\nContent-Length: 0\r\n\r\n`)
})
server.listen(0, '127.0.0.1', async () => {
  const host = `localhost:${server.address().port}`
  await inBothBrowsers(async (page) => {
    sites.clear()
    await page.open(`http://${host}/`)
    const cookies = await page.run(`
      for (const status of [401, 403, 503]) {
        await new Promise((resolve) => { new WebSocket('ws://${host}/' + status).onclose = resolve })
      }
      return document.cookie`)
    return `${[...sites].join(' and ')}; cookies kept: ${cookies}`
  })
  process.exit()
})
EOF
timeout 120 xvfb-run -a node main.mjs | tee seen

diff -u - seen <<'EOF'
Chromium: no Sec-Fetch-Site, Origin sent; cookies kept: from401=1
WebKit: same-origin, Origin sent; cookies kept: from401=1; from403=1; from503=1
EOF
echo "as seen on 2026-11-27 with Chromium 156 and WebKitGTK 2.50.6"

#!/usr/bin/env bash
# Guess:   a Secure cookie that works on http://localhost in one browser works in the others:
#          localhost is a trustworthy origin for all of them.
# Reality: Chromium stores and sends Secure and __Host- cookies of http://localhost; WebKit
#          discards both without an error. A development server without TLS needs a cookie with
#          another name and without Secure.
# Needs:   node 20, npm; Debian's chromium, webkit2gtk-driver, xvfb.
set -euo pipefail
. "$(dirname "$0")/lib/browsers.sh"

cat >main.mjs <<'EOF'
import http from 'node:http'
import { inBothBrowsers } from './browsers.mjs'

let sent = ''
const server = http.createServer((req, res) => {
  if (req.url === '/second') sent = req.headers.cookie ?? ''
  res.setHeader('Set-Cookie', ['plain=1; Path=/', 'secure=1; Secure; Path=/', '__Host-session=1; Secure; Path=/'])
  res.setHeader('Content-Type', 'text/html').end('<!doctype html>')
})
server.listen(0, '127.0.0.1', async () => {
  await inBothBrowsers(async (page) => {
    await page.open(`http://localhost:${server.address().port}/first`)
    await page.open(`http://localhost:${server.address().port}/second`)
    return sent
  })
  process.exit()
})
EOF
timeout 120 xvfb-run -a node main.mjs | tee seen

diff -u - seen <<'EOF'
Chromium: plain=1; secure=1; __Host-session=1
WebKit: plain=1
EOF
echo "as seen on 2026-11-27 with Chromium 156 and WebKitGTK 2.50.6"

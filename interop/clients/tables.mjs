// The measurements as Markdown tables, and what of them is not as it must be.
import { readFileSync } from 'node:fs'

function version(name) {
  const [path] = name.split(',')
  return JSON.parse(readFileSync(new URL(`node_modules/${path}/package.json`, import.meta.url))).version
}

function table(columns, rows) {
  return [columns, columns.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n') + '\n'
}

const said = ({ how, status, code, message }) => [how, status, code && '`' + code + '`', !status && message && '`' + message + '`'].filter(Boolean).join(', ')

/** HTTP clients must reach the backend as the user, send a refused call once, and work over the SDK. */
export function httpTable(rows) {
  const failures = []
  const check = (name, ok, what) => ok || failures.push(`${name}: ${what}`)
  for (const { name, good, refused, sent, lost, sdk } of rows) {
    check(name, good.status === 200 && good.openid && good.openid !== 'nobody', 'the backend does not see the user')
    check(name, refused.status === 401 && refused.code === 'session_ended', 'a refused call shows no status or no error code')
    check(name, sent === 1, `a refused call is sent ${sent} times`)
    check(name, lost.how === 'rejects', 'a call without answer succeeds')
    check(name, sdk.first.status === 200 && sdk.after.status === 200 && sdk.logins === 2, 'does not work over the SDK')
  }
  const cells = ({ name, patch, refused, lost, sdk }) => [
    name, version(name), said(refused), said(lost), patch.status === 200 ? 'yes' : 'no', sdk.patch.status === 200 ? 'yes' : 'no',
    sdk.after.status === 200 ? 'one login, sent again, 200' : said(sdk.after),
  ]
  const columns = ['client', 'version', 'a 401 of the gateway', 'no answer', 'PATCH', 'PATCH over the SDK', 'over the SDK, session ended elsewhere']
  return { text: table(columns, rows.map(cells)), failures }
}

/** Sockets and streams must know the user, and be cut within a second; what is no stream may first be answered. */
export function socketTable(rows) {
  const failures = []
  for (const { name, identified, cutAfter, attempts, statuses } of rows) {
    if (!identified) failures.push(`${name}: the server does not see the user`)
    if (!name.includes('polling') && !(cutAfter <= 1000)) failures.push(`${name}: cut after ${cutAfter} ms`)
    // A poll that was waiting is answered; over the SDK a login follows.
    const refused = name.includes('polling') ? statuses.slice(1) : statuses
    if (name.includes('SDK')) statuses.includes(101) || failures.push(`${name}: does not come back: ${statuses}`)
    else if (refused.some(status => status !== 401)) failures.push(`${name}: answers ${statuses} after the end of the session`)
  }
  const cells = ({ name, cutAfter, close, reports, attempts, statuses }) => [
    name, version(name), cutAfter === undefined ? 'not within 35 s' : `${cutAfter} ms`, close || 'none', reports[0] ? '`' + reports[0].trim() + '`' : 'nothing',
    attempts.length ? `${attempts.length} in 35 s, after ${attempts.slice(0, 4).map(({ after }) => (after / 1000).toFixed(1)).join(', ')}${attempts.length > 4 ? ', …' : ''} s: ${[...new Set(statuses)]}` : 'none',
    reports.length > 1 ? '`' + reports[reports.length - 1].trim() + '`' : '',
  ]
  const columns = ['client', 'version', 'cut after', 'close frame', 'reports', 'tries again', 'and reports']
  return { text: table(columns, rows.map(cells)), failures }
}

// The measurements as Markdown tables, and the failures among them.
import { readFileSync } from 'node:fs'

function version(name) {
  const [path] = name.split(',')
  return JSON.parse(readFileSync(new URL(`node_modules/${path}/package.json`, import.meta.url))).version
}

function table(columns, rows) {
  return [columns, columns.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n') + '\n'
}

const describe = ({ how, status, code, message }) => [how, status, code && '`' + code + '`', !status && message && '`' + message + '`'].filter(Boolean).join(', ')

/** HTTP clients must reach the backend as the user, send a refused call once, and work over the SDK. */
export function httpTable(rows) {
  const failures = []
  const check = (name, ok, what) => ok || failures.push(`${name}: ${what}`)
  for (const { name, good, refused, sent, lost, sdk } of rows) {
    check(name, good.status === 200 && good.openid && good.openid !== 'nobody', 'the backend does not see the user')
    check(name, refused.status === 401 && refused.code === 'session_ended', 'a refused call shows no status or no error code')
    check(name, sent === 1, `a refused call is sent ${sent} times`)
    check(name, lost.how === 'rejects', 'a call without a response succeeds')
    check(name, sdk.first.status === 200 && sdk.after.status === 200 && sdk.logins === 2, 'does not work over the SDK')
  }
  const cells = ({ name, patch, refused, lost, sdk }) => [
    name, version(name), describe(refused), describe(lost), patch.status === 200 ? 'yes' : 'no', sdk.patch.status === 200 ? 'yes' : 'no',
    sdk.after.status === 200 ? 'one login, sent again, 200' : describe(sdk.after),
  ]
  const columns = ['client', 'version', 'a 401 of the gateway', 'no response', 'PATCH', 'PATCH over the SDK', 'over the SDK, session ended elsewhere']
  return { text: table(columns, rows.map(cells)), failures }
}

/** The server must see the user, and a socket or stream must be closed within a second of the logout. */
export function socketTable(rows) {
  const failures = []
  for (const { name, identified, closedAfter, statuses } of rows) {
    if (!identified) failures.push(`${name}: the server does not see the user`)
    if (!name.includes('polling') && !(closedAfter <= 1000)) failures.push(`${name}: closed after ${closedAfter} ms`)
    // A poll that was waiting gets its response first. Over the SDK a new login follows.
    const refused = name.includes('polling') ? statuses.slice(1) : statuses
    if (name.includes('SDK')) statuses.includes(101) || failures.push(`${name}: does not reconnect: ${statuses}`)
    else if (refused.some(status => status !== 401)) failures.push(`${name}: responses ${statuses} after the end of the session`)
  }
  const cells = ({ name, closedAfter, closeFrame, reports, attempts, statuses }) => [
    name, version(name), closedAfter === undefined ? 'not within 35 s' : `${closedAfter} ms`, closeFrame || 'none', reports[0] ? '`' + reports[0].trim() + '`' : 'nothing',
    attempts.length ? `${attempts.length} in 35 s, after ${attempts.slice(0, 4).map(({ after }) => (after / 1000).toFixed(1)).join(', ')}${attempts.length > 4 ? ', …' : ''} s: ${[...new Set(statuses)]}` : 'none',
    reports.length > 1 ? '`' + reports[reports.length - 1].trim() + '`' : '',
  ]
  const columns = ['client', 'version', 'closed after', 'close frame', 'reports', 'reconnects', 'and reports']
  return { text: table(columns, rows.map(cells)), failures }
}

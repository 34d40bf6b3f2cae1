// A backend behind wxgate. It verifies that requests came through the gateway, reads the
// user, and handles the login hook: node examples/node/backend.mjs
import { createServer } from 'node:http'
import { Keys, verify } from './assertion.mjs'

const { WXGATE_JWKS = 'http://127.0.0.1:8080/.well-known/jwks.json', WXGATE_ISSUER = 'wxgate', ROUTE = 'api', LISTEN = '127.0.0.1:3000' } = process.env
const keys = new Keys(WXGATE_JWKS)

/** Returns the user. Without the verification, anybody who can connect could send X-OpenID. */
async function hello ({ headers }) {
  const claims = await verify(headers['x-identity-assertion'] ?? '', keys, WXGATE_ISSUER, ROUTE)
  if (claims.sub !== headers['x-openid']) throw new Error('another user')
  return { openid: claims.sub, user_id: claims.user_id, roles: claims.roles }
}

/** Returns the backend's own user id. A response with 403 would refuse the login. */
async function login ({ headers }) {
  const claims = await verify((headers.authorization ?? '').replace(/^Bearer /, ''), keys, WXGATE_ISSUER, 'login-hook')
  return { user_id: `u-${claims.sub}`, roles: ['customer'] }
}

const server = createServer(async (req, res) => {
  req.resume()
  const isHook = req.method === 'POST' && req.url === '/hooks/login'
  try {
    const body = JSON.stringify(await (isHook ? login : hello)(req))
    res.writeHead(200, { 'Content-Type': 'application/json' }).end(body)
  } catch {
    res.writeHead(isHook ? 401 : 403).end('not through the gateway\n')
  }
})
const [, host, port] = LISTEN.match(/^(.*):(\d+)$/)
server.listen(port, host)
process.on('SIGTERM', () => process.exit())

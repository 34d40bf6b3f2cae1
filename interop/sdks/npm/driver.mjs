// The driver of an npm SDK for the interop program sdks: it makes calls with the SDK on request. Usage: node driver.mjs SDK
import { once } from 'node:events'
import http from 'node:http'

const { calls, push } = await import(`./${process.argv[2]}.mjs`)

async function read(request) {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** The errcode of WeChat or of the gateway, when the error of the SDK has it as a field. */
const errcodeOf = error => Number(error.code ?? error.errcode) || undefined

async function serveCall(request, response) {
  const name = request.url.slice(1)
  if (!calls[name]) return response.writeHead(404).end()
  let result
  try {
    result = { value: await calls[name](JSON.parse(await read(request))) }
  } catch (error) {
    result = { error: String(error?.message ?? error), errcode: errcodeOf(error) }
  }
  response.end(JSON.stringify(result))
}

async function servePush(request, response) {
  try {
    await push(request, response)
  } catch (error) {
    console.log('push:', error.message)
    if (!response.headersSent) response.writeHead(500)
    response.end()
  }
}

const server = http.createServer((request, response) => (request.url.startsWith('/push') ? servePush : serveCall)(request, response))
await once(server.listen(0, '127.0.0.1'), 'listening')
console.log('listens on http://127.0.0.1:' + server.address().port)

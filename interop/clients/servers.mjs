// The servers behind the gateway. The first message of each has the caller's openid, so that a missing identity is noticed.
import { once } from 'node:events'
import http from 'node:http'
import { create, createFileRegistry } from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema, file_google_protobuf_wrappers, StringValueSchema } from '@bufbuild/protobuf/wkt'
import { connectNodeAdapter } from '@connectrpc/connect-node'
import { Aedes } from 'aedes'
import { buildSchema } from 'graphql'
import { useServer } from 'graphql-ws/use/ws'
import { Server as SocketIO } from 'socket.io'
import StompServer from 'stomp-broker-js'
import { createWebSocketStream, WebSocketServer } from 'ws'

const openidOf = request => request.headers['x-openid'] || 'nobody'

async function listen(server) {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return 'http://127.0.0.1:' + server.address().port
}

/** Echoes a request; /events is a stream of server-sent events. */
function echo(request, response) {
  if (request.url.startsWith('/events')) return events(request, response)
  const chunks = []
  request.on('data', chunk => chunks.push(chunk))
  request.on('end', () => {
    response.writeHead(200, { 'Content-Type': 'application/json' })
    response.end(JSON.stringify({ method: request.method, openid: openidOf(request), body: Buffer.concat(chunks).toString() }))
  })
}

function events(request, response) {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
  const send = () => response.write(`data: ${openidOf(request)}\n\n`)
  send()
  const timer = setInterval(send, 100)
  response.on('close', () => clearInterval(timer))
}

function socketIO() {
  const server = http.createServer()
  new SocketIO(server).on('connection', socket => socket.emit('hello', openidOf(socket.request)))
  return listen(server)
}

/** An MQTT broker that publishes the caller's openid to every topic that a client subscribes to. */
async function mqtt() {
  const broker = await Aedes.createBroker()
  broker.on('subscribe', ([{ topic }], client) => client.publish({ topic, payload: client.openid, qos: 0, retain: false }, () => {}))
  const server = http.createServer()
  new WebSocketServer({ server, handleProtocols: () => 'mqtt' }).on('connection', (socket, request) => {
    const stream = createWebSocketStream(socket)
    stream.on('error', () => {})
    const client = broker.handle(stream, request)
    client.openid = openidOf(request)
  })
  return listen(server)
}

function graphql() {
  const schema = buildSchema('type Query { me: String } type Subscription { ticks: String }')
  schema.getSubscriptionType().getFields().ticks.subscribe = async function* (root, args, { extra }) {
    for (;;) {
      yield { ticks: openidOf(extra.request) }
      await new Promise(resolve => setTimeout(resolve, 100))
    }
  }
  const server = http.createServer()
  useServer({ schema, context: context => context }, new WebSocketServer({ server }))
  return listen(server)
}

function stomp() {
  const server = http.createServer()
  const openids = new Map()
  const broker = new StompServer({ server, path: '/stomp', heartbeat: [0, 0] })
  broker.socket.on('connection', (socket, request) => openids.set(socket, openidOf(request)))
  broker.on('subscribe', ({ topic, sessionId }) => {
    const [openid] = [...openids.values()].slice(-1)
    broker.send(topic, {}, openid)
  })
  return listen(server)
}

/** The service wxgate.test.Echo, described at run time instead of generated. */
export function echoService() {
  const field = (name, inputType, serverStreaming) => ({ name, inputType, outputType: inputType, serverStreaming })
  const file = create(FileDescriptorProtoSchema, {
    name: 'echo.proto',
    package: 'wxgate.test',
    syntax: 'proto3',
    dependency: ['google/protobuf/wrappers.proto'],
    service: [{ name: 'Echo', method: [field('Say', '.google.protobuf.StringValue', false), field('Ticks', '.google.protobuf.StringValue', true)] }],
  })
  return createFileRegistry(file, () => file_google_protobuf_wrappers.proto).getService('wxgate.test.Echo')
}

function connect() {
  const openid = ({ requestHeader }) => create(StringValueSchema, { value: requestHeader.get('x-openid') || 'nobody' })
  const routes = router =>
    router.service(echoService(), {
      say: (request, context) => openid(context),
      async *ticks(request, context) {
        for (;;) {
          yield openid(context)
          await new Promise(resolve => setTimeout(resolve, 100))
        }
      },
    })
  return listen(http.createServer(connectNodeAdapter({ routes })))
}

/** Starts all servers. Returns the URL of each by its name. */
export async function startServers() {
  const starting = { echo: listen(http.createServer(echo)), socketIO: socketIO(), mqtt: mqtt(), graphql: graphql(), stomp: stomp(), connect: connect() }
  const urls = await Promise.all(Object.values(starting))
  return Object.fromEntries(Object.keys(starting).map((name, i) => [name, urls[i]]))
}

// Sockets and streams of public clients: how a logout cuts each, and what each does then.
import './navigator.mjs'
import http from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { create } from '@bufbuild/protobuf'
import { StringValueSchema } from '@bufbuild/protobuf/wkt'
import { createClient as createConnectClient } from '@connectrpc/connect'
import { createConnectTransport } from '@connectrpc/connect-web'
import { Client as Stomp } from '@stomp/stompjs'
import { EventSource } from 'eventsource'
import { createClient as createGraphQL } from 'graphql-ws'
import mqtt from 'mqtt'
import mqttForPhones from 'mqtt/dist/mqtt.esm'
import { io } from 'socket.io-client'
import WebSocket from 'ws'
import { createGateway } from '../../miniprogram/dist/index.mjs'
import { record } from './recorder.mjs'
import { echoService } from './servers.mjs'

/** Milliseconds in which a client may try again after the cut. */
const watched = 35000

/**
 * Each opens a connection with this header and calls `hear` with the openid that its server tells, and `tell` with what
 * it reports of its end. It gives what closes it for good.
 */
const socketClients = {
  'socket.io-client, websocket': (url, headers, hear, tell) => openSocketIO(url, headers, hear, tell, ['websocket']),
  'socket.io-client, polling': (url, headers, hear, tell) => openSocketIO(url, headers, hear, tell, ['polling']),
  'mqtt': (url, headers, hear, tell) => {
    const client = mqtt.connect(url.replace('http', 'ws') + '/mqtt', { wsOptions: { headers } })
    client.on('connect', () => client.subscribe('me'))
    client.on('message', (topic, payload) => hear(payload.toString()))
    client.on('close', () => tell('close'))
    client.on('error', error => tell('error: ' + (error.message || error.code)))
    return () => client.end(true)
  },
  // mqtt.js has a transport for mini programs, which sets no header: the SDK, in place of wx, does.
  'mqtt, wx over the SDK': (url, headers, hear, tell, platform) => {
    globalThis.wx = createGateway({ baseURL: url, platform })
    const client = mqttForPhones.connect(url.replace('http', 'wx') + '/mqtt', { forceNativeWebSocket: true })
    client.on('connect', () => client.subscribe('me'))
    client.on('message', (topic, payload) => (hear(payload.toString()), tell('message')))
    client.on('close', () => tell('close'))
    client.on('error', error => tell('error: ' + (error.message || error.code)))
    return () => client.end(true)
  },
  'graphql-ws': (url, headers, hear, tell) => {
    class WithHeader extends WebSocket {
      constructor(address, protocols) {
        super(address, protocols, { headers })
      }
    }
    const client = createGraphQL({ url: url.replace('http', 'ws') + '/graphql', webSocketImpl: WithHeader })
    client.on('closed', ({ code, reason }) => tell(`closed: ${code} ${reason}`))
    const sink = { next: ({ data }) => hear(data.ticks), error: error => tell('error: ' + describe(error)), complete: () => {} }
    client.subscribe({ query: 'subscription { ticks }' }, sink)
    return () => client.dispose()
  },
  '@stomp/stompjs': (url, headers, hear, tell) => {
    const client = new Stomp({ webSocketFactory: () => new WebSocket(url.replace('http', 'ws') + '/stomp', ['v12.stomp', 'v11.stomp'], { headers }), heartbeatIncoming: 0, heartbeatOutgoing: 0 })
    client.onConnect = () => client.subscribe('/me', ({ body }) => hear(body))
    client.onWebSocketClose = ({ code, reason }) => tell(`close: ${code} ${reason}`)
    client.activate()
    return () => client.deactivate({ force: true })
  },
  '@connectrpc/connect-web': (url, headers, hear, tell) => {
    const stop = new AbortController()
    const add = next => request => (Object.entries(headers).forEach(entry => request.header.set(...entry)), next(request))
    const client = createConnectClient(echoService(), createConnectTransport({ baseUrl: url, interceptors: [add] }))
    const read = async () => {
      for await (const { value } of client.ticks(create(StringValueSchema), { signal: stop.signal })) hear(value)
      tell('the stream ends as if it were complete')
    }
    read().catch(error => tell('error: ' + describe(error)))
    return () => stop.abort()
  },
  'eventsource': (url, headers, hear, tell) => {
    const source = new EventSource(url + '/events', { fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, ...headers } }) })
    source.onmessage = ({ data }) => hear(data)
    source.onerror = ({ code, message }) => tell(`error: ${code ?? ''} ${message ?? ''}`)
    return () => source.close()
  },
}

function openSocketIO(url, headers, hear, tell, transports) {
  const socket = io(url, { transports, extraHeaders: headers, forceNew: true })
  socket.on('hello', hear)
  socket.on('disconnect', reason => tell('disconnect: ' + reason))
  socket.on('connect_error', error => tell('connect_error: ' + error.message))
  return () => socket.disconnect()
}

function describe(error) {
  return error.message ?? (error.code ? `${error.code} ${error.reason}` : error.type ?? String(error))
}

/** The headers with which a browser's page is recognised: the cookie of a web session, and its own origin. */
async function cookieHeaders(gateway, user, token, origin) {
  const { path } = await (await fetch(gateway.url + '/auth/ticket', { method: 'POST', body: '{"next":"/events"}', headers: { Authorization: 'Bearer ' + token, 'Content-Type': 'application/json' } })).json()
  const entered = await new Promise((resolve, reject) => http.get(gateway.url + path, response => resolve(response.resume())).on('error', reject))
  const [cookie] = entered.headers['set-cookie'][0].split(';')
  return { Cookie: cookie, Origin: origin }
}

/** Opens one client, ends its session, and gives what happened. */
async function measure(gateway, name, open, user, way) {
  const platform = gateway.phone(user)
  const recorder = await record(gateway.url)
  const { token } = await createGateway({ baseURL: recorder.url, platform }).login()
  const told = []
  let openid
  const ready = new Promise(resolve => {
    openid = resolve
  })
  const headers = way === 'cookie' ? await cookieHeaders(gateway, user, token, recorder.url) : { Authorization: 'Bearer ' + token }
  const close = open(recorder.url, headers, openid, what => told.push({ at: Date.now(), what }), platform)
  const heard = await Promise.race([ready, sleep(10000)])
  await sleep(300)
  const ended = Date.now()
  await gateway.logout(token)
  await sleep(watched)
  const after = recorder.events.filter(({ at }) => at >= ended)
  await close()
  recorder.close()
  const end = after.find(({ kind, status }) => kind === 'end' || status)
  return {
    name,
    identified: heard === (await gateway.openid(user)),
    cutAfter: end && end.at - ended,
    close: after.find(({ kind }) => kind === 'end')?.close,
    reports: told.filter(({ at }) => at >= ended).map(({ what }) => what),
    attempts: after.filter(({ kind }) => kind === 'request').map(({ at, method, path }) => ({ after: at - ended, method, path })),
    statuses: after.filter(({ status }) => status).map(({ status }) => status),
  }
}

/** All clients at once, each with a user of its own, known by header or by cookie. */
export function measureSockets(gateway, way) {
  const clients = Object.entries(socketClients).filter(([name]) => way === 'header' || !name.includes('SDK'))
  return Promise.all(clients.map(([name, open], i) => measure(gateway, name, open, way + i, way)))
}
